/** Which address is "this VM" where no cloud's metadata says so: what the kernel's own default route leaves by. */

import type { InterfaceAddress, KernelRoute, KernelTable, Link } from "../kernel/kernel_table.ts";
import { type Family, type IpAddress, parsePrefix, type Prefix } from "./prefix.ts";

/** An address of this VM and the subnet that it lies in. */
export interface OwnAddress {
  readonly address: IpAddress;
  readonly subnet: Prefix;
}

/** `ifa_scope` of an address that is valid everywhere (RT_SCOPE_UNIVERSE, linux/rtnetlink.h). */
const globalScope = 0;
const mainTable = 254;

/**
 * The address of the interface that the default route of a family leaves by, else the first global address of an
 * interface that is up; null if there is none.
 */
export function ownAddress(family: Family, kernel: KernelTable): OwnAddress | null {
  const links = new Map(kernel.links().map((link) => [link.index, link]));
  const usable = kernel.addresses().filter((address) => isUsable(family, address, links));
  const leaving = defaultInterface(kernel.routesOf(parsePrefix(family === 4 ? "0.0.0.0/0" : "::/0")));
  const chosen = usable.find((address) => address.interfaceIndex === leaving) ?? usable[0];
  return chosen === undefined ? null : { address: chosen.address, subnet: chosen.subnet };
}

function isUsable(family: Family, address: InterfaceAddress, links: ReadonlyMap<number, Link>): boolean {
  return address.address.family === family && address.scope === globalScope &&
    links.get(address.interfaceIndex)?.up === true && !isLoopback(address);
}

function isLoopback(address: InterfaceAddress): boolean {
  return address.address.text === "::1" || address.address.words[0] >>> 24 === 127;
}

function defaultInterface(routes: readonly KernelRoute[]): number | null {
  const inMain = routes.filter((route) => route.table === mainTable && route.legs.length > 0);
  const best = inMain.reduce<KernelRoute | null>(
    (winner, route) => winner === null || route.metric < winner.metric ? route : winner,
    null,
  );
  return best?.legs[0]?.interfaceIndex ?? null;
}
