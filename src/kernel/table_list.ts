/** Which tables the kernel has: for commands that account for every route. */

import type { Libc } from "../../ffi/libc.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { Family } from "../routes/prefix.ts";
import { DumpReader } from "./dump_reader.ts";
import { RouteDecoder, routeDumpRequest } from "./route_message.ts";

/**
 * Lists the tables that have routes, in the order of their numbers.
 *
 * @throws what {@linkcode DumpReader.read} throws.
 */
export async function listTables(libc: Libc, families: readonly Family[]): Promise<readonly number[]> {
  const tables = new Set<number>();
  const port = NetlinkSocket.open(libc);
  try {
    const reader = new DumpReader(port, new AbortController().signal);
    const decoder = new RouteDecoder();
    for (const family of families) {
      await reader.read({
        operation: `dump IPv${family} routes`,
        message: (sequence) => routeDumpRequest(family, null, sequence),
        clear: () => {},
        take: (walk) => {
          if (decoder.decode(walk)) tables.add(decoder.table);
        },
      });
    }
  } finally {
    port.close();
  }
  return [...tables].sort((left, right) => left - right);
}
