/** Kernel routes made of a few words, and a kernel table that lives in memory. */

import type {
  AddressFlags,
  InterfaceAddress,
  KernelRoute,
  KernelTable,
  Leg,
  Link,
} from "../../src/kernel/kernel_table.ts";
import { type RouteRows, type RouteRun, runOf } from "../../src/routes/route_rows.ts";
import { parseAddress, parseInterfaceAddress, parsePrefix, type Prefix } from "../../src/routes/prefix.ts";

/** What a leg is made of; what is left out is as on an ordinary leg. */
export interface LegParts {
  /** Address text; left out: no gateway. */
  readonly via?: string;
  /** Device name; `eth0` unless told. */
  readonly dev?: string;
  readonly weight?: number;
  readonly dead?: boolean;
  readonly linkDown?: boolean;
  readonly encapsulation?: string;
}

/** What a route is made of; what is left out is as on a route that FRR's BGP put into table main. */
export interface RouteParts extends LegParts {
  readonly table?: number;
  readonly protocol?: number;
  readonly type?: number;
  readonly tos?: number;
  readonly metric?: number;
  readonly preference?: number;
  /** RTA_SRC, a prefix's text. */
  readonly from?: string;
  /** RTA_PREFSRC. */
  readonly src?: string;
  /** Instead of the one leg that `via` and `dev` describe. */
  readonly legs?: readonly LegParts[];
}

/** FRR's BGP (`zebra/rt_netlink.h`). */
export const bgpProtocol = 186;
const mainTable = 254;
const unicastType = 1;

/** Makes a leg: `leg({ via: "10.0.0.2" })` goes by that gateway out of eth0. */
export function leg(parts: LegParts = {}): Leg {
  const name = parts.dev ?? "eth0";
  return {
    gateway: parts.via === undefined ? null : parseAddress(parts.via),
    interfaceIndex: interfaceIndex(name),
    interfaceName: name,
    weight: parts.weight ?? 1,
    dead: parts.dead ?? false,
    linkDown: parts.linkDown ?? false,
    onLink: false,
    encapsulation: parts.encapsulation ?? null,
  };
}

/** Makes a route: `kernelRoute("198.51.100.0/24", { via: "10.0.0.2" })` is an ordinary BGP route. */
export function kernelRoute(prefix: string, parts: RouteParts = {}): KernelRoute {
  const type = parts.type ?? unicastType;
  return {
    prefix: parsePrefix(prefix),
    table: parts.table ?? mainTable,
    protocol: parts.protocol ?? bgpProtocol,
    type,
    scope: 0,
    tos: parts.tos ?? 0,
    metric: parts.metric ?? 20,
    preference: parts.preference ?? 0,
    nextHopId: null,
    source: parts.from === undefined ? null : parsePrefix(parts.from),
    preferredSource: parts.src === undefined ? null : parseAddress(parts.src),
    legs: parts.legs?.map(leg) ?? (type === unicastType ? [leg(parts)] : []),
  };
}

/** Makes a link that is up and has carrier unless told otherwise. */
export function link(name: string, parts: Partial<Link> = {}): Link {
  return { index: interfaceIndex(name), name, altNames: [], up: true, running: true, ...parts };
}

/**
 * Makes an address of a device: `interfaceAddress("eth0", "10.0.0.4/24")`.
 *
 * @param scope `ifa_scope`: 0 global, 253 link, 254 host.
 * @param flags those that are set.
 */
export function interfaceAddress(
  device: string,
  text: string,
  scope = 0,
  flags: Partial<AddressFlags> = {},
): InterfaceAddress {
  return {
    interfaceIndex: interfaceIndex(device),
    ...parseInterfaceAddress(text),
    scope,
    flags: { deprecated: false, tentative: false, failed: false, temporary: false, ...flags },
  };
}

/** A kernel table in memory. The order of the routes given is the kernel's own. */
export class FakeKernelTable implements KernelTable {
  #groups = new Map<string, KernelRoute[]>();
  #links: readonly Link[];
  #addresses: readonly InterfaceAddress[];
  #size = 0;
  /** Whether prefixes without a route may have one that is kept back. */
  isCut = false;

  constructor(
    routes: Iterable<KernelRoute> = [],
    links: readonly Link[] = [],
    addresses: readonly InterfaceAddress[] = [],
  ) {
    this.#links = links;
    this.#addresses = addresses;
    this.replace(routes);
  }

  /** Puts these routes in the place of all. */
  replace(routes: Iterable<KernelRoute>): void {
    this.#groups = new Map();
    this.#size = 0;
    for (const route of routes) this.#add(route);
  }

  /** Puts these routes in the place of those of their prefix; with none the prefix is withdrawn. */
  set(prefix: string, ...routes: readonly KernelRoute[]): void {
    this.#size -= this.#groups.get(prefix)?.length ?? 0;
    this.#groups.delete(prefix);
    for (const route of routes) this.#add(route);
  }

  /** Puts these links and addresses in the place of all. */
  setInterfaces(links: readonly Link[], addresses: readonly InterfaceAddress[]): void {
    this.#links = links;
    this.#addresses = addresses;
  }

  get size(): number {
    return this.#size;
  }

  *routes(): Iterable<KernelRoute> {
    for (const group of this.#groups.values()) yield* group;
  }

  prefixes(): Iterable<readonly KernelRoute[]> {
    return this.#groups.values();
  }

  rows(): RouteRows {
    return new FakeRows(this.#groups);
  }

  routesOf(prefix: Prefix): readonly KernelRoute[] {
    return this.#groups.get(prefix.text) ?? [];
  }

  mayLack(prefix: Prefix): boolean {
    return this.isCut && this.routesOf(prefix).length === 0;
  }

  links(): readonly Link[] {
    return this.#links;
  }

  addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  #add(route: KernelRoute): void {
    const group = this.#groups.get(route.prefix.text);
    if (group === undefined) this.#groups.set(route.prefix.text, [route]);
    else group.push(route);
    this.#size++;
  }
}

/** Columns of a fake; what is alike but for the prefix is one body, as in the kernel's. */
class FakeRows implements RouteRows {
  readonly #bodies = new Map<string, number>();
  readonly #routes: KernelRoute[] = [];
  readonly #groups = new Map<string, { readonly prefix: Prefix; readonly bodies: readonly number[] }>();

  constructor(groups: ReadonlyMap<string, readonly KernelRoute[]>) {
    for (const [text, routes] of groups) {
      this.#groups.set(text, {
        prefix: parsePrefix(text),
        bodies: routes.map((route) => this.#bodyOf(route)),
      });
    }
  }

  get bodyCount(): number {
    return this.#routes.length;
  }

  *runs(without: readonly Prefix[] = []): Generator<RouteRun> {
    for (const [text, { prefix, bodies }] of this.#groups) {
      if (!without.some((other) => other.text === text)) yield runOf(prefix, bodies);
    }
  }

  routeOf(prefix: Prefix, body: number): KernelRoute {
    const route = this.#routes[body];
    if (route === undefined) throw new Error(`Cannot find body ${body} in the fake's columns`);
    return { ...route, prefix };
  }

  bodiesOf({ text }: Prefix): readonly number[] {
    return this.#groups.get(text)?.bodies ?? [];
  }

  #bodyOf(route: KernelRoute): number {
    const key = JSON.stringify({ ...route, prefix: null });
    const known = this.#bodies.get(key);
    if (known !== undefined) return known;
    this.#bodies.set(key, this.#routes.length);
    return this.#routes.push(route) - 1;
  }
}

/** Numbers devices by name, the same name always the same: eth0 is 2, eth1 is 3, others come after 100. */
function interfaceIndex(name: string): number {
  const ethernet = /^eth([0-9])$/.exec(name);
  if (ethernet !== null) return 2 + Number(ethernet[1]);
  let value = 0;
  for (const character of name) value = (value * 31 + character.charCodeAt(0)) % 10_000;
  return 100 + value;
}
