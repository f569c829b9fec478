/** Decodes RTM_NEWLINK and RTM_DELLINK (`struct ifinfomsg`, linux/rtnetlink.h), and asks for a dump of links. */

import { AttributeCursor, WantedAttributes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import type { Link } from "./kernel_table.ts";
import { AF_UNSPEC, dumpRequest, type MessageWalk, RTM_GETLINK } from "./netlink_message.ts";

/** `sizeof(struct ifinfomsg)`: u8 family, u8 pad, u16 type, i32 index, u32 flags, u32 change. */
const ifinfomsgBytes = 16;

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;

const IFLA_IFNAME = 3;
const IFLA_EXT_MASK = 29;
/** Leaves the counters out of the answer (linux/rtnetlink.h). */
const RTEXT_FILTER_SKIP_STATS = 8;

const wanted = new WantedAttributes({ IFLA_IFNAME: { type: IFLA_IFNAME, bytes: "any" } });

/**
 * Decodes the message that `walk` stands on.
 *
 * @returns null for a message of a family of its own: a bridge tells of its ports with the same types, and its
 * RTM_DELLINK means that the port has left the bridge, not that it is gone.
 * @throws {DecodeError} naming what is not as it must be.
 */
export function decodeLink({ buffer, start, end }: MessageWalk): Link | null {
  if (end - start < ifinfomsgBytes) {
    throw new DecodeError("link", `${end - start} bytes are too few for its header`);
  }
  if (buffer.bytes[start] !== AF_UNSPEC) return null;
  const index = buffer.words[(start >> 2) + 1] ?? 0;
  const flags = buffer.words[(start >> 2) + 2] ?? 0;
  const cursor = new AttributeCursor("link", wanted);
  let name = "";
  cursor.enter(buffer, start + ifinfomsgBytes, end);
  while (cursor.next()) name = cursor.text();
  cursor.check();
  if (name === "") throw new DecodeError("link", "attribute IFLA_IFNAME is missing");
  return { index, name, up: (flags & IFF_UP) !== 0, running: (flags & IFF_RUNNING) !== 0 };
}

/** A request for all links, without their counters. */
export function linkDumpRequest(sequence: number): Uint8Array<ArrayBuffer> {
  const attributes = [{ type: IFLA_EXT_MASK, value: RTEXT_FILTER_SKIP_STATS }];
  return dumpRequest(RTM_GETLINK, sequence, new Uint8Array(ifinfomsgBytes), attributes);
}
