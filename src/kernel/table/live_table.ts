/** The table that the rest of the program holds: it stays the same object while dumps replace the state behind it. */

import type { Prefix } from "../../routes/prefix.ts";
import type { RouteRows } from "../../routes/route_rows.ts";
import type { KernelState } from "./kernel_state.ts";
import type { InterfaceAddress, KernelChange, KernelRoute, KernelTable, Link } from "../kernel_table.ts";

export class LiveTable implements KernelTable {
  /** What it shows now. */
  state: KernelState;
  /** Canonical prefixes that were known and went while dumps were not whole. */
  readonly #seenGone = new Set<string>();

  constructor(state: KernelState) {
    this.state = state;
  }

  get size(): number {
    return this.state.size;
  }

  routes(): Iterable<KernelRoute> {
    return this.state.routes();
  }

  prefixes(): Iterable<readonly KernelRoute[]> {
    return this.state.prefixes();
  }

  rows(): RouteRows {
    return this.state.rows();
  }

  routesOf(prefix: Prefix): readonly KernelRoute[] {
    return this.state.routesOf(prefix);
  }

  mayLack(prefix: Prefix): boolean {
    return this.state.mayLack(prefix) && !this.#seenGone.has(prefix.text);
  }

  /** Takes note of prefixes that have changed: of one that the kernel's dumps may hide it is known then that it is gone. */
  noteChange({ prefixes }: KernelChange): void {
    if (this.state.cut.size === 0) return this.#seenGone.clear();
    if (prefixes === "all") return;
    for (const prefix of prefixes) if (this.state.mayLack(prefix)) this.#seenGone.add(prefix.text);
  }

  links(): readonly Link[] {
    return this.state.links();
  }

  addresses(): readonly InterfaceAddress[] {
    return this.state.addresses();
  }
}
