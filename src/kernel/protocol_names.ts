/** Names of route protocols, types and tables, as `ip route` writes them. */

/**
 * Who installed a route (`rtm_protocol`): linux/rtnetlink.h (RTPROT_*), iproute2's etc/iproute2/rt_protos, and FRR's
 * zebra/rt_netlink.h for the numbers from 193 on.
 */
const protocols: ReadonlyMap<number, string> = new Map([
  [0, "unspec"],
  [1, "redirect"],
  [2, "kernel"],
  [3, "boot"],
  [4, "static"],
  [8, "gated"],
  [9, "ra"],
  [10, "mrt"],
  [11, "zebra"],
  [12, "bird"],
  [13, "dnrouted"],
  [14, "xorp"],
  [15, "ntk"],
  [16, "dhcp"],
  [17, "mrouted"],
  [18, "keepalived"],
  [42, "babel"],
  [84, "ovn"],
  [99, "openr"],
  [186, "bgp"],
  [187, "isis"],
  [188, "ospf"],
  [189, "rip"],
  [190, "ripng"],
  [191, "nhrp"],
  [192, "eigrp"],
  [193, "ldp"],
  [194, "sharp"],
  [195, "pbr"],
  [196, "zstatic"],
  [197, "openfabric"],
  [198, "srte"],
  // No protocol of the kernel's: what Kubernetes says of the node (-pod-cidr).
  [256, "kubernetes"],
]);

/** What a route does with a packet (`rtm_type`, RTN_* in linux/rtnetlink.h). */
const routeTypes: ReadonlyMap<number, string> = new Map([
  [0, "unspec"],
  [1, "unicast"],
  [2, "local"],
  [3, "broadcast"],
  [4, "anycast"],
  [5, "multicast"],
  [6, "blackhole"],
  [7, "unreachable"],
  [8, "prohibit"],
  [9, "throw"],
  [10, "nat"],
  [11, "xresolve"],
]);

/** The tables that every kernel has (`RT_TABLE_*`). */
const tables: ReadonlyMap<number, string> = new Map([
  [253, "default"],
  [254, "main"],
  [255, "local"],
]);

/** Number of the table that routing daemons write to by default. */
export const mainTable = 254;

/** The name of a protocol; its number as text where it has none. */
export function protocolName(number: number): string {
  return protocols.get(number) ?? `${number}`;
}

/**
 * The number of a protocol, from its name or its number as text.
 *
 * @returns 0 to 255, or null if there is no such protocol.
 */
export function protocolNumber(name: string): number | null {
  return numberOf(protocols, name, 255);
}

/** The name of a route type; its number as text where it has none. */
export function routeTypeName(number: number): string {
  return routeTypes.get(number) ?? `${number}`;
}

/** The name of a table: `main`, `default`, `local`, else its number. */
export function tableName(number: number): string {
  return tables.get(number) ?? `${number}`;
}

/**
 * The number of a table, from its name or its number as text.
 *
 * @returns 1 to 4294967295, or null if there is no such table.
 */
export function tableNumber(name: string): number | null {
  const number = numberOf(tables, name, 0xffffffff);
  return number === 0 ? null : number;
}

function numberOf(names: ReadonlyMap<number, string>, name: string, most: number): number | null {
  const wanted = name.toLowerCase();
  for (const [number, known] of names) if (known === wanted) return number;
  if (!/^(0|[1-9][0-9]{0,9})$/.test(name)) return null;
  const number = Number(name);
  return number <= most ? number : null;
}
