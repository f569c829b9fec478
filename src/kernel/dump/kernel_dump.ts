/** Asks the kernel for everything and makes a state of it. */

import { errno } from "../../../ffi/system_error.ts";
import type { Family } from "../../routes/prefix.ts";
import { addressDumpRequest } from "../wire/address_message.ts";
import { settleAll } from "../../async/pool.ts";
import type { DumpReader, DumpRequest } from "./dump_reader.ts";
import { KernelState } from "../table/kernel_state.ts";
import type { KeepPrefix } from "../kernel_table.ts";
import type { KernelUpdate } from "../table/kernel_update.ts";
import { KeyedDump } from "./keyed_dump.ts";
import { linkDumpRequest } from "../wire/link_message.ts";
import type { DumpedSegment } from "./lost_routes.ts";
import type { EarlyCounts } from "./early_counts.ts";
import { NetlinkError } from "../wire/netlink_error.ts";
import { nextHopDumpRequest } from "../wire/next_hop_message.ts";
import { isSet } from "../table/route_identity.ts";
import { type DumpedCount, localTable, mainTable, tablesOf } from "./route_census.ts";
import { entriesOf, only, RouteFill, type SegmentOf } from "./route_fill.ts";
import { RTM_NEWROUTE } from "../wire/netlink_message.ts";
import { RouteDecoder } from "../wire/route_message.ts";
import { routeDumpRequest } from "../wire/route_request.ts";
import type { RouteSegment } from "../table/route_segment.ts";

/** What is read. */
export interface DumpScope {
  /** In the order of preference. */
  readonly tables: readonly number[];
  /** Whether all other tables that have routes are read too. */
  readonly allTables?: boolean;
  readonly families: readonly Family[];
  /** Absent: all prefixes are kept. */
  readonly keepPrefix?: KeepPrefix;
  /** Whether routes for some source addresses only are kept: for commands that list every route. */
  readonly sourceSpecific?: boolean;
}

/** What was read. */
export interface KernelDump {
  readonly state: KernelState;
  /** Of what the attempts had to be put together, as in `dump links`. */
  readonly merged: readonly string[];
  /** The state's segments. */
  readonly segments: readonly DumpedSegment[];
  /** What each dump of routes has brought. */
  readonly counts: readonly DumpedCount[];
  /** Whether a route was brought twice, which may be two: another dump tells, in which the table does not change. */
  readonly mayHaveTwins: boolean;
}

/** Two, because two dumps are read at once. */
export interface DumpReaders {
  readonly main: DumpReader;
  /** For what another processor does meanwhile. */
  readonly aside: DumpReader;
}

/** What is known beside a dump. */
export interface DumpWitness {
  readonly early: Pick<EarlyCounts, "begin" | "trie">;
  /** How many events have come up to now with which an IPv6 table may have changed. */
  readonly changes6: () => number;
  /** Whether there is a table to compare with, so that IPv6 routes that an attempt has lost are found without another one. */
  readonly canCompare: boolean;
}

/**
 * Reads links, addresses, next-hop objects and the routes of each table and family, which the kernel filters.
 *
 * @throws what {@linkcode DumpReader.read} throws; a table, an address family or next-hop objects that the kernel does
 * not have count as empty.
 */
export async function readKernel(
  readers: DumpReaders,
  update: KernelUpdate,
  scope: DumpScope,
  witness: DumpWitness,
): Promise<KernelDump> {
  const state = new KernelState(scope.tables, scope.families);
  const merged: string[] = [];
  for (const request of interfaceRequests(state, update, scope.families)) {
    if (!await readIfPresent(readers.main, request)) merged.push(request.operation);
  }
  const routes = new RouteReading(state, update, scope, witness);
  for (const family of scope.families) {
    if (scope.allTables !== true) {
      for (const table of scope.tables) await routes.read(readers.main, family, table);
    } else if (family === 4) await readAllFour(routes, readers, witness);
    else await routes.read(readers.main, family, null);
  }
  const { segments, counts, mayHaveTwins } = routes;
  return { state, merged: [...merged, ...routes.merged], segments, counts, mayHaveTwins };
}

/**
 * All tables of IPv4: main, which mostly is the large one, and the others meanwhile. Until the first `ip rule` local shares main's trie, and to
 * find its few routes the kernel goes through all of main's: another processor has the time for that.
 */
async function readAllFour(
  routes: RouteReading,
  { main, aside }: DumpReaders,
  { early }: DumpWitness,
): Promise<void> {
  await settleAll([
    routes.read(main, 4, mainTable).finally(() => early.begin()),
    early.trie.then(async (text) => {
      for (const table of tablesOf(text)) if (table !== mainTable) await routes.read(aside, 4, table);
    }),
  ]);
  // Where the kernel does not name its tables.
  if (tablesOf(await early.trie).length === 0) await routes.read(main, 4, null);
}

function interfaceRequests(
  state: KernelState,
  update: KernelUpdate,
  families: readonly Family[],
): readonly DumpRequest[] {
  const take: DumpRequest["take"] = (walk) => update.addDumped(state, walk);
  const { linksByIndex, addressesByKey, nextHops } = state;
  return [
    { operation: "dump links", message: linkDumpRequest, take, ...attemptsOf(new KeyedDump(linksByIndex)) },
    ...families.map((family) => ({
      operation: `dump IPv${family} addresses`,
      message: (sequence: number) => addressDumpRequest(family, sequence),
      take,
      ...attemptsOf(new KeyedDump(addressesByKey, ({ address }) => address.family === family)),
    })),
    {
      operation: "dump next-hop objects",
      message: nextHopDumpRequest,
      take,
      ...attemptsOf(new KeyedDump(nextHops)),
    },
  ];
}

function attemptsOf<Key, Value>(dump: KeyedDump<Key, Value>): Pick<DumpRequest, "begin" | "merge"> {
  return { begin: () => dump.begin(), merge: () => dump.merge() };
}

/** Reads the dumps of routes, and holds what came of them. */
class RouteReading {
  readonly segments: DumpedSegment[] = [];
  readonly counts: DumpedCount[] = [];
  /** See {@linkcode KernelDump.merged}. */
  readonly merged: string[] = [];
  /** See {@linkcode KernelDump.mayHaveTwins}. */
  mayHaveTwins = false;
  readonly #state: KernelState;
  readonly #update: KernelUpdate;
  readonly #scope: DumpScope;
  readonly #witness: DumpWitness;
  readonly #ended = new Set<RouteSegment>();

  constructor(state: KernelState, update: KernelUpdate, scope: DumpScope, witness: DumpWitness) {
    this.#state = state;
    this.#update = update;
    this.#scope = scope;
    this.#witness = witness;
  }

  /**
   * Reads a table.
   *
   * @param table null: all tables of the family that have not been read.
   * @throws what {@linkcode DumpReader.read} throws.
   */
  async read(reader: DumpReader, family: Family, table: number | null): Promise<void> {
    const { changes6, canCompare } = this.#witness;
    const filled = (): readonly RouteSegment[] => this.#segmentsOf(family, table);
    const fill = this.#fillOf(family, table);
    let changesBefore = 0;
    // Whether an IPv6 table has changed since the last attempt began, of which the kernel says nothing.
    const isDisturbed = (): boolean => family === 6 && changes6() !== changesBefore;
    const request: DumpRequest = {
      operation: `dump IPv${family} routes of ${table === null ? "all tables" : `table ${table}`}`,
      message: (sequence) => routeDumpRequest(family, table, sequence),
      aside: isSlow(family, table),
      begin: () => {
        fill.begin();
        changesBefore = family === 6 ? changes6() : 0;
        for (const segment of filled()) segment.begin();
      },
      merge: () => {
        for (const segment of filled()) segment.merge();
      },
      take: (walk) => fill.take(walk),
      ...(canCompare ? {} : { isDisturbed }),
    };
    const whole = await readIfPresent(reader, request);
    if (!whole) this.merged.push(request.operation);
    const disturbed = !whole || isDisturbed();
    this.counts.push({ family, table, count: fill.seen, whole: !disturbed });
    for (const segment of filled()) this.#end(segment, disturbed);
  }

  #segmentsOf(family: Family, table: number | null): readonly RouteSegment[] {
    return this.#state.segments.filter((segment) =>
      segment.family === family && (table === null ? !this.#ended.has(segment) : segment.table === table)
    );
  }

  #fillOf(family: Family, table: number | null): RouteFill {
    const state = this.#state;
    const unread: SegmentOf = (found, of) => {
      const segment = found === family ? state.segmentFor(family, of) : null;
      return segment === null || this.#ended.has(segment) ? null : segment;
    };
    const segmentOf = table === null ? unread : only(state.segmentFor(family, table));
    return new RouteFill(state, segmentOf, this.#scope, (...key) => this.#update.hide(...key));
  }

  #end(segment: RouteSegment, disturbed: boolean): void {
    const { bodies } = this.#state;
    // Legs of a set are never alike. Of others there are twins: the kernel replaces one and does not look for its like behind it.
    if (disturbed && segment.dropRepeats((body) => isSet(bodies, body))) this.mayHaveTwins = true;
    segment.seal();
    this.segments.push({ segment, disturbed });
    this.#ended.add(segment);
  }
}

/** Whether the kernel may go through a large table for a small answer: see {@linkcode readAllFour}. */
function isSlow(family: Family, table: number | null): boolean {
  return family === 4 && table === localTable;
}

/**
 * Counts the routes of a table (null: of all), as {@linkcode DumpedCount.count}, and keeps none.
 *
 * @throws what {@linkcode DumpReader.read} throws.
 */
export async function countRoutes(reader: DumpReader, family: Family, table: number | null): Promise<number> {
  const decoder = new RouteDecoder({ sourceSpecific: true });
  let count = 0;
  await readIfPresent(reader, {
    operation: `count IPv${family} routes`,
    message: (sequence) => routeDumpRequest(family, table, sequence),
    aside: isSlow(family, table),
    begin: () => {
      count = 0;
    },
    merge: () => {},
    take: (walk) => {
      if (walk.type === RTM_NEWROUTE) count += decoder.decode(walk) ? entriesOf(decoder) : 1;
    },
  });
  return count;
}

/**
 * ENOENT: no such table. EAFNOSUPPORT, EOPNOTSUPP: no such family, or no next-hop objects (before Linux 5.3).
 *
 * @returns see {@linkcode DumpReader.read}.
 */
async function readIfPresent(reader: DumpReader, request: DumpRequest): Promise<boolean> {
  try {
    return await reader.read(request);
  } catch (error) {
    const absent: readonly number[] = [errno.ENOENT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP];
    if (!(error instanceof NetlinkError && absent.includes(error.errno))) throw error;
    request.begin();
    return true;
  }
}
