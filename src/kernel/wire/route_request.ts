/** Asks for routes: all of a table, or the one that an address takes. */

import type { Family, Words } from "../../routes/prefix.ts";
import {
  AF_INET,
  AF_INET6,
  dumpRequest,
  headerBytes,
  NLM_F_REQUEST,
  RTM_GETROUTE,
} from "./netlink_message.ts";
import { RTA_DST, RTA_TABLE } from "./route_attributes.ts";
import { rtmsgBytes } from "./route_message.ts";

/** Answer with the route of the table, not with the one that the kernel makes of it for this address (Linux 4.13). */
const RTM_F_FIB_MATCH = 0x2000;

/**
 * A request for all routes of a table; the kernel filters.
 *
 * @param table 1 to 4294967295, or null for all tables. If it does not exist the kernel answers ENOENT.
 */
export function routeDumpRequest(
  family: Family,
  table: number | null,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(rtmsgBytes);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  return dumpRequest(
    RTM_GETROUTE,
    sequence,
    header,
    table === null ? [] : [{ type: RTA_TABLE, value: table }],
  );
}

/** A request for the route of a table that a packet of this host to an address takes, as `ip route get fibmatch` asks. */
export function lookupRequest(family: Family, words: Words, sequence: number): Uint8Array<ArrayBuffer> {
  const addressBytes = family === 4 ? 4 : 16;
  const message = new Uint8Array(headerBytes + rtmsgBytes + 4 + addressBytes);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, RTM_GETROUTE, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  view.setUint32(8, sequence, true);
  message[headerBytes] = family === 4 ? AF_INET : AF_INET6;
  message[headerBytes + 1] = addressBytes * 8;
  view.setUint32(headerBytes + 8, RTM_F_FIB_MATCH, true);
  const at = headerBytes + rtmsgBytes;
  view.setUint16(at, 4 + addressBytes, true);
  view.setUint16(at + 2, RTA_DST, true);
  for (let word = 0; word < addressBytes / 4; word++) view.setUint32(at + 4 + word * 4, words[word] ?? 0);
  return message;
}
