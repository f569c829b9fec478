/** Kernel routes and their verdicts as documents and as text. */

import type { KernelRoute, Leg } from "../kernel/kernel_table.ts";
import { protocolName, routeTypeName, tableName } from "../kernel/protocol_names.ts";
import { unicastType } from "../routes/winner.ts";
import { type DropReason, dropReasonMeanings } from "../routes/drop_reason.ts";
import { type SelfReason, selfReasonMeanings } from "../routes/next_hop.ts";
import type { LegUse, Verdict } from "../routes/route_judge.ts";

/** One route in the documents of `routes` and `explain`. */
export interface RouteDocument {
  readonly prefix: string;
  readonly protocol: string;
  readonly table: number;
  readonly metric: number;
  readonly nexthops: readonly NextHopDocument[];
  readonly verdict: "wanted" | "dropped";
  readonly reason: DropReason | null;
}

/** One leg of a route. */
export interface NextHopDocument {
  readonly gateway: string | null;
  readonly interface: string | null;
  readonly weight: number;
  /** What its packets are wrapped in. */
  readonly encapsulation: string | null;
  /** Where the cloud is to send packets for a wanted route: to the gateway or to this VM; null if the leg does not count. */
  readonly to: LegUse["to"];
  /** Why not to the gateway. */
  readonly why: SelfReason | DropReason | null;
}

/** The document of one judged route. */
export function routeDocument(verdict: Verdict): RouteDocument {
  const { route } = verdict;
  return {
    prefix: route.prefix.text,
    protocol: protocolName(route.protocol),
    table: route.table,
    metric: route.metric,
    nexthops: route.legs.map((leg, index) => ({
      gateway: leg.gateway?.text ?? null,
      interface: leg.interfaceName,
      weight: leg.weight,
      encapsulation: leg.encapsulation,
      ...useOf(verdict, index) ?? { to: null, why: null },
    })),
    verdict: verdict.verdict,
    reason: verdict.verdict === "dropped" ? verdict.reason : null,
  };
}

/** A route as `ip route` would say it, in short. */
export function describeRoute(route: KernelRoute): string {
  const type = route.type === unicastType ? "" : `${routeTypeName(route.type)} `;
  const legs = describeLegs(route);
  const way = legs === "" ? "" : `${legs} `;
  const from = route.source === null ? "" : `from ${route.source.text} `;
  return `${type}${route.prefix.text} ${from}${way}proto ${
    protocolName(route.protocol)
  } metric ${route.metric}${preferenceText(route)} table ${tableName(route.table)}`;
}

/** Where a route leads: `via 10.0.0.7 dev eth0`, each leg of several; empty for a route that leads nowhere. */
export function describeLegs(route: KernelRoute): string {
  return route.legs.map((leg) => describeLeg(leg, route)).join(", ");
}

/** ` pref high`, as `ip -6 route` says it; nothing for medium. */
function preferenceText({ preference }: KernelRoute): string {
  return preference === 0 ? "" : ` pref ${preference > 0 ? "high" : "low"}`;
}

function describeLeg(leg: Leg, { prefix }: KernelRoute): string {
  const { gateway, encapsulation } = leg;
  const encap = encapsulation === null ? "" : `encap ${encapsulation} `;
  const family = gateway === null || gateway.family === prefix.family
    ? ""
    : `inet${gateway.family === 6 ? 6 : ""} `;
  const via = gateway === null ? "" : `via ${family}${gateway.text} `;
  const state = leg.dead ? " dead" : leg.linkDown ? " linkdown" : "";
  return `${encap}${via}dev ${leg.interfaceName ?? leg.interfaceIndex}${leg.onLink ? " onlink" : ""}${state}`;
}

/** What is to become of a route, and of each of its legs, in words. */
export function verdictLines(verdict: Verdict): readonly string[] {
  if (verdict.verdict === "dropped") {
    return [`dropped, ${verdict.reason}: ${dropReasonMeanings[verdict.reason]}`];
  }
  const legs = verdict.route.legs.map((leg, index) => `  ${shortLeg(leg)}: ${useText(verdict.legs[index])}`);
  return ["wanted", ...legs];
}

function useText(use: LegUse | undefined): string {
  switch (use?.to) {
    case "gateway":
      return "next hop is the gateway";
    case "self":
      return `next hop is this VM, ${use.why}: ${selfReasonMeanings[use.why]}`;
    default:
      return use?.why ? `does not count, ${use.why}: ${dropReasonMeanings[use.why]}` : "does not count";
  }
}

/** What stands above the cells of {@linkcode routeCells}. */
export const routeHeading: readonly string[] = [
  "PREFIX",
  "PROTOCOL",
  "TABLE",
  "METRIC",
  "NEXT HOPS",
  "VERDICT",
];

/** A judged route as cells of a line. All but the first are the same for every prefix that has such a route; the first begins with it. */
export function routeCells(verdict: Verdict): readonly string[] {
  const { route } = verdict;
  const hops = route.legs.map((leg, index) => `${shortLeg(leg)}${noteOf(leg, useOf(verdict, index))}`);
  return [
    route.source === null ? route.prefix.text : `${route.prefix.text} from ${route.source.text}`,
    protocolName(route.protocol),
    tableName(route.table),
    `${route.metric}${preferenceText(route)}`,
    hops.join(", ") || routeTypeName(route.type),
    verdict.verdict === "wanted" ? "wanted" : `dropped: ${verdict.reason}`,
  ];
}

/** What is not as on an ordinary leg to a neighbour: ` (encap ip, this VM)`. */
function noteOf({ encapsulation }: Leg, use: LegUse | null): string {
  const notes = [
    ...encapsulation === null ? [] : [`encap ${encapsulation}`],
    ...use?.to === "self" ? ["this VM"] : [],
  ];
  return notes.length === 0 ? "" : ` (${notes.join(", ")})`;
}

function shortLeg({ gateway, interfaceName, interfaceIndex }: Leg): string {
  return `${gateway?.text ?? "on link"}%${interfaceName ?? interfaceIndex}`;
}

function useOf(verdict: Verdict, index: number): LegUse | null {
  return verdict.verdict === "wanted" ? verdict.legs[index] ?? null : null;
}
