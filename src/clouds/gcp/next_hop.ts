/**
 * Next hops as ids and as the fields of a route.
 *
 * | id                                      | field of the route                                                   |
 * | --------------------------------------- | -------------------------------------------------------------------- |
 * | `projects/P/zones/Z/instances/N`        | `nextHopInstance`; this VM in a Shared VPC: `nextHopIp`, its address there |
 * | `10.0.0.3`, `2001:db8::3`               | `nextHopIp`: a neighbour                                             |
 * | `projects/P/regions/R/forwardingRules/N`, `ilb:10.0.0.9` | `nextHopIlb`                                        |
 * | `10.0.0.3` in a network that it is not in | as this VM, which forwards; the mark keeps the id (`route_mark.ts`) |
 * | anything else                           | a foreign route's: gateway, subnet, tunnel, peering …                |
 *
 * `nextHopInstance` must be in the project of the route, which in a Shared VPC is the host's and not the VM's
 * (https://cloud.google.com/vpc/docs/static-routes, "Next hops and features").
 */

import { addressOrNull, type Family, type Prefix, prefixContainsAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { RouteAnswer } from "./schemas.ts";
import type { LoadBalancer } from "./load_balancer.ts";
import { projectOf, shortUrl } from "./resource_url.ts";
import type { Vm, VmInterface } from "./vm.ts";

/** The field of a route that says where it points. */
export type NextHopField = { readonly nextHopInstance: string } | { readonly nextHopIp: string } | {
  readonly nextHopIlb: string;
};

/** How the routes of one network point at this VM. */
export interface SelfHop {
  readonly id: string;
  /** By family of the route; null where this VM, or the load balancer, has no address of it. */
  readonly fields: Readonly<Record<Family, NextHopField | null>>;
  /** Whether it is a load balancer, whose one route a prefix the routers behind it share. */
  readonly isShared: boolean;
  /** Texts of the VM's addresses in the network: a route to one points at this VM as well. */
  readonly addresses: readonly string[];
  /** Ranges of neighbours in other networks: here nothing can point at them but by way of this VM. */
  readonly elsewhere: readonly Prefix[];
}

/**
 * How the routes of an interface's network point at this VM, or at the load balancer that stands for it.
 *
 * @param elsewhere see {@linkcode SelfHop}.
 */
export function selfHop(
  vm: Vm,
  leg: VmInterface,
  ilb: LoadBalancer | null,
  elsewhere: readonly Prefix[] = [],
): SelfHop {
  if (ilb !== null) return { ...ilbHop(ilb), isShared: true, addresses: [], elsewhere };
  const shared = projectOf(leg.network) !== vm.project;
  const field = (family: Family): NextHopField | null => {
    const address = leg.addresses.find((own) => own.family === family);
    if (address === undefined) return null;
    return shared ? { nextHopIp: address.text } : { nextHopInstance: vm.url };
  };
  return {
    id: vm.url,
    fields: { 4: field(4), 6: field(6) },
    isShared: false,
    addresses: leg.addresses.map(({ text }) => text),
    elsewhere,
  };
}

function ilbHop({ id, nextHopIlb, families }: LoadBalancer): Pick<SelfHop, "id" | "fields"> {
  const field = (family: Family): NextHopField | null => families.includes(family) ? { nextHopIlb } : null;
  return { id, fields: { 4: field(4), 6: field(6) } };
}

/**
 * The field that makes a route point at a next hop.
 *
 * @throws {CloudError} of kind `invalid` for an id that no route of ours can point at.
 */
export function nextHopField(id: string, family: Family, self: SelfHop): NextHopField {
  const isSelf = id === self.id || isElsewhere(id, self);
  const field = isSelf ? self.fields[family] : addressOrNull(id) === null ? null : { nextHopIp: id };
  if (field === null) throw new CloudError("invalid", `Cannot point an IPv${family} route at "${id}"`);
  return field;
}

/** The id of what a route points at. */
export function nextHopId(route: RouteAnswer, self: SelfHop): string {
  if (route.nextHopIp !== undefined) {
    const address = addressOrNull(route.nextHopIp)?.text ?? route.nextHopIp;
    return self.addresses.includes(address) ? self.id : address;
  }
  if (route.nextHopIlb !== undefined) {
    const address = addressOrNull(route.nextHopIlb);
    return address === null ? shortUrl(route.nextHopIlb) : `ilb:${address.text}`;
  }
  const url = route.nextHopInstance ?? route.nextHopGateway ?? route.nextHopNetwork ??
    route.nextHopVpnTunnel ??
    route.nextHopHub ?? route.nextHopInterconnectAttachment;
  if (url !== undefined) return shortUrl(url);
  return route.nextHopPeering === undefined ? "unknown" : `peering ${route.nextHopPeering}`;
}

/** Whether an id is a neighbour in another network, so that routes of this one cannot name it. */
export function isElsewhere(id: string, self: SelfHop): boolean {
  if (self.elsewhere.length === 0) return false;
  const address = addressOrNull(id);
  return address !== null && self.elsewhere.some((range) => prefixContainsAddress(range, address));
}
