/** Asks the kernel for everything and makes a state of it. */

import { errno } from "../../ffi/system_error.ts";
import type { Family } from "../routes/prefix.ts";
import { addressDumpRequest } from "./address_message.ts";
import { type DumpReader, type DumpRequest } from "./dump_reader.ts";
import { KernelState } from "./kernel_state.ts";
import type { KeepPrefix } from "./kernel_table.ts";
import type { KernelUpdate } from "./kernel_update.ts";
import { linkDumpRequest } from "./link_message.ts";
import { NetlinkError } from "./netlink_error.ts";
import { nextHopDumpRequest } from "./next_hop_message.ts";
import { routeDumpRequest } from "./route_message.ts";
import { RouteFill } from "./route_fill.ts";
import type { RouteSegment } from "./route_segment.ts";

/** What is read. */
export interface DumpScope {
  /** In the order of preference. */
  readonly tables: readonly number[];
  readonly families: readonly Family[];
  /** Absent: all prefixes are kept. */
  readonly keepPrefix?: KeepPrefix;
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
): Promise<KernelState> {
  const state = new KernelState(scope.tables, scope.families);
  const take: DumpRequest["take"] = (walk) => update.addDumped(state, walk);
  await reader.read({
    operation: "dump links",
    message: linkDumpRequest,
    clear: () => state.linksByIndex.clear(),
    take,
  });
  for (const family of scope.families) {
    await readIfPresent(reader, {
      operation: `dump IPv${family} addresses`,
      message: (sequence) => addressDumpRequest(family, sequence),
      clear: () => forgetAddresses(state, family),
      take,
    });
  }
  await readIfPresent(reader, {
    operation: "dump next-hop objects",
    message: nextHopDumpRequest,
    clear: () => state.nextHops.clear(),
    take,
  });
  for (const segment of state.segments) {
    const fill = new RouteFill(state, segment, scope.keepPrefix);
    await readIfPresent(reader, routeRequest(segment, (walk) => fill.take(walk)));
    segment.seal();
  }
  return state;
}

function routeRequest(segment: RouteSegment, take: DumpRequest["take"]): DumpRequest {
  return {
    operation: `dump IPv${segment.family} routes of table ${segment.table}`,
    message: (sequence) => routeDumpRequest(segment.family, segment.table, sequence),
    clear: () => segment.clear(),
    take,
  };
}

function forgetAddresses(state: KernelState, family: Family): void {
  for (const [key, { address }] of state.addressesByKey) {
    if (address.family === family) state.addressesByKey.delete(key);
  }
}

/**
 * ENOENT: no such table. EAFNOSUPPORT, EOPNOTSUPP: no such family, or no next-hop objects (before Linux 5.3).
 */
async function readIfPresent(reader: DumpReader, request: DumpRequest): Promise<void> {
  try {
    await reader.read(request);
  } catch (error) {
    const absent: readonly number[] = [errno.ENOENT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP];
    if (!(error instanceof NetlinkError && absent.includes(error.errno))) throw error;
    request.clear();
  }
}
