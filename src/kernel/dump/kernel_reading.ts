/** One reading of the whole kernel beside a table that is in use: dump, events of meanwhile, and a check of what is missing. */

import type { ChangeCollector } from "../table/change_collector.ts";
import { DumpReader } from "./dump_reader.ts";
import type { EventLog } from "./event_log.ts";
import { replayEvents } from "./event_replay.ts";
import type { Family } from "../../routes/prefix.ts";
import { countRoutes, type DumpScope, readKernel } from "./kernel_dump.ts";
import type { KernelState } from "../table/kernel_state.ts";
import type { KernelUpdate } from "../table/kernel_update.ts";
import { keepLostPrefixes } from "./kept_routes.ts";
import { findLostPrefixes } from "./lost_routes.ts";
import type { OpenPort } from "../wire/netlink_port.ts";
import { type DumpedCount, findShortfall, type Shortfall, shortfallText, trieFile } from "./route_census.ts";

/** What a reading works with. */
export interface ReadingOptions {
  readonly open: OpenPort;
  readonly update: KernelUpdate;
  readonly scope: DumpScope;
  /** Aborted, it ends the reading. */
  readonly signal: AbortSignal;
  /** Gets the events that come during the reading. */
  readonly log: EventLog;
  /** Moves what is waiting on the event socket to the log. */
  readonly drain: () => void;
  /** The table before; null for the first reading. */
  readonly known: KnownTable | null;
  /** Gets the doubts that the events raise. */
  readonly changes: ChangeCollector;
  /** Families of which it is not shown yet that the kernel's dumps are whole. */
  readonly unproven: ReadonlySet<Family>;
  /** The text of a file of /proc; null if there is none. */
  readonly readText: (path: string) => Promise<string | null>;
}

/** The table that a reading is compared with. */
export interface KnownTable {
  readonly state: KernelState;
  /** Whether it follows the events, those of the reading too. */
  readonly isLive: boolean;
  /** See {@linkcode Reading.unsurePrefixes}. */
  readonly unsurePrefixes: ReadonlySet<string>;
}

/** What came of it. */
export interface Reading {
  /** As the kernel is now, if nothing below says otherwise. */
  readonly state: KernelState;
  /** Why another reading is needed, or null. */
  readonly unsure: string | null;
  /** Prefixes that are kept until another reading agrees that they are gone. */
  readonly unsurePrefixes: ReadonlySet<string>;
  /** What the kernel keeps back, or null. */
  readonly error: Error | null;
  /** Families of which it is still not shown that the kernel's dumps are whole. */
  readonly unproven: ReadonlySet<Family>;
}

/**
 * Reads the kernel. No event is left on the event socket when it resolves.
 *
 * @throws what {@linkcode readKernel} throws.
 */
export async function readBeside(options: ReadingOptions): Promise<Reading> {
  await using early = new EarlyCount(options);
  return await readCounted(options, early);
}

/**
 * So long into a dump, in milliseconds, the kernel's own count of its routes is asked for beside it. A dump of a small table is over by then.
 * Before, V8 compiles on the other processor: of two processors none would be left to read, and the count is not interrupted.
 */
const countAfterMs = 60;

/** What {@linkcode trieFile} says while a dump is under way that takes long: another processor counts meanwhile. */
class EarlyCount implements AsyncDisposable {
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #text: Promise<string | null> | null = null;

  constructor({ unproven, readText }: Pick<ReadingOptions, "unproven" | "readText">) {
    if (!unproven.has(4)) return;
    this.#timer = setTimeout(() => this.#text = readText(trieFile), countAfterMs);
  }

  /** The dump is over. @returns the text; null: it was not asked for. */
  end(): Promise<string | null> | null {
    clearTimeout(this.#timer);
    return this.#text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

async function readCounted(options: ReadingOptions, early: EarlyCount): Promise<Reading> {
  const { open, update, scope, signal, log, drain, known, changes } = options;
  using reader = new DumpReader(open, signal);
  const dump = await readKernel(reader, update, scope, {
    changes6: () => {
      drain();
      return log.changes6;
    },
    canCompare: known !== null,
  });
  drain();
  const { state, segments, merged, mayHaveTwins } = dump;
  const census = await takeCensus(dump.counts, reader, options, early.end());
  drain();
  for (const { family } of census.shortfalls) state.cut.add(family);
  const { doubtful, deleted } = replayEvents({
    log,
    update,
    state,
    live: known?.isLive === true ? known.state : null,
    changes,
    isWhole: merged.length === 0,
  });
  const before = known?.state ?? null;
  const lost = before === null ? [] : await findLostPrefixes(open, before, state, segments, deleted);
  drain();
  // From the replay on the state follows the events as the live table does.
  log.replay((walk) => update.applyEvent(state, walk, changes));
  const kept = before === null ? { unsure: new Set<string>(), error: null } : keepLostPrefixes({
    before,
    after: state,
    lost,
    dumped: segments,
    unsureBefore: known?.unsurePrefixes ?? new Set(),
    isExact: log.complete,
  });
  const unsure = merged[0] !== undefined
    ? `attempts to ${merged[0]} were interrupted`
    : doubtful > 0
    ? `events during a dump left ${doubtful} prefixes in doubt`
    : mayHaveTwins
    ? "a dump brought a route twice"
    : kept.unsure.size > 0
    ? `a dump may have missed ${kept.unsure.size} prefixes`
    : census.shortfalls.length > 0
    ? "a dump was not whole"
    : null;
  const [shortfall] = census.shortfalls;
  const error = kept.error ?? (shortfall === undefined ? null : new Error(shortfallText(shortfall)));
  return { state, unsure, unsurePrefixes: kept.unsure, error, unproven: census.unproven };
}

/**
 * Holds the dumps of families that nothing is known of yet against the kernel's own count.
 *
 * @param early what {@linkcode trieFile} said during the dumps; it counts where no event has come meanwhile. Null: it was not asked.
 */
async function takeCensus(
  counts: readonly DumpedCount[],
  reader: DumpReader,
  { unproven: before, log, readText }: ReadingOptions,
  early: Promise<string | null> | null,
): Promise<{ readonly shortfalls: readonly Shortfall[]; readonly unproven: ReadonlySet<Family> }> {
  const unproven = new Set(before);
  const shortfalls: Shortfall[] = [];
  for (const family of before) {
    const dumps = counts.filter((dump) => dump.family === family);
    // Of what was put together, or with events missing, another dump tells, which follows.
    if (!log.complete || dumps.some(({ whole }) => !whole)) continue;
    const shortfall = await findShortfall(family, dumps, log.events, {
      readText: (path) => path === trieFile && early !== null && log.events === 0 ? early : readText(path),
      countDump: (...which) => countRoutes(reader, ...which),
    });
    if (shortfall === null) unproven.delete(family);
    else shortfalls.push(shortfall);
  }
  return { shortfalls, unproven };
}
