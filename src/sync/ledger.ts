/**
 * The ledger: which routes we have written, for clouds whose routes carry no mark.
 *
 * A claim is on disk before the call that makes it true, so that a crash at any moment leaves no route of ours unclaimed. A line
 * that is not whole or not ours is set aside and never trusted.
 */

import { systemCause, systemCode, writeRemedy } from "../clouds/system_cause.ts";
import { LedgerGoneError, type LedgerStore } from "./ledger_store.ts";
import {
  applyLine,
  eventText,
  type LedgerHeader,
  ledgerText,
  type Line,
  type ParsedLedger,
  parseLedger,
} from "./ledger_text.ts";
import type { Claim, Claims } from "./ownership.ts";

/** The ledger could not be read or written. As long as it cannot, nothing is written to the cloud. */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  /** What a person can do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string, cause: unknown) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

/** A claim with the prefix it is for (canonical text). */
export interface ClaimEntry {
  readonly prefix: string;
  readonly nextHops: readonly string[];
}

/** Lines beyond the number of claims before the file is rewritten. */
const compactAfterLines = 4096;
/** Most lines that are written at once: to make more of them would hold the event loop. */
const mostLines = 4096;

/** An open ledger. One writer at a time: the caller holds the instance lock. */
export class Ledger {
  readonly #store: LedgerStore;
  readonly #header: LedgerHeader;
  #claims: Map<string, Claim>;
  readonly #onGone: () => void;
  #lines: number;
  /** Set after a failed append, which may have left half a line: then the file is rewritten first. */
  #torn = false;
  #lost: boolean;

  private constructor(
    store: LedgerStore,
    header: LedgerHeader,
    { claims, lines, lost }: Pick<ParsedLedger, "claims" | "lines" | "lost">,
    onGone: () => void,
  ) {
    this.#store = store;
    this.#onGone = onGone;
    this.#header = header;
    this.#claims = claims;
    this.#lines = lines;
    this.#lost = lost;
  }

  /**
   * Opens a ledger. A lost one is not written to: it is begun by {@linkcode Ledger.begin}, once it is known what to begin it
   * with. One that can be read is given the sign that it was begun, which earlier versions did not leave.
   *
   * @param onGone called when the content was gone at a write, once it has been rewritten, whole.
   * @returns the ledger, and a sentence about what was set aside, or null if all was well.
   */
  static async open(
    store: LedgerStore,
    header: LedgerHeader,
    onGone: () => void = () => {},
  ): Promise<{ readonly ledger: Ledger; readonly warning: string | null }> {
    const content = await store.read();
    if (content === null) {
      const nothing = { claims: new Map(), lines: 0, lost: true };
      return { ledger: new Ledger(store, header, nothing, onGone), warning: null };
    }
    const parsed = parseLedger(content, header);
    const ledger = new Ledger(store, header, parsed, onGone);
    if (!parsed.lost) await store.leaveSign?.();
    if (parsed.untrusted === null) return { ledger, warning: null };
    const place = await store.setAside(parsed.untrusted);
    if (!parsed.lost) await ledger.#compact();
    return { ledger, warning: `${parsed.problem}; it was set aside as ${place}` };
  }

  /** Whether nothing could be trusted (no file, not ours, broken in its middle), so that a new one must be begun. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Where it is kept, for people. */
  get place(): string {
    return this.#store.place ?? "in memory";
  }

  /** The claims as they stand. */
  get claims(): Claims {
    return this.#claims;
  }

  /**
   * Begins a new ledger with these claims in place of a lost one, and leaves the sign of it. Nothing is written to the cloud before both are on disk,
   * so without the sign no route can be ours; and the sign comes last, since after a crash in between it would prove by a ledger
   * that never was that an operator's routes to this VM are ours.
   */
  async begin(claims: Claims): Promise<void> {
    const entries = [...claims];
    this.#claims.clear();
    for (const [prefix, claim] of entries) this.#claims.set(prefix, claim);
    await this.#compact();
    await this.#durably(this.#store.leaveSign?.() ?? Promise.resolve());
    this.#lost = false;
  }

  /** Claims before a write: afterwards each prefix is ours while it points at one of the next hops. Durable. */
  async claim(entries: readonly ClaimEntry[]): Promise<void> {
    await this.#appendEach(entries, ({ prefix, nextHops }) => [{ claim: prefix, nextHops: [...nextHops] }]);
  }

  /** Notes that claimed routes were seen in the cloud. */
  async confirm(entries: readonly ClaimEntry[]): Promise<void> {
    await this.#appendEach(
      entries,
      ({ prefix, nextHops }) =>
        this.#isConfirmed(prefix, nextHops) ? [] : [{ confirm: prefix, nextHops: [...nextHops] }],
    );
  }

  /** Gives up claims after the routes are gone. */
  async release(prefixes: readonly string[]): Promise<void> {
    await this.#appendEach(prefixes, (prefix) => this.#claims.has(prefix) ? [{ release: prefix }] : []);
  }

  /** Appends the lines of many items, so many at once that the event loop is not held. */
  async #appendEach<T>(items: readonly T[], linesOf: (item: T) => readonly Line[]): Promise<void> {
    for (let from = 0; from < items.length; from += mostLines) {
      const lines = items.slice(from, from + mostLines).flatMap(linesOf);
      if (lines.length > 0) await this.#append(lines);
    }
  }

  #isConfirmed(prefix: string, nextHops: readonly string[]): boolean {
    const claim = this.#claims.get(prefix);
    return claim !== undefined && claim.confirmed && claim.nextHops.length === nextHops.length &&
      claim.nextHops.every((hop) => nextHops.includes(hop));
  }

  async #append(lines: readonly Line[]): Promise<void> {
    if (this.#torn) await this.#compact();
    this.#torn = true;
    try {
      await this.#durably(this.#store.append(eventText(lines)));
    } catch (error) {
      if (!(error instanceof LedgerError && error.cause instanceof LedgerGoneError)) throw error;
      return await this.#rewrite(lines);
    }
    this.#torn = false;
    for (const line of lines) applyLine(this.#claims, line);
    this.#lines += lines.length;
    if (this.#lines > 2 * this.#claims.size + compactAfterLines) await this.#compact();
  }

  /** Writes all that is known, with these lines, in place of what is gone. */
  async #rewrite(lines: readonly Line[]): Promise<void> {
    const before = this.#claims;
    this.#claims = new Map(before);
    for (const line of lines) applyLine(this.#claims, line);
    try {
      await this.#compact();
      await this.#durably(this.#store.leaveSign?.() ?? Promise.resolve());
    } catch (error) {
      // What is not on disk is not claimed.
      this.#claims = before;
      this.#torn = true;
      throw error;
    }
    this.#onGone();
  }

  async #compact(): Promise<void> {
    await this.#durably(this.#store.replace(ledgerText(this.#header, this.#claims)));
    this.#lines = this.#claims.size;
    this.#torn = false;
  }

  async #durably(write: Promise<void>): Promise<void> {
    try {
      await write;
    } catch (cause) {
      const place = this.#store.place ?? `of table ${this.#header.table}`;
      throw new LedgerError(
        `Cannot write the ledger ${place}: ${systemCause(cause)}`,
        writeRemedy(systemCode(cause), "name another folder with -state"),
        cause,
      );
    }
  }
}

/** An open ledger and what is known of its past. */
export interface LedgerUse {
  readonly ledger: Ledger;
  /** Whether this program has certainly written to the table before. */
  readonly proven: boolean;
  /** Why a ledger that is there cannot be trusted, as a sentence; null or left out: it can, or there is none. */
  readonly broken?: string | null;
}
