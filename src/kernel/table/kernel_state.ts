/** Routes, next-hop objects, links and addresses of the kernel at one moment. */

import type { Family, Prefix } from "../../routes/prefix.ts";
import { routesByPrefix } from "../../routes/route_rows.ts";
import type { InterfaceAddress, KernelRoute, KernelTable } from "../kernel_table.ts";
import { KernelUse } from "./kernel_use.ts";
import { Lifetimes } from "./lifetimes.ts";
import type { LinkState } from "../wire/link_message.ts";
import type { NextHop } from "../wire/next_hop_message.ts";
import { RouteBodies } from "./route_bodies.ts";
import { RouteSegment } from "./route_segment.ts";
import { StateRows } from "./state_rows.ts";
import { needsNextHop, type RouteContext, routeOf } from "./route_view.ts";

/** Prefixes changed by events since the last dump, and as a share of all routes, that make it worth its while to dump. */
const compactLeast = 65_536;
const compactShare = 0.5;

/** The state, which {@linkcode KernelUpdate} fills and keeps current. */
export class KernelState implements KernelTable {
  readonly bodies = new RouteBodies();
  readonly linksByIndex = new Map<number, LinkState>();
  /** By {@linkcode addressKey}. */
  readonly addressesByKey = new Map<string, InterfaceAddress>();
  readonly nextHops = new Map<number, NextHop>();
  /** One for each family and table, a family's tables in the order of preference. */
  readonly segments: RouteSegment[];
  /** Whether there may be a route that names its next-hop object only ({@linkcode needsNextHop}). */
  needsNextHops = false;
  readonly lifetimes = new Lifetimes();
  /** Families of which the kernel's dumps leave out routes that nothing is known of. */
  readonly cut = new Set<Family>();
  #use: KernelUse | null = null;

  readonly #asked: readonly number[];

  readonly #context: RouteContext = {
    bodies: this.bodies,
    links: this.linksByIndex,
    nextHops: this.nextHops,
  };

  /** @param tables in the order of preference. */
  constructor(tables: readonly number[], families: readonly Family[]) {
    this.#asked = tables;
    this.segments = families.flatMap((family) => tables.map((table) => new RouteSegment(family, table)));
  }

  /** The segment of a family and table, or undefined if it is not wanted. */
  segment(family: Family, table: number): RouteSegment | undefined {
    for (const segment of this.segments) {
      if (segment.table === table && segment.family === family) return segment;
    }
    return undefined;
  }

  /** The segment of a family and table, which is made if there is none: behind those that were asked for, by the tables' numbers. */
  segmentFor(family: Family, table: number): RouteSegment {
    const known = this.segment(family, table);
    if (known !== undefined) return known;
    const made = new RouteSegment(family, table);
    const isBehind = (other: RouteSegment): boolean =>
      other.family > family ||
      (other.family === family && other.table > table && !this.#asked.includes(other.table));
    const at = this.segments.findIndex(isBehind);
    this.segments.splice(at < 0 ? this.segments.length : at, 0, made);
    return made;
  }

  /** Looks at a body that has just been added. */
  noteBody(body: number): void {
    if (needsNextHop(this.bodies, body)) this.needsNextHops = true;
  }

  /** Adds a body of another state. @returns its number here. */
  copyBody(from: KernelState, body: number): number {
    const known = this.bodies.count;
    const copy = this.bodies.add(from.bodies.read(body));
    if (this.bodies.count > known) this.noteBody(copy);
    this.noteKept(copy);
    return copy;
  }

  /** Looks at a body that a kept route has got by an event. */
  noteKept(body: number): void {
    this.#use?.addBody(this.bodies, body);
  }

  /** Puts in a next-hop object, in place of another of its id. */
  setNextHop(nextHop: NextHop): void {
    this.nextHops.set(nextHop.id, nextHop);
    this.#use?.addLink(nextHop.interfaceIndex);
  }

  /** Puts in an address, in place of an older state of it. */
  setAddress(address: InterfaceAddress): void {
    this.addressesByKey.set(addressKey(address), address);
    this.#use?.addAddress(address);
  }

  /** What is in use; found out when it is first asked for after a dump, from then on kept current. */
  get use(): KernelUse {
    return this.#use ??= this.#findUse();
  }

  #findUse(): KernelUse {
    const use = new KernelUse();
    const marks = new Uint8Array(this.bodies.count);
    for (const segment of this.segments) segment.markBodies(marks);
    marks.forEach((mark, body) => mark === 1 && use.addBody(this.bodies, body));
    for (const { interfaceIndex } of this.nextHops.values()) use.addLink(interfaceIndex);
    for (const address of this.addressesByKey.values()) use.addAddress(address);
    return use;
  }

  /** Whether events have changed so much since the dump that another is worth its while: it compacts. */
  get isOvergrown(): boolean {
    const changed = this.segments.reduce((sum, segment) => sum + segment.changedSinceDump, 0);
    return changed > compactLeast && changed > this.size * compactShare;
  }

  get size(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  *routes(): Generator<KernelRoute> {
    for (const routes of this.prefixes()) yield* routes;
  }

  prefixes(): Iterable<readonly KernelRoute[]> {
    return routesByPrefix(this.rows());
  }

  rows(): StateRows {
    return new StateRows(this.segments, this.#context);
  }

  mayLack(prefix: Prefix): boolean {
    return this.cut.has(prefix.family) && this.routesOf(prefix).length === 0;
  }

  routesOf(prefix: Prefix): readonly KernelRoute[] {
    return this.segments.flatMap((segment) =>
      segment.family === prefix.family
        ? this.#view(prefix, segment.routesOf(prefix.words, prefix.length))
        : []
    );
  }

  links(): readonly LinkState[] {
    return [...this.linksByIndex.values()];
  }

  addresses(): readonly InterfaceAddress[] {
    return [...this.addressesByKey.values()];
  }

  #view(prefix: Prefix, routes: readonly number[]): readonly KernelRoute[] {
    return routes.map((body) => routeOf(this.#context, prefix, body));
  }
}

/** What tells an address of a device from all others. */
export function addressKey({ interfaceIndex, address, subnet }: InterfaceAddress): string {
  return `${interfaceIndex} ${address.text} ${subnet.text}`;
}
