/** Which route of a prefix wins. */

import assert from "node:assert/strict";
import { judgePrefix, type Policy, selectWinner, wantedRoute } from "../../../src/routes/policy.ts";
import { kernelRoute, type RouteParts } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallVm } from "../../fakes/policies.ts";

const prefix = "198.51.100.0/24";

/** The verdicts of routes of one prefix, in their order. */
function verdicts(parts: readonly RouteParts[], policy: Partial<Policy> = {}): readonly string[] {
  const routes = parts.map((part) => kernelRoute(prefix, { via: "172.16.0.1", ...part }));
  return judgePrefix(routes, { ...defaultPolicy, ...policy }, smallVm)
    .map((one) => one.verdict === "dropped" ? one.reason : one.verdict);
}

Deno.test("judgePrefix() lets the lowest metric win", () => {
  assert.deepEqual(verdicts([{ metric: 20 }, { metric: 10 }, { metric: 15 }]), [
    "shadowed",
    "exported",
    "shadowed",
  ]);
});

Deno.test("judgePrefix() lets the first listed win among equal metrics", () => {
  assert.deepEqual(verdicts([{ protocol: 12 }, { protocol: 186 }]), ["exported", "shadowed"]);
});

Deno.test("judgePrefix() lets a route win that is then not exported: the kernel's own choice comes first", () => {
  assert.deepEqual(verdicts([{ metric: 20 }, { metric: 0, protocol: 2 }]), ["shadowed", "protocol"]);
  assert.deepEqual(verdicts([{ metric: 20 }, { metric: 0, linkDown: true }]), ["shadowed", "link-down"]);
  assert.deepEqual(verdicts([{ metric: 20 }, { metric: 0, type: 7 }]), ["shadowed", "type"]);
});

Deno.test("judgePrefix() lets tables win in the order of -table, whatever the metric", () => {
  const routes = [{ table: 254, metric: 5 }, { table: 100, metric: 500 }];
  assert.deepEqual(verdicts(routes, { tables: [100, 254] }), ["shadowed", "exported"]);
  assert.deepEqual(verdicts(routes, { tables: [254, 100] }), ["exported", "shadowed"]);
  assert.deepEqual(verdicts(routes, { tables: [100] }), ["other-table", "exported"]);
});

Deno.test("judgePrefix() keeps routes for one type of service out of the contest", () => {
  assert.deepEqual(verdicts([{ metric: 0, tos: 8 }, { metric: 20 }]), ["tos", "exported"]);
});

Deno.test("selectWinner() finds none where no route takes part", () => {
  assert.equal(selectWinner([], defaultPolicy), null);
  assert.equal(selectWinner([kernelRoute(prefix, { table: 7 })], defaultPolicy), null);
  assert.equal(wantedRoute([kernelRoute(prefix, { table: 7 })], defaultPolicy, smallVm), null);
});
