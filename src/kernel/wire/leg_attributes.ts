/** Reads the attributes that a plain route has as well as each leg of several: gateway, tunnel, realm. */

import type { Family } from "../../routes/prefix.ts";
import { type AttributeCursor, type MessageBuffer, networkWord, swapBytes } from "./attribute_cursor.ts";
import { EncapsulationDecoder } from "./encapsulation.ts";
import { AF_INET, AF_INET6 } from "./netlink_message.ts";
import { RTA_ENCAP, RTA_ENCAP_TYPE, RTA_FLOW, RTA_GATEWAY, RTA_VIA } from "./route_attributes.ts";

const encapsulation = new EncapsulationDecoder();

/**
 * Takes the attribute that the cursor stands on.
 *
 * @param body the words of the route's body.
 * @param at the leg's first word in it.
 */
export function readLegAttribute(
  family: Family,
  buffer: MessageBuffer,
  cursor: AttributeCursor,
  body: Int32Array,
  at: number,
): void {
  switch (cursor.type) {
    case RTA_GATEWAY:
      return readGateway(family, cursor, body, at);
    case RTA_VIA:
      return readVia(buffer, cursor, body, at);
    case RTA_ENCAP_TYPE:
      body[at + 6] = cursor.int32() & 0xffff;
      return;
    case RTA_ENCAP: {
      const end = cursor.start + cursor.length;
      body[at + 7] = encapsulation.digest(body[at + 7] ?? 0, buffer, cursor.start, end);
      return;
    }
    case RTA_FLOW:
      body[at + 7] = cursor.digest(body[at + 7] ?? 0);
  }
}

/** RTA_GATEWAY: an address of the route's family. */
export function readGateway(family: Family, cursor: AttributeCursor, body: Int32Array, at: number): void {
  body[at] = family << 8;
  body[at + 2] = swapBytes(cursor.int32());
  if (family === 4) return;
  body[at + 3] = swapBytes(cursor.word(1));
  body[at + 4] = swapBytes(cursor.word(2));
  body[at + 5] = swapBytes(cursor.word(3));
}

/** RTA_VIA: an address of the family that it names (RFC 5549). */
function readVia(
  { bytes, words }: MessageBuffer,
  cursor: AttributeCursor,
  body: Int32Array,
  at: number,
): void {
  const family = (words[cursor.start >> 2] ?? 0) & 0xffff;
  const count = (cursor.length - 2) >> 2;
  if (family !== (count === 1 ? AF_INET : AF_INET6)) {
    cursor.fail(`attribute RTA_VIA has ${cursor.length} bytes for family ${family}`);
    return;
  }
  body[at] = (count === 1 ? 4 : 6) << 8;
  for (let index = 0; index < count; index++) {
    body[at + 2 + index] = networkWord(bytes, cursor.start + 2 + index * 4);
  }
}
