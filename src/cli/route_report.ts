/** Kernel routes and their verdicts as documents and as text. */

import type { KernelRoute } from "../kernel/kernel_table.ts";
import { protocolName, routeTypeName, tableName, unicastType } from "../kernel/protocol_names.ts";
import type { DropReason } from "../routes/drop_reason.ts";
import type { Verdict } from "../routes/policy.ts";
import { alignColumns } from "./text_table.ts";

/** One route in the documents of `routes` and `explain`. */
export interface RouteDocument {
  readonly prefix: string;
  readonly protocol: string;
  readonly table: number;
  readonly metric: number;
  readonly nexthops: readonly {
    readonly gateway: string | null;
    readonly interface: string | null;
    readonly weight: number;
  }[];
  readonly verdict: "exported" | "dropped";
  readonly reason: DropReason | null;
}

/** The document of one judged route. */
export function routeDocument(verdict: Verdict): RouteDocument {
  const { route } = verdict;
  return {
    prefix: route.prefix.text,
    protocol: protocolName(route.protocol),
    table: route.table,
    metric: route.metric,
    nexthops: route.legs.map((leg) => ({
      gateway: leg.gateway?.text ?? null,
      interface: leg.interfaceName,
      weight: leg.weight,
    })),
    verdict: verdict.verdict,
    reason: verdict.verdict === "dropped" ? verdict.reason : null,
  };
}

/** A route as `ip route` would say it, in short. */
export function describeRoute(route: KernelRoute): string {
  const type = route.type === unicastType ? "" : `${routeTypeName(route.type)} `;
  const legs = route.legs.map((leg) => {
    const state = leg.dead ? " dead" : leg.linkDown ? " linkdown" : "";
    const via = leg.gateway === null ? "" : `via ${leg.gateway.text} `;
    return `${via}dev ${leg.interfaceName ?? leg.interfaceIndex}${state}`;
  });
  const way = legs.length === 0 ? "" : `${legs.join(", ")} `;
  return `${type}${route.prefix.text} ${way}proto ${
    protocolName(route.protocol)
  } metric ${route.metric} table ${tableName(route.table)}`;
}

/** All routes as aligned lines. */
export function routesText(verdicts: readonly Verdict[]): string {
  return alignColumns([
    ["PREFIX", "PROTOCOL", "TABLE", "METRIC", "NEXT HOPS", "VERDICT"],
    ...verdicts.map((verdict) => {
      const { route } = verdict;
      const hops = route.legs.map((leg) =>
        `${leg.gateway?.text ?? "on link"}%${leg.interfaceName ?? leg.interfaceIndex}`
      );
      return [
        route.prefix.text,
        protocolName(route.protocol),
        tableName(route.table),
        String(route.metric),
        hops.join(", ") || routeTypeName(route.type),
        verdict.verdict === "exported" ? "exported" : `dropped: ${verdict.reason}`,
      ];
    }),
  ]);
}
