/**
 * What the cloud says of the other routers of a group: which of them are dead. It is asked only when something hints at it (the kernel
 * changed a prefix that a peer has, a probe fails, a reading shows dropped routes), and as long as one is dead. Only its own word
 * counts: after an error nobody is.
 */

import { getLogger } from "@logtape/logtape";
import type { CloudConnection, DeadPeer, PeerRouter } from "../clouds/cloud.ts";
import { CloudError, errorFacts } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";

const log = getLogger(["cloudroutesync", "group"]);

/** When the cloud is asked after a hint, in milliseconds: a cloud may notice a machine's end only some time after its neighbours. */
const askAfterMs = [0, 10_000, 30_000] as const;
/**
 * How soon after an answer the cloud is asked again on a hint, in milliseconds: an answer may be the last one before the death. Hints
 * that go on, as those of a prefix that flaps, have it asked no more often than every ten seconds.
 */
const spacing = { soonMs: 1_000, soonest: 3, withinMs: 30_000, laterMs: 10_000 } as const;
/** How long an answer holds where the table is read next. */
const freshForMs = 2_000;
/** A peer whose routes this router wants too is asked for at most so often where nothing hints at its death. */
const oldAfterMs = 60_000;
/** How long a cloud that may not be asked is left alone. */
const refusedForMs = 600_000;

/** See the head of this file. Times are milliseconds of one monotonic clock. */
export class PeerEvidence {
  /** Why each dead peer is, by address. */
  #dead: ReadonlyMap<string, string> = new Map();
  /** Since when a peer is known to be dead, in milliseconds since the epoch, by address. */
  readonly #since = new Map<string, number>();
  #logged: ReadonlyMap<string, string> = new Map();
  #due: readonly number[] = [];
  #askedAt = -Infinity;
  /** When the cloud was asked lately. */
  #asks: readonly number[] = [];
  #refusedUntil = -Infinity;
  #hasLoggedFailure = false;

  /** Addresses of the peers that are dead, as far as the last answer said. */
  get dead(): ReadonlySet<string> {
    return new Set(this.#dead.keys());
  }

  /** Why and since when the cloud says that a peer is dead; null: it does not say so. */
  of(address: string): { readonly cause: string; readonly since: number } | null {
    const cause = this.#dead.get(address);
    return cause === undefined ? null : { cause, since: this.#since.get(address) ?? Date.now() };
  }

  /** When the cloud is to be asked next. */
  get dueAt(): number {
    return this.#due[0] ?? Infinity;
  }

  /** Something hints at a death. Hints that come in a row ask no more often than one. */
  hint(now: number): void {
    const start = this.#soonest(now);
    if (this.dueAt <= start) return;
    this.#due = askAfterMs.map((ms) => start + ms);
  }

  /** The earliest time at which a hint has the cloud asked. */
  #soonest(now: number): number {
    const { soonMs, soonest, withinMs, laterMs } = spacing;
    const lately = this.#asks.filter((at) => now - at < withinMs).length;
    return Math.max(now, this.#askedAt + (lately < soonest ? soonMs : laterMs), this.#refusedUntil);
  }

  /** The hints have come to nothing. @returns false: nothing changed. */
  drop(): false {
    this.#due = [];
    return false;
  }

  /** Whether the cloud was asked a moment ago. */
  isFresh(now: number): boolean {
    return now - this.#askedAt < freshForMs || now < this.#refusedUntil;
  }

  /** Whether the last answer says nothing of now any more. */
  isOld(now: number): boolean {
    return now - this.#askedAt >= oldAfterMs && now >= this.#refusedUntil;
  }

  /** Asks the cloud. @returns whether other peers are dead than before. */
  async ask(
    peers: readonly PeerRouter[],
    connection: Pick<CloudConnection, "findDead">,
    signal: AbortSignal,
    now: number,
  ): Promise<boolean> {
    this.#due = this.#due.filter((at) => at > now);
    if (connection.findDead === undefined) return this.drop();
    const before = this.#dead;
    this.#askedAt = now;
    this.#asks = [...this.#asks.filter((at) => now - at < spacing.withinMs), now];
    const asked = peers.filter(({ nextHops }) => nextHops.length > 0);
    const found = await this.#answer(connection.findDead(asked, signal), now);
    this.#dead = new Map(found?.map(({ address, cause }) => [address.text, cause]));
    for (const address of this.#dead.keys()) if (!before.has(address)) this.#since.set(address, Date.now());
    if (found !== null) this.#logChanges();
    return this.#dead.size !== before.size || [...this.#dead.keys()].some((address) => !before.has(address));
  }

  /** What came of a question; null: nothing, and of a permission that is missing it is said once. */
  async #answer(question: Promise<readonly DeadPeer[]>, now: number): Promise<readonly DeadPeer[] | null> {
    try {
      const found = await question;
      this.#hasLoggedFailure = false;
      return found;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      if (meaningOf(error).retry === "each-minute") this.#refusedUntil = now + refusedForMs;
      if (this.#dead.size > 0) this.hint(now);
      if (!this.#hasLoggedFailure) {
        log.warn(
          "Cannot ask the cloud which peers are dead; until it answers only the kernel's routes show it: {message}",
          {
            event: "failure",
            ...errorFacts(error),
          },
        );
      }
      this.#hasLoggedFailure = true;
      return null;
    }
  }

  #logChanges(): void {
    for (const [peer, cause] of this.#dead) {
      if (this.#logged.has(peer)) continue;
      log.warn("Peer {peer} is dead: {cause}", { event: "peer-dead", peer, cause });
    }
    for (const peer of this.#logged.keys()) {
      if (this.#dead.has(peer)) continue;
      log.info("The cloud says that peer {peer} is alive again", { event: "peer-alive", peer });
    }
    this.#logged = this.#dead;
  }
}
