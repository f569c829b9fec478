/** Framing of netlink messages (linux/netlink.h): the header, the walk over a datagram, and requests. */

import { align4, type MessageBuffer } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";

/** `sizeof(struct nlmsghdr)`: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
export const headerBytes = 16;

/** Message types of netlink itself. */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** Message types of rtnetlink that the program reads or sends (linux/rtnetlink.h). */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEXTHOP = 104;
export const RTM_DELNEXTHOP = 105;
export const RTM_GETNEXTHOP = 106;

/** Flags of any message. */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_DUMP_INTR = 0x10;

/** Flags of a GET request. */
const NLM_F_DUMP = 0x300;

/** Flags of a NEW request, and of the event that tells of it. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_APPEND = 0x800;

/** Flags of NLMSG_ERROR and NLMSG_DONE. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

/** Address families (linux/socket.h). */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Walks over the messages of one datagram, in place. One instance serves any number of datagrams. */
export class MessageWalk {
  /** Type of the message stood on: `NLMSG_*` or `RTM_*`. */
  type = 0;
  /** `NLM_F_*`. */
  flags = 0;
  /** The request's number that the message answers; 0 in events. */
  sequence = 0;
  /** First byte of the payload, from the buffer's start. */
  start = 0;
  /** First byte after the payload. */
  end = 0;

  buffer: MessageBuffer;
  #next = 0;
  #length = 0;

  /** @param buffer what the first datagram lies in. */
  constructor(buffer: MessageBuffer) {
    this.buffer = buffer;
  }

  /** Begins with a datagram of `length` bytes at the start of a buffer. */
  enter(buffer: MessageBuffer, length: number): void {
    this.buffer = buffer;
    this.#next = 0;
    this.#length = length;
  }

  /**
   * Moves to the next message; false at the end of the datagram.
   *
   * @throws {DecodeError} if a header claims more than the datagram holds.
   */
  next(): boolean {
    const at = this.#next;
    const left = this.#length - at;
    if (left <= 0) return false;
    const { words } = this.buffer;
    const index = at >> 2;
    const size = left >= headerBytes ? words[index] ?? 0 : -1;
    if (size < headerBytes || size > left) {
      this.#next = this.#length;
      throw new DecodeError("netlink message", `header claims ${size} bytes of the ${left} left`);
    }
    const typeAndFlags = words[index + 1] ?? 0;
    this.type = typeAndFlags & 0xffff;
    this.flags = typeAndFlags >>> 16;
    this.sequence = words[index + 2] ?? 0;
    this.start = at + headerBytes;
    this.end = at + size;
    this.#next = at + align4(size);
    return true;
  }

  /** Length of the datagram, bytes. */
  get length(): number {
    return this.#length;
  }

  /** Lets {@linkcode next} go on at a message's first byte, for a reader that has walked ahead by itself. */
  goOnAt(offset: number): void {
    this.#next = offset;
  }
}

/** An attribute of a request. */
export interface RequestAttribute {
  readonly type: number;
  /** A u32 value. */
  readonly value: number;
}

/**
 * Builds a dump request.
 *
 * Strict checking (`NETLINK_GET_STRICT_CHK`) wants the whole fixed header, zero but for what filters.
 *
 * @param type `RTM_GET*`.
 * @param sequence a positive number that the answers repeat.
 * @param fixed the noun's fixed header (`rtmsg`, `ifinfomsg`, …), a multiple of 4 bytes.
 */
export function dumpRequest(
  type: number,
  sequence: number,
  fixed: Uint8Array,
  attributes: readonly RequestAttribute[] = [],
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(headerBytes + fixed.length + attributes.length * 8);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
  view.setUint32(8, sequence, true);
  message.set(fixed, headerBytes);
  attributes.forEach((attribute, index) => {
    const at = headerBytes + fixed.length + index * 8;
    view.setUint16(at, 8, true);
    view.setUint16(at + 2, attribute.type, true);
    view.setUint32(at + 4, attribute.value, true);
  });
  return message;
}
