/** Comparisons of wanted and standing routes, and plans made of them. */

import type { CloudQuota, CloudRoute, CloudTraits } from "../../src/clouds/cloud.ts";
import type { DroppedRoutes, PlanParts } from "../../src/cli/plan_document.ts";
import type { WantedRoute } from "../../src/routes/route_judge.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";
import { compare, type Comparison, type ComparisonInput } from "../../src/sync/comparison.ts";
import { newGuardState } from "../../src/sync/guard.ts";
import { tableIndex } from "./cloud_routes.ts";
import { smallVm } from "./policies.ts";

/** What is compared; what is left out is empty or as by default. */
export interface Scene {
  /** Neighbours by prefix, the preferred first. */
  readonly wanted?: Readonly<Record<string, readonly string[]>>;
  readonly own?: readonly CloudRoute[];
  readonly foreign?: readonly CloudRoute[];
  readonly quotas?: readonly CloudQuota[];
  readonly changed?: Partial<ComparisonInput>;
  readonly dropped?: DroppedRoutes;
}

/** A cloud that takes one change a write and one next hop a route, and marks its routes. */
export const plainTraits: CloudTraits = {
  batch: 1,
  atomic: false,
  parallel: 1,
  rate: null,
  nextHopsPerRoute: 1,
  ownership: "mark",
  uniquePrefix: true,
};

/** A router alone, of which nothing keeps a change back, at the time 0. */
export function plainRules(): Omit<
  ComparisonInput,
  "prefixes" | "wanted" | "identity" | "resolution" | "index" | "quotas" | "traits" | "guardSettings"
> {
  return {
    isWantedSince: () => false,
    bound: new Map(),
    mayLack: () => false,
    ownSubnets: [],
    adopt: false,
    group: null,
    guardState: newGuardState(),
    withdrawalsDue: () => true,
    isRetryable: () => true,
    isForbidden: () => false,
    isDamped: () => false,
    now: 0,
  };
}

/** Compares a scene in which every neighbour is a VM of its own address, but 10.0.0.99, which cannot be looked up. */
export function comparisonOf(
  { wanted = {}, own = [], foreign = [], quotas = [], changed = {} }: Scene,
): Comparison {
  const routes = new Map(
    Object.entries(wanted).map(([key, hops]): [string, WantedRoute] => {
      const nextHops = hops.map((hop) => ({ neighbour: parseAddress(hop), gateway: parseAddress(hop) }));
      return [key, { prefix: parsePrefix(key), nextHops, metric: 20, protocol: 186 }];
    }),
  );
  const hops = Object.values(wanted).flat().filter((hop) => hop !== "10.0.0.99");
  return compare({
    prefixes: new Set([...routes.keys(), ...own.map(({ prefix }) => prefix.text)]),
    wanted: routes,
    ...plainRules(),
    identity: { ...smallVm, instance: "vm" },
    resolution: { ids: new Map(hops.map((hop) => [`${hop} for IPv4`, hop])), error: null },
    index: tableIndex(own, foreign),
    quotas,
    traits: plainTraits,
    guardSettings: { maxWithdraw: 0.3, holdMs: 120_000 },
    ...changed,
  });
}

/** The parts of a plan of a scene, for cloud `local` and table `t`. */
export function planOf(scene: Scene): PlanParts {
  return {
    cloud: { name: "local", describe: (nextHop) => `<${nextHop}>` },
    table: "t",
    comparison: comparisonOf(scene),
    index: tableIndex(scene.own ?? [], scene.foreign ?? []),
    quotas: scene.quotas ?? [],
    preparation: [],
    statusFile: "/nonexistent",
    dropped: scene.dropped ?? { counts: new Map(), list: null },
  };
}
