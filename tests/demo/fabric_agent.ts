/** The fabric's agent: makes the routes of the fabric's namespace what the cloud's table says, and nothing else. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Namespace } from "../system/namespace.ts";

/** How often the fabric asks the cloud for its table, milliseconds. */
const everyMs = 100;

/** A cloud's table: by prefix the address of its next hop, or of several, with commas between them. */
export type CloudTable = ReadonlyMap<string, string>;

/** See the head of this file. It goes with its namespace; dispose of it before. */
export class FabricAgent implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #carried = new Map<string, string>();
  readonly #fabric: Namespace;
  readonly #work: Promise<void>;

  /** @param fabric a namespace with the bridge `br0`, which all next hops are behind. */
  constructor(fabric: Namespace, readCloud: () => Promise<CloudTable>) {
    this.#fabric = fabric;
    this.#work = this.#follow(readCloud);
  }

  /** What the fabric carries. */
  get carried(): CloudTable {
    return this.#carried;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  async #follow(readCloud: () => Promise<CloudTable>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // A cloud that is being asked by others too may refuse once; the fabric then keeps what it has.
      const table = await readCloud().catch(() => this.#carried);
      await this.#carry(table);
      await sleep(everyMs);
    }
  }

  async #carry(table: CloudTable): Promise<void> {
    const lines: string[] = [];
    for (const [prefix, hops] of table) {
      if (this.#carried.get(prefix) !== hops) lines.push(`route replace ${prefix} ${legs(hops)}`);
    }
    for (const prefix of this.#carried.keys()) if (!table.has(prefix)) lines.push(`route del ${prefix}`);
    if (lines.length === 0) return;
    await this.#fabric.batch(lines);
    this.#carried.clear();
    for (const [prefix, hops] of table) this.#carried.set(prefix, hops);
  }
}

function legs(hops: string): string {
  const all = hops.split(",");
  return all.map((hop) => `${all.length === 1 ? "" : "nexthop "}via ${hop} dev br0`).join(" ");
}
