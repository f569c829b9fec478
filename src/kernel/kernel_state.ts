/** Routes, next-hop objects, links and addresses of the kernel at one moment. */

import { type Family, type Prefix, prefixOf } from "../routes/prefix.ts";
import type { InterfaceAddress, KernelRoute, KernelTable, Link } from "./kernel_table.ts";
import type { NextHop } from "./next_hop_message.ts";
import { RouteBodies } from "./route_body.ts";
import { RouteSegment } from "./route_segment.ts";
import { needsNextHop, type RouteContext, routeOf } from "./route_view.ts";

/** The state, which {@linkcode KernelUpdate} fills and keeps current. */
export class KernelState implements KernelTable {
  readonly bodies = new RouteBodies();
  readonly linksByIndex = new Map<number, Link>();
  /** By {@linkcode addressKey}. */
  readonly addressesByKey = new Map<string, InterfaceAddress>();
  readonly nextHops = new Map<number, NextHop>();
  /** One for each family and table, a family's tables in the order of preference. */
  readonly segments: readonly RouteSegment[];
  /** Whether there may be a route that names its next-hop object only ({@linkcode needsNextHop}). */
  needsNextHops = false;

  readonly #context: RouteContext = {
    bodies: this.bodies,
    links: this.linksByIndex,
    nextHops: this.nextHops,
  };

  /** @param tables in the order of preference. */
  constructor(tables: readonly number[], families: readonly Family[]) {
    this.segments = families.flatMap((family) => tables.map((table) => new RouteSegment(family, table)));
  }

  /** The segment of a family and table, or undefined if it is not wanted. */
  segment(family: Family, table: number): RouteSegment | undefined {
    for (const segment of this.segments) {
      if (segment.table === table && segment.family === family) return segment;
    }
    return undefined;
  }

  /** Looks at a body that has just been added. */
  noteBody(body: number): void {
    if (needsNextHop(this.bodies, body)) this.needsNextHops = true;
  }

  get size(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  *routes(): Generator<KernelRoute> {
    for (const routes of this.prefixes()) yield* routes;
  }

  *prefixes(accept?: (protocol: number, type: number) => boolean): Generator<readonly KernelRoute[]> {
    const wanted = accept === undefined ? undefined : this.#wantedBodies(accept);
    for (const segment of this.segments) {
      for (const { words, length, routes } of segment.prefixes(wanted)) {
        const prefix = prefixOf(segment.family, words, length);
        if (this.segments.length === 1) yield this.#view(prefix, routes);
        // A prefix that several tables have comes once, with the first that has an accepted route.
        else if (this.#firstWith(prefix, wanted) === segment) yield this.routesOf(prefix);
      }
    }
  }

  routesOf(prefix: Prefix): readonly KernelRoute[] {
    return this.segments.flatMap((segment) =>
      segment.family === prefix.family
        ? this.#view(prefix, segment.routesOf(prefix.words, prefix.length))
        : []
    );
  }

  links(): readonly Link[] {
    return [...this.linksByIndex.values()];
  }

  addresses(): readonly InterfaceAddress[] {
    return [...this.addressesByKey.values()];
  }

  #view(prefix: Prefix, routes: readonly number[]): readonly KernelRoute[] {
    return routes.map((body) => routeOf(this.#context, prefix, body));
  }

  /** Asks `accept` once for each body, however many routes share it. */
  #wantedBodies(accept: (protocol: number, type: number) => boolean): Uint8Array {
    const { bodies } = this;
    const wanted = new Uint8Array(bodies.count);
    for (let body = 0; body < wanted.length; body++) {
      wanted[body] = accept(bodies.protocol(body), bodies.type(body)) ? 1 : 0;
    }
    return wanted;
  }

  #firstWith(prefix: Prefix, wanted: Uint8Array | undefined): RouteSegment | undefined {
    return this.segments.find((segment) =>
      segment.family === prefix.family &&
      segment.routesOf(prefix.words, prefix.length).some((body) => wanted === undefined || wanted[body] === 1)
    );
  }
}

/** What tells an address of a device from all others. */
export function addressKey({ interfaceIndex, address, subnet }: InterfaceAddress): string {
  return `${interfaceIndex} ${address.text} ${subnet.text}`;
}
