/** The table that the rest of the program holds: it stays the same object while dumps replace the state behind it. */

import type { Prefix } from "../../routes/prefix.ts";
import type { RouteRows } from "../../routes/route_rows.ts";
import type { KernelState } from "./kernel_state.ts";
import type { InterfaceAddress, KernelRoute, KernelTable, Link } from "../kernel_table.ts";

export class LiveTable implements KernelTable {
  /** What it shows now. */
  state: KernelState;

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

  links(): readonly Link[] {
    return this.state.links();
  }

  addresses(): readonly InterfaceAddress[] {
    return this.state.addresses();
  }
}
