/** Cloud routes, targets and indexes made of a few words. */

import type { CloudQuota, CloudRoute, CloudTable, TableState } from "../../src/clouds/cloud.ts";
import { type Family, parsePrefix } from "../../src/routes/prefix.ts";
import type { TableIndex } from "../../src/sync/ownership.ts";
import type { PlannedChange, Target } from "../../src/sync/planned_change.ts";

/** The owner of routes in tests. */
export const owner = "cloudroutesync";

/** A table that nothing has made. */
export const someTable: CloudTable = { id: "rtb-1", name: "rtb-1", ours: true };

/** Makes a route: `cloudRoute("10.1.0.0/16", "eni-1")` is ours and goes to eni-1; comma-separated next hops. */
export function cloudRoute(prefix: string, nextHops: string, routeOwner: string | null = owner): CloudRoute {
  return { prefix: parsePrefix(prefix), nextHops: nextHops.split(",").sort(), owner: routeOwner };
}

/** Makes a state of a table that has no version. */
export function tableState(routes: readonly CloudRoute[], quotas: readonly CloudQuota[] = []): TableState {
  return { table: someTable, routes, quotas, version: null };
}

/** Makes a target; the preferred next hop first. */
export function target(prefix: string, nextHops: string, metric = 20): Target {
  return { prefix: parsePrefix(prefix), nextHops: nextHops.split(","), metric };
}

/** Makes an index of own and foreign routes. */
export function tableIndex(own: readonly CloudRoute[], foreign: readonly CloudRoute[] = []): TableIndex {
  return {
    own: new Map(own.map((route) => [route.prefix.text, route])),
    foreign: new Map(foreign.map((route) => [route.prefix.text, [route]])),
    foreignCount: foreign.length,
    ofDead: new Map(),
    peers: new Map(),
    dead: new Set(),
  };
}

/** Makes a change that adds a route; comma-separated next hops. */
export function addChange(prefix: string, to = "eni-1"): PlannedChange {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to: to.split(","), why: "missing" };
}

/** Makes a change that points a route elsewhere; comma-separated next hops. */
export function replaceChange(prefix: string, to = "eni-2", standing = "eni-1"): PlannedChange {
  const from = cloudRoute(prefix, standing);
  return { action: "replace", prefix: from.prefix, from, to: to.split(","), why: "next-hop-changed" };
}

/** Makes a change that withdraws a route; comma-separated next hops. */
export function deleteChange(prefix: string, standing = "eni-1"): PlannedChange {
  const from = cloudRoute(prefix, standing);
  return { action: "delete", prefix: from.prefix, from, to: null, why: "not-wanted" };
}

/** Makes a quota of IPv4 routes, or of the families given. */
export function quota(used: number, limit: number | null, families: readonly Family[] = [4]): CloudQuota {
  return { families, used, limit };
}

/** The same where each next hop takes a place. */
export function hopQuota(used: number, limit: number, families: readonly Family[] = [4]): CloudQuota {
  return { families, used, limit, perNextHop: true };
}

/** Changes as `+ prefix`, `~ prefix`, `- prefix`. */
export function signed(changes: readonly PlannedChange[]): readonly string[] {
  const signs = { add: "+", replace: "~", delete: "-" } as const;
  return changes.map(({ action, prefix }) => `${signs[action]} ${prefix.text}`);
}
