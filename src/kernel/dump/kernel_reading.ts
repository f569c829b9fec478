/** One reading of the whole kernel beside a table that is in use: dump, events of meanwhile, and a check of what is missing. */

import type { ChangeCollector } from "../table/change_collector.ts";
import { DumpReader } from "./dump_reader.ts";
import type { EventLog } from "./event_log.ts";
import { replayEvents } from "./event_replay.ts";
import type { Family } from "../../routes/prefix.ts";
import { EarlyCounts } from "./early_counts.ts";
import { countRoutes, type DumpReaders, type DumpScope, readKernel } from "./kernel_dump.ts";
import type { KernelState } from "../table/kernel_state.ts";
import type { KernelUpdate } from "../table/kernel_update.ts";
import { keepLostPrefixes } from "./kept_routes.ts";
import { findLostPrefixes } from "./lost_routes.ts";
import type { OpenPort } from "../wire/netlink_port.ts";
import {
  type DumpedCount,
  findShortfall,
  localTable,
  type Shortfall,
  shortfallText,
  trieFile,
} from "./route_census.ts";

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
  const { open, signal, scope } = options;
  using main = new DumpReader(open, signal);
  using aside = new DumpReader(open, signal);
  const isDumped = scope.allTables === true || scope.tables.includes(localTable);
  const countLocal = isDumped ? null : () => countRoutes(aside, 4, localTable);
  await using early = new EarlyCounts({ ...options, countLocal });
  return await readCounted(options, { main, aside }, early);
}

async function readCounted(
  options: ReadingOptions,
  readers: DumpReaders,
  early: EarlyCounts,
): Promise<Reading> {
  const { open, update, scope, log, drain, known, changes } = options;
  const dump = await readKernel(readers, update, scope, {
    early,
    changes6: () => {
      drain();
      return log.changes6;
    },
    canCompare: known !== null,
  });
  drain();
  const { state, segments, merged, mayHaveTwins } = dump;
  const census = await takeCensus(dump.counts, readers.main, options, early);
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
 * @param early what was counted during the dumps; the trie's counts where no event has come meanwhile.
 */
async function takeCensus(
  counts: readonly DumpedCount[],
  reader: DumpReader,
  { unproven: before, log, readText }: ReadingOptions,
  early: EarlyCounts,
): Promise<{ readonly shortfalls: readonly Shortfall[]; readonly unproven: ReadonlySet<Family> }> {
  const unproven = new Set(before);
  const shortfalls: Shortfall[] = [];
  const counted = early.end();
  for (const family of before) {
    const dumps = counts.filter((dump) => dump.family === family);
    // Of what was put together, or with events missing, another dump tells, which follows.
    if (!log.complete || dumps.some(({ whole }) => !whole)) continue;
    const shortfall = await findShortfall(family, dumps, log.events, {
      readText: (path) =>
        path === trieFile && counted !== null && log.events === 0 ? counted.trie : readText(path),
      countDump: async (of, table) => {
        const local = of === 4 && table === localTable ? await counted?.local : null;
        return local ?? await countRoutes(reader, of, table);
      },
    });
    if (shortfall === null) unproven.delete(family);
    else shortfalls.push(shortfall);
  }
  return { shortfalls, unproven };
}
