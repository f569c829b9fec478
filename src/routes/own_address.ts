/**
 * Which address is "this VM" where no cloud's metadata says so: the one that the kernel itself would send from by its default route.
 * Pure.
 *
 * IPv4 (inet_select_addr in net/ipv4/devinet.c): the route's preferred source, else of the device's addresses the first in whose
 * subnet the gateway lies, else the first.
 *
 * IPv6 (ipv6_dev_get_saddr in net/ipv6/addrconf.c, RFC 6724): the route's preferred source, else of the device's addresses a global
 * one before a unique local one, then the first listed. What will not last is no address of a router: deprecated, tentative, failed and
 * temporary addresses never count, nor a /128 that DHCP gave beside the address of the subnet.
 */

import type { InterfaceAddress, KernelRoute, KernelTable, Link } from "../kernel/kernel_table.ts";
import {
  addressBits,
  type Family,
  type IpAddress,
  parsePrefix,
  type Prefix,
  prefixContainsAddress,
} from "./prefix.ts";
import { isPassedOver, unicastType } from "./winner.ts";

/** An address of this VM and the subnet that it lies in. */
export interface OwnAddress {
  readonly address: IpAddress;
  readonly subnet: Prefix;
}

/** `ifa_scope` of an address that is valid everywhere (RT_SCOPE_UNIVERSE, linux/rtnetlink.h). */
const globalScope = 0;
const mainTable = 254;
const defaultRoutes: Readonly<Record<Family, Prefix>> = {
  4: parsePrefix("0.0.0.0/0"),
  6: parsePrefix("::/0"),
};
const loopback: readonly Prefix[] = ["127.0.0.0/8", "::1/128"].map(parsePrefix);
const uniqueLocal = parsePrefix("fc00::/7");

/**
 * The address that the kernel would send from by the default route of a family, else the first global address of an interface that is
 * up, by the interfaces' numbers; null if there is none.
 */
export function ownAddress(family: Family, kernel: KernelTable): OwnAddress | null {
  const links = new Map(kernel.links().map((link) => [link.index, link]));
  const usable = kernel.addresses().filter((address) => isUsable(family, address, links))
    .sort((left, right) => left.interfaceIndex - right.interfaceIndex);
  const route = defaultRoute(kernel.routesOf(defaultRoutes[family]));
  const chosen = (route === null ? null : bySource(route, usable) ?? byDevice(route, usable)) ??
    preferredOf(usable, null);
  return chosen === null ? null : { address: chosen.address, subnet: chosen.subnet };
}

function isUsable(
  family: Family,
  { address, scope, flags, interfaceIndex }: InterfaceAddress,
  links: ReadonlyMap<number, Link>,
): boolean {
  if (address.family !== family || scope !== globalScope || links.get(interfaceIndex)?.up !== true) {
    return false;
  }
  if (loopback.some((range) => prefixContainsAddress(range, address))) return false;
  return family === 4 || !(flags.deprecated || flags.tentative || flags.failed || flags.temporary);
}

/** The default route that the kernel uses, if it leads anywhere. */
function defaultRoute(routes: readonly KernelRoute[]): KernelRoute | null {
  return routes.reduce<KernelRoute | null>((best, route) => {
    const counts = route.table === mainTable && route.type === unicastType && route.tos === 0 &&
      route.source === null && route.legs.length > 0 && !isPassedOver(route);
    return counts && (best === null || route.metric < best.metric) ? route : best;
  }, null);
}

function bySource(
  { preferredSource }: KernelRoute,
  usable: readonly InterfaceAddress[],
): InterfaceAddress | null {
  return usable.find(({ address }) => address.text === preferredSource?.text) ?? null;
}

function byDevice({ legs }: KernelRoute, usable: readonly InterfaceAddress[]): InterfaceAddress | null {
  const leg = legs.find(({ dead }) => !dead);
  if (leg === undefined) return null;
  return preferredOf(
    usable.filter(({ interfaceIndex }) => interfaceIndex === leg.interfaceIndex),
    leg.gateway,
  );
}

/** The preferred of one device's addresses; of several devices' the preferred of the first that has any. */
function preferredOf(
  usable: readonly InterfaceAddress[],
  gateway: IpAddress | null,
): InterfaceAddress | null {
  const [first] = usable;
  if (first === undefined) return null;
  const own = usable.filter(({ interfaceIndex }) => interfaceIndex === first.interfaceIndex);
  if (first.address.family === 4) {
    const near = own.find(({ subnet }) => gateway !== null && prefixContainsAddress(subnet, gateway));
    return near ?? first;
  }
  const wide = own.filter(({ address }) => !prefixContainsAddress(uniqueLocal, address));
  const equals = wide.length > 0 ? wide : own;
  return equals.find(({ subnet }) => subnet.length < addressBits(6)) ?? equals[0] ?? null;
}
