/** Random routes and policies, for properties of the rules. */

import fc from "fast-check";
import type { Policy } from "../../src/routes/policy.ts";
import { filterOf } from "./filters.ts";
import type { LegParts, RouteParts } from "./kernel_routes.ts";

const someLeg: fc.Arbitrary<LegParts> = fc.record({
  dev: fc.constantFrom("eth0", "wg0"),
  dead: fc.boolean(),
  linkDown: fc.boolean(),
  via: fc.constantFrom("10.0.0.1", "10.0.0.4", "10.0.0.9", "10.0.0.10", "172.16.0.1", ""),
}).map(({ via, ...rest }) => via === "" ? rest : { ...rest, via });

/** All of a route but its prefix. */
export const someParts: fc.Arbitrary<RouteParts> = fc.record({
  table: fc.constantFrom(254, 254, 100, 7),
  protocol: fc.constantFrom(2, 4, 12, 16, 186),
  type: fc.constantFrom(1, 1, 1, 6, 7, 9),
  tos: fc.constantFrom(0, 0, 0, 8),
  metric: fc.nat(3),
  legs: fc.array(someLeg, { minLength: 1, maxLength: 3 }),
}).map(({ legs, ...rest }) => rest.type === 1 ? { ...rest, legs } : rest);

const filters = [[], ["include 198.51.100.0/24"], ["exclude 198.51.100.0/24"], ["include 0.0.0.0/0+"]];
/** A policy. */
export const somePolicy: fc.Arbitrary<Policy> = fc.record({
  tables: fc.constantFrom([254], [100, 254], [254, 100]),
  protocols: fc.constantFrom(null, new Set([12]), new Set([2, 186])),
  filter: fc.constantFrom(...filters.map((texts) => filterOf(...texts))),
  interfaces: fc.constantFrom(new Set<string>(), new Set(["wg0"])),
  blackhole: fc.boolean(),
  ipv6: fc.boolean(),
  allowDefault: fc.boolean(),
  allowLocal: fc.boolean(),
});
