/** Asks the kernel for everything and makes a state of it. */

import { errno } from "../../../ffi/system_error.ts";
import type { Family } from "../../routes/prefix.ts";
import { addressDumpRequest } from "../wire/address_message.ts";
import type { DumpReader, DumpRequest } from "./dump_reader.ts";
import { KernelState } from "../table/kernel_state.ts";
import type { KeepPrefix } from "../kernel_table.ts";
import type { KernelUpdate } from "../table/kernel_update.ts";
import { KeyedDump } from "./keyed_dump.ts";
import { linkDumpRequest } from "../wire/link_message.ts";
import type { DumpedSegment } from "./lost_routes.ts";
import { NetlinkError } from "../wire/netlink_error.ts";
import { nextHopDumpRequest } from "../wire/next_hop_message.ts";
import { isSet } from "../table/route_identity.ts";
import type { DumpedCount } from "./route_census.ts";
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

/** What is known beside a dump. */
export interface DumpWitness {
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
  reader: DumpReader,
  update: KernelUpdate,
  scope: DumpScope,
  witness: DumpWitness,
): Promise<KernelDump> {
  const state = new KernelState(scope.tables, scope.families);
  const merged: string[] = [];
  for (const request of interfaceRequests(state, update, scope.families)) {
    if (!await readIfPresent(reader, request)) merged.push(request.operation);
  }
  const segments: DumpedSegment[] = [];
  const counts: DumpedCount[] = [];
  let mayHaveTwins = false;
  const fillOf = (segmentOf: SegmentOf): RouteFill =>
    new RouteFill(state, segmentOf, scope, (...key) => update.hide(...key));
  for (const { request, isDisturbed, dumped, counted } of routeDumps(state, scope, fillOf, witness)) {
    const whole = await readIfPresent(reader, request);
    if (!whole) merged.push(request.operation);
    const disturbed = !whole || isDisturbed();
    counts.push({ ...counted(), whole: !disturbed });
    for (const segment of dumped()) {
      // Legs of a set are never alike. Of others there are twins: the kernel replaces one and does not look for its like behind it.
      if (disturbed && segment.dropRepeats((body) => isSet(state.bodies, body))) mayHaveTwins = true;
      segment.seal();
      segments.push({ segment, disturbed });
    }
  }
  return { state, merged, segments, counts, mayHaveTwins };
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

/** One dump of routes. */
interface RouteDump {
  readonly request: DumpRequest;
  /** Whether an IPv6 table has changed since its last attempt began, of which the kernel says nothing. */
  readonly isDisturbed: () => boolean;
  /** What it has filled. */
  readonly dumped: () => readonly RouteSegment[];
  /** What its last attempt has brought. */
  readonly counted: () => Omit<DumpedCount, "whole">;
}

/** A dump a table and family; where all tables are read one a family. */
function routeDumps(
  state: KernelState,
  scope: DumpScope,
  fillOf: (segmentOf: SegmentOf) => RouteFill,
  witness: DumpWitness,
): readonly RouteDump[] {
  if (scope.allTables !== true) {
    return state.segments.map((segment) => {
      const { family, table } = segment;
      return routeDump(family, table, fillOf(only(segment)), () => [segment], witness);
    });
  }
  return scope.families.map((family) => {
    const fill = fillOf((found, table) => found === family ? state.segmentFor(family, table) : null);
    const dumped = (): readonly RouteSegment[] =>
      state.segments.filter((segment) => segment.family === family);
    return routeDump(family, null, fill, dumped, witness);
  });
}

/** @param table null: all. */
function routeDump(
  family: Family,
  table: number | null,
  fill: RouteFill,
  dumped: RouteDump["dumped"],
  witness: DumpWitness,
): RouteDump {
  let eventsBefore = 0;
  const isDisturbed = (): boolean => family === 6 && witness.changes6() !== eventsBefore;
  const request: DumpRequest = {
    operation: `dump IPv${family} routes of ${table === null ? "all tables" : `table ${table}`}`,
    message: (sequence) => routeDumpRequest(family, table, sequence),
    begin: () => {
      fill.begin();
      eventsBefore = family === 6 ? witness.changes6() : 0;
      for (const segment of dumped()) segment.begin();
    },
    merge: () => {
      for (const segment of dumped()) segment.merge();
    },
    take: (walk) => fill.take(walk),
    ...(witness.canCompare ? {} : { isDisturbed }),
  };
  return { request, isDisturbed, dumped, counted: () => ({ family, table, count: fill.seen }) };
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
