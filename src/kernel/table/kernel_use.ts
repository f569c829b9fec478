/**
 * What kept routes and next-hop objects depend on, so that news of anything else needs no dump: on a node that runs
 * containers most links come and go without a route of ours.
 *
 * It may hold more than is in use: what a route used that has gone since stays until the next dump.
 */

import type { InterfaceAddress } from "../kernel_table.ts";
import type { RouteBodies } from "./route_bodies.ts";
import { preferredSourceTag, RTNH_F_DEAD } from "../wire/route_body.ts";

/** `rt_scope_t` of what is valid on its link only, as fe80::/64; 254 and 255 are narrower still (linux/rtnetlink.h). */
export const RT_SCOPE_LINK = 253;

/** `rtm_protocol` of what the kernel makes itself (linux/rtnetlink.h). */
const RTPROT_KERNEL = 2;

export class KernelUse {
  /** Indexes of links that a leg or a next-hop object leaves by. */
  readonly #links = new Set<number>();
  /** Those that a dead leg leaves by, or one of several. */
  readonly #revivable = new Set<number>();
  /** Those that a next-hop object leaves by. */
  readonly #objects = new Set<number>();
  /** Those that have, or had since the dump, an address that is not of the link alone. */
  readonly #addressed = new Set<number>();
  #mayNameSource = false;
  #defaultNamesSource = false;

  /** Adds what a body depends on. */
  addBody(bodies: RouteBodies, body: number): void {
    const legs = bodies.legCount(body);
    for (let leg = 0; leg < legs; leg++) {
      const index = bodies.legInterface(body, leg);
      this.#links.add(index);
      if (legs > 1 || (bodies.legFlags(body, leg) & RTNH_F_DEAD) !== 0) this.#revivable.add(index);
    }
    // The route of a subnet has its address as source, but the kernel tells when it goes.
    if (bodies.details(body) !== 0 && bodies.protocol(body) !== RTPROT_KERNEL) this.#mayNameSource = true;
    if (bodies.findExtra(body, preferredSourceTag) >= 0) this.#defaultNamesSource = true;
  }

  /** Adds a link that a next-hop object leaves by. */
  addLink(index: number): void {
    this.#links.add(index);
    this.#objects.add(index);
  }

  /** Adds an address. */
  addAddress({ interfaceIndex, scope }: InterfaceAddress): void {
    if (scope < RT_SCOPE_LINK) this.#addressed.add(interfaceIndex);
  }

  /** Whether this link can matter: something leaves by it, or it has an address that others reach. */
  concerns(index: number): boolean {
    return this.#links.has(index) || this.#addressed.has(index);
  }

  /** Whether anything leaves by this link. */
  usesLink(index: number): boolean {
    return this.#links.has(index);
  }

  /** Whether nothing of this link is known but routes of one leg: no next-hop object, no leg of several or dead, no address that others reach. */
  hasPlainRoutesOnly(index: number): boolean {
    return !this.#objects.has(index) && !this.#revivable.has(index) && !this.#addressed.has(index);
  }

  /** Nothing leaves by this link any more. */
  forgetLink(index: number): void {
    this.#links.delete(index);
  }

  /** Whether a leg of this link may be dead, and live again without a word. */
  mayRevive(index: number): boolean {
    return this.#revivable.has(index);
  }

  /** Whether a route may name its source address (RTA_PREFSRC), and go with it. */
  get mayNameSource(): boolean {
    return this.#mayNameSource;
  }

  /** Whether a default route names its source address, which it may lose; of other IPv6 routes it is not kept. */
  get defaultNamesSource(): boolean {
    return this.#defaultNamesSource;
  }
}
