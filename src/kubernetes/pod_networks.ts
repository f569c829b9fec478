/** The networks of this node's pods: given, or as the API server says, and kept current. */

import { getLogger } from "@logtape/logtape";
import { backOffMs, jitteredMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import { parsePrefix, type Prefix } from "../routes/prefix.ts";
import type { ApiServer } from "./api_server.ts";

const log = getLogger(["cloudroutesync", "kubernetes"]);
/** How often the node is read again, in milliseconds: it keeps its networks, but may be deleted and made anew. */
const readEveryMs = 60_000;

/** Where the networks come from. */
export interface PodNetworksOptions {
  /** Networks that the user named. */
  readonly given: readonly Prefix[];
  /** The node to ask for, or null: the given ones are all. */
  readonly node: { readonly source: Pick<ApiServer, "podNetworks">; readonly name: string } | null;
  readonly clock: Clock;
}

/**
 * See the head of this file. What cannot be asked is never taken for "none": until the first answer nothing is known, and an error, a
 * deleted node or one without networks leaves what was known.
 */
export class PodNetworks {
  readonly #options: PodNetworksOptions;
  #discovered: readonly Prefix[] = [];
  #lastError = "";

  constructor(options: PodNetworksOptions) {
    this.#options = options;
  }

  /** The networks known so far. */
  get prefixes(): readonly Prefix[] {
    return [...this.#options.given, ...this.#discovered];
  }

  /** Asks once. @throws {ApiServerError} if the node cannot be read. */
  async readOnce(): Promise<void> {
    await this.#read(new AbortController().signal);
  }

  /** Asks until the node has networks, or until stopped. Before that nothing may be withdrawn: an earlier run may have written them. */
  async first(stop: AbortSignal): Promise<void> {
    const { node, clock } = this.#options;
    for (let tries = 1; node !== null && this.#discovered.length === 0 && !stop.aborted; tries++) {
      if (tries > 1) await clock.sleep(backOffMs(tries - 1, undefined, clock.random()), stop);
      await this.#try(stop);
    }
  }

  /** Follows the node until stopped. @param changed is called with the networks that went and came. */
  async follow(stop: AbortSignal, changed: (prefixes: readonly Prefix[]) => void): Promise<void> {
    const { node, clock } = this.#options;
    while (node !== null && !stop.aborted) {
      // A cluster's nodes start together, and should not ask together for ever.
      await clock.sleep(jitteredMs(readEveryMs, clock.random()), stop);
      const before = this.#discovered;
      if (!stop.aborted) await this.#try(stop);
      if (!isSame(before, this.#discovered)) changed([...before, ...this.#discovered]);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { node } = this.#options;
    if (node === null) return;
    const networks = await node.source.podNetworks(node.name, signal);
    if (networks.length === 0) this.#say(`Node ${node.name} has no pod network yet`);
    else this.#discovered = networks.map((network) => parsePrefix(network));
  }

  /** Asks; an error is logged once. */
  async #try(stop: AbortSignal): Promise<void> {
    try {
      await this.#read(stop);
    } catch (error) {
      if (!stop.aborted) this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  #say(sentence: string): void {
    if (sentence !== this.#lastError) {
      log.warn("{sentence}; retrying", { event: "pod-networks-unknown", sentence });
    }
    this.#lastError = sentence;
  }
}

function isSame(left: readonly Prefix[], right: readonly Prefix[]): boolean {
  return left.map(({ text }) => text).join() === right.map(({ text }) => text).join();
}
