/** Routes, next-hop objects, links and addresses of the kernel at one moment. */

import { type Family, type Prefix, prefixOf } from "../routes/prefix.ts";
import type { InterfaceAddress, KernelRoute, KernelTable, Link } from "./kernel_table.ts";
import type { NextHop } from "./next_hop_message.ts";
import { RouteBodies } from "./route_body.ts";
import { RouteSegment } from "./route_segment.ts";
import { type RouteContext, routeOf } from "./route_view.ts";

/** The state, which {@linkcode KernelUpdate} fills and keeps current. */
export class KernelState implements KernelTable {
  readonly bodies = new RouteBodies();
  readonly linksByIndex = new Map<number, Link>();
  /** By {@linkcode addressKey}. */
  readonly addressesByKey = new Map<string, InterfaceAddress>();
  readonly nextHops = new Map<number, NextHop>();
  /** One for each family and table, a family's tables in the order of preference. */
  readonly segments: readonly RouteSegment[];
  /** Whether there is a route that names its next-hop object only ({@linkcode needsNextHop}). */
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

  get size(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  *routes(): Generator<KernelRoute> {
    for (const routes of this.prefixes()) yield* routes;
  }

  *prefixes(accept?: (protocol: number, type: number) => boolean): Generator<readonly KernelRoute[]> {
    const acceptBody = accept === undefined ? () => true : this.#acceptBody(accept);
    for (const segment of this.segments) {
      for (const { words, length, routes } of segment.prefixes(acceptBody)) {
        const prefix = prefixOf(segment.family, words, length);
        if (this.segments.length === 1) yield this.#view(prefix, routes);
        // A prefix that several tables have comes once, with the first that has an accepted route.
        else if (this.#firstWith(prefix, acceptBody) === segment) yield this.routesOf(prefix);
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
  #acceptBody(accept: (protocol: number, type: number) => boolean): (body: number) => boolean {
    const answers: (boolean | undefined)[] = [];
    const { bodies } = this;
    return (body) => answers[body] ??= accept(bodies.protocol(body), bodies.type(body));
  }

  #firstWith(prefix: Prefix, accept: (body: number) => boolean): RouteSegment | undefined {
    return this.segments.find((segment) =>
      segment.family === prefix.family && segment.routesOf(prefix.words, prefix.length).some(accept)
    );
  }
}

/** What tells an address of a device from all others. */
export function addressKey({ interfaceIndex, address, subnet }: InterfaceAddress): string {
  return `${interfaceIndex} ${address.text} ${subnet.text}`;
}
