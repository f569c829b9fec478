/**
 * The ledger: which routes we have written, for clouds whose routes carry no mark.
 *
 * A claim is on disk before the call that makes it true, so that a crash at any moment leaves no route of ours unclaimed. The file
 * is JSON lines: a header that says whose it is, then one line an event. A line that is not whole or not ours is set aside and
 * never trusted.
 */

import * as v from "valibot";
import { systemCause, systemCode, writeRemedy } from "../clouds/system_cause.ts";
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

/** What was read or written before is not there any more: somebody deleted or replaced it, perhaps with its folder. */
export class LedgerGoneError extends Error {
  override readonly name = "LedgerGoneError";
}

/** Where a ledger is kept. Implementations make every write durable before they resolve. */
export interface LedgerStore {
  /** Where that is, for people: a path. Left out where it is this process' memory. */
  readonly place?: string;
  /** The whole content, or null if there is none. */
  read(): Promise<string | null>;
  /** Appends, and syncs to disk. @throws {LedgerGoneError} if what it would append to is gone; nothing is written then. */
  append(text: string): Promise<void>;
  /** Replaces the content as one step: after a crash either the old or the new is there, whole. */
  replace(text: string): Promise<void>;
  /** Keeps content that cannot be trusted, for people to look at. @returns where it went. */
  setAside(text: string): Promise<string>;
  /**
   * Leaves a sign that a ledger was begun here, which stays when the content is lost. Left out where the content is a copy, of which
   * nothing outlives the run.
   */
  leaveSign?(): Promise<void>;
}

/**
 * Makes a store in memory, which starts with some content and forgets everything at the end: for a copy to plan with.
 *
 * @param content what {@linkcode LedgerStore.read} yields at first; null for a lost ledger.
 */
export function memoryStore(content: string | null): LedgerStore {
  let text = content;
  return {
    read: () => Promise.resolve(text),
    append: (more) => {
      text = (text ?? "") + more;
      return Promise.resolve();
    },
    replace: (whole) => {
      text = whole;
      return Promise.resolve();
    },
    setAside: () => Promise.resolve("nothing, since this is a copy"),
  };
}

/** Whose ledger it is. */
export interface LedgerHeader {
  readonly cloud: string;
  readonly table: string;
  readonly owner: string;
}

/** A claim with the prefix it is for (canonical text). */
export interface ClaimEntry {
  readonly prefix: string;
  readonly nextHops: readonly string[];
}

const formatVersion = 1;
/** Lines beyond the number of claims before the file is rewritten. */
const compactAfterLines = 4096;

const headerSchema = v.strictObject({
  ledger: v.literal("cloudroutesync"),
  version: v.literal(formatVersion),
  cloud: v.string(),
  table: v.string(),
  owner: v.string(),
});
const lineSchema = v.union([
  v.strictObject({ claim: v.string(), nextHops: v.array(v.string()) }),
  v.strictObject({ confirm: v.string(), nextHops: v.array(v.string()) }),
  v.strictObject({ release: v.string() }),
]);
type Line = v.InferOutput<typeof lineSchema>;

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
    claims: Map<string, Claim>,
    lines: number,
    lost: boolean,
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
      return { ledger: new Ledger(store, header, new Map(), 0, true, onGone), warning: null };
    }
    const parsed = parseLedger(content, header);
    const ledger = new Ledger(store, header, parsed.claims, parsed.lines, parsed.lost, onGone);
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
    if (entries.length === 0) return;
    await this.#append(entries.map(({ prefix, nextHops }) => ({ claim: prefix, nextHops: [...nextHops] })));
  }

  /** Notes that claimed routes were seen in the cloud. */
  async confirm(entries: readonly ClaimEntry[]): Promise<void> {
    const news = entries.filter(({ prefix, nextHops }) => !this.#isConfirmed(prefix, nextHops));
    if (news.length === 0) return;
    await this.#append(news.map(({ prefix, nextHops }) => ({ confirm: prefix, nextHops: [...nextHops] })));
  }

  /** Gives up claims after the routes are gone. */
  async release(prefixes: readonly string[]): Promise<void> {
    const known = prefixes.filter((prefix) => this.#claims.has(prefix));
    if (known.length === 0) return;
    await this.#append(known.map((prefix) => ({ release: prefix })));
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
      await this.#durably(this.#store.append(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
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
    const lines = [JSON.stringify({ ledger: "cloudroutesync", version: formatVersion, ...this.#header })];
    for (const [prefix, claim] of this.#claims) {
      lines.push(
        JSON.stringify({ [claim.confirmed ? "confirm" : "claim"]: prefix, nextHops: claim.nextHops }),
      );
    }
    await this.#durably(this.#store.replace(`${lines.join("\n")}\n`));
    this.#lines = lines.length - 1;
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

interface ParsedLedger {
  readonly claims: Map<string, Claim>;
  readonly lines: number;
  readonly lost: boolean;
  /** Content to set aside, or null. */
  readonly untrusted: string | null;
  readonly problem: string;
}

function parseLedger(content: string, header: LedgerHeader): ParsedLedger {
  const lost = (problem: string): ParsedLedger => ({
    claims: new Map(),
    lines: 0,
    lost: true,
    untrusted: content,
    problem,
  });
  const lines = content.split("\n");
  const torn = lines.pop() ?? "";
  const found = v.safeParse(headerSchema, parseJson(lines[0] ?? ""));
  if (!found.success) return lost("The ledger has no header that this version understands");
  const { cloud, table, owner } = found.output;
  if (cloud !== header.cloud || table !== header.table || owner !== header.owner) {
    return lost(`The ledger belongs to owner "${owner}" and ${cloud} table ${table}`);
  }
  const claims = new Map<string, Claim>();
  for (const [index, text] of lines.entries()) {
    if (index === 0) continue;
    const line = v.safeParse(lineSchema, parseJson(text));
    if (!line.success) return lost(`The ledger's line ${index + 1} is broken`);
    applyLine(claims, line.output);
  }
  const untrusted = torn === "" ? null : torn;
  return {
    claims,
    lines: lines.length - 1,
    lost: false,
    untrusted,
    problem: "The ledger's last line is torn",
  };
}

function applyLine(claims: Map<string, Claim>, line: Line): void {
  if ("claim" in line) claims.set(line.claim, { nextHops: line.nextHops, confirmed: false });
  else if ("confirm" in line) claims.set(line.confirm, { nextHops: line.nextHops, confirmed: true });
  else claims.delete(line.release);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
