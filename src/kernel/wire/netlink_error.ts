/** A request that the kernel refused (NLMSG_ERROR, or NLMSG_DONE with a status). */

import { errnoName } from "../../../ffi/system_error.ts";
import { AttributeCursor, type MessageBuffer, WantedAttributes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import {
  headerBytes,
  type MessageWalk,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_ERROR,
} from "./netlink_message.ts";

/** The kernel's refusal, with the sentence of its extended ACK where it gave one. */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** What was asked, as in `dump IPv4 routes of table 254`. */
  readonly operation: string;
  /** The `errno` value, 1 to 4095. */
  readonly errno: number;
  /** NLMSGERR_ATTR_MSG, or null. */
  readonly kernelMessage: string | null;

  constructor(operation: string, errno: number, kernelMessage: string | null) {
    const reason = kernelMessage === null ? "" : ` (${kernelMessage})`;
    super(`Cannot ${operation}: ${errnoName(errno)}${reason}`);
    this.operation = operation;
    this.errno = errno;
    this.kernelMessage = kernelMessage;
  }
}

const NLMSGERR_ATTR_MSG = 1;
const errorAttributes = new WantedAttributes({
  NLMSGERR_ATTR_MSG: { type: NLMSGERR_ATTR_MSG, bytes: "any" },
});

/**
 * Reads NLMSG_ERROR or NLMSG_DONE, the message that `walk` stands on.
 *
 * @returns null for success.
 * @throws {DecodeError} if it is cut short.
 */
export function decodeStatus(operation: string, walk: MessageWalk): NetlinkError | null {
  const { buffer, start, end } = walk;
  if (end - start < 4) {
    // Kernels may end a dump without a status; an error without its number is a fault.
    if (walk.type !== NLMSG_ERROR) return null;
    throw new DecodeError("netlink error", `${end - start} bytes are too few for its number`);
  }
  const status = buffer.words[start >> 2] ?? 0;
  if (status >= 0) return null;
  return new NetlinkError(operation, -status, kernelMessage(walk));
}

/** Text of the extended ACK: it follows the status, and in NLMSG_ERROR the request (its header alone if capped). */
function kernelMessage({ buffer, start, end, type, flags }: MessageWalk): string | null {
  if ((flags & NLM_F_ACK_TLVS) === 0) return null;
  const at = start + 4 + (type === NLMSG_ERROR ? requestBytes(buffer, start + 4, end, flags) : 0);
  if (at > end) return null;
  const cursor = new AttributeCursor("extended ACK", errorAttributes);
  cursor.enter(buffer, at, end);
  return cursor.next() ? cursor.text() : null;
}

function requestBytes(buffer: MessageBuffer, start: number, end: number, flags: number): number {
  if ((flags & NLM_F_CAPPED) !== 0 || end - start < headerBytes) return headerBytes;
  const length = buffer.words[start >> 2] ?? 0;
  return length < headerBytes || length > end - start ? end - start : (length + 3) & ~3;
}
