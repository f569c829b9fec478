/** What the kernel's decoders make of a message that may be damaged. */

import { decodeAddress } from "../../src/kernel/wire/address_message.ts";
import { type MessageBuffer, messageBuffer } from "../../src/kernel/wire/attribute_cursor.ts";
import { DecodeError } from "../../src/kernel/wire/decode_error.ts";
import { decodeLink } from "../../src/kernel/wire/link_message.ts";
import { decodeStatus } from "../../src/kernel/wire/netlink_error.ts";
import { MessageWalk } from "../../src/kernel/wire/netlink_message.ts";
import { decodeNextHop } from "../../src/kernel/wire/next_hop_message.ts";
import { RouteDecoder } from "../../src/kernel/wire/route_message.ts";

const routeDecoder = new RouteDecoder();

/**
 * The outcome as text: what was decoded, or the DecodeError's message.
 *
 * @param poison fills the buffer behind the message; it must make no difference.
 */
export function outcomeOfMessage(message: Uint8Array, poison = 0): string {
  const buffer = messageBuffer(message.length + 64);
  buffer.bytes.fill(poison);
  buffer.bytes.set(message);
  try {
    return decodeToText(buffer, message.length);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.message;
  }
}

/** Decodes the message at the start of a buffer by its type; the result as text. @throws {DecodeError} */
export function decodeToText(buffer: MessageBuffer, length: number): string {
  const walk = new MessageWalk(buffer);
  walk.enter(buffer, length);
  if (!walk.next()) return "nothing";
  switch (walk.type) {
    case 24:
    case 25: {
      if (!routeDecoder.decode(walk)) return "no route";
      const { family, words, length: bits, table, body } = routeDecoder;
      return `${family} ${words} ${bits} ${table} ${body.words.subarray(0, body.length)}`;
    }
    case 16:
    case 17:
      return JSON.stringify(decodeLink(walk));
    case 20:
    case 21:
      return JSON.stringify(decodeAddress(walk));
    case 104:
    case 105:
      return JSON.stringify(decodeNextHop(walk));
    default:
      return `${decodeStatus("decode", walk)}`;
  }
}
