/**
 * `-peer-probe`: asks the other routers of the group every second whether they are there. A missing answer proves nothing (the
 * way between may be cut) and changes no route: it only makes the program ask the cloud at once, which may know more.
 */

import { getLogger } from "@logtape/logtape";
import { abortable } from "../async/abortable.ts";
import type { Clock } from "../async/clock.ts";
import type { IpAddress } from "../routes/prefix.ts";

const log = getLogger(["cloudroutesync", "group"]);

/** How often a peer is asked, in milliseconds; an answer must come within as much. */
const everyMs = 1_000;
/** So many missing answers in a row are a hint that the peer is dead. */
const mostMissed = 3;
/** How long after a hint the next one is given while the peer still does not answer, in milliseconds. */
const hintEveryMs = 60_000;

/** A way to ask a router whether it is there. */
export interface PeerProbe {
  /** As `-peer-probe` names it: `tcp:179`. */
  readonly name: string;
  /** Resolves to whether it answered in time. It may reject for what keeps this machine from asking: that says nothing of the peer. */
  ask(address: IpAddress, signal: AbortSignal): Promise<boolean>;
}

/** How a peer answers. */
export interface ProbedPeer {
  readonly answers: boolean;
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
}

interface Memory {
  missed: number;
  state: ProbedPeer | null;
  hintAt: number;
}

/** What the probes work with. */
export interface PeerProbesOptions {
  readonly probe: PeerProbe;
  /** The current peers. */
  readonly peers: () => readonly IpAddress[];
  /** Something hints at a death. */
  readonly onHint: () => void;
  readonly clock: Clock;
}

/** See the head of this file. */
export class PeerProbes {
  readonly #options: PeerProbesOptions;
  readonly #peers = new Map<string, Memory>();
  #hasLoggedFailure = false;

  constructor(options: PeerProbesOptions) {
    this.#options = options;
  }

  /** As `-peer-probe` names it. */
  get name(): string {
    return this.#options.probe.name;
  }

  /** How a peer answers; null: not known yet. @param address canonical. */
  of(address: string): ProbedPeer | null {
    return this.#peers.get(address)?.state ?? null;
  }

  /** Asks all peers each second until it is stopped. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, peers } = this.#options;
    while (!stop.aborted) {
      const next = clock.now() + everyMs;
      const asked = peers();
      for (const known of this.#peers.keys()) {
        if (!asked.some(({ text }) => text === known)) this.#peers.delete(known);
      }
      await Promise.all(asked.map((peer) => this.#ask(peer, stop)));
      await clock.sleep(Math.max(0, next - clock.now()), stop);
    }
  }

  async #ask(peer: IpAddress, stop: AbortSignal): Promise<void> {
    const { probe } = this.#options;
    try {
      const answers = await abortable(probe.ask(peer, stop), stop);
      if (answers) this.#answered(peer.text);
      else this.#missed(peer.text);
    } catch (error) {
      if (stop.aborted || this.#hasLoggedFailure) return;
      this.#hasLoggedFailure = true;
      const message = error instanceof Error ? error.message : String(error);
      log.warn("Cannot probe peer {peer} by {probe}: {message}; whether it is alive is not known", {
        event: "probe-failure",
        peer: peer.text,
        probe: probe.name,
        message,
      });
    }
  }

  #answered(peer: string): void {
    const memory = this.#of(peer);
    if (memory.state?.answers === false) {
      log.info("Peer {peer} answers {probe} again", { event: "peer-answers", peer, probe: this.name });
    }
    memory.missed = 0;
    if (memory.state?.answers !== true) memory.state = { answers: true, since: Date.now() };
  }

  #missed(peer: string): void {
    const memory = this.#of(peer);
    const { clock, onHint } = this.#options;
    memory.missed++;
    if (memory.missed < mostMissed) return;
    if (memory.state?.answers !== false) {
      memory.state = { answers: false, since: Date.now() };
      memory.hintAt = -Infinity;
      log.warn(
        "Peer {peer} does not answer {probe}: its routes stay until the cloud says that it is dead, or the kernel goes another way",
        {
          event: "peer-silent",
          peer,
          probe: this.name,
        },
      );
    }
    if (clock.now() < memory.hintAt) return;
    memory.hintAt = clock.now() + hintEveryMs;
    onHint();
  }

  #of(peer: string): Memory {
    const memory = this.#peers.get(peer) ?? { missed: 0, state: null, hintAt: -Infinity };
    this.#peers.set(peer, memory);
    return memory;
  }
}
