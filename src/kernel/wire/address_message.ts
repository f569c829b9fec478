/** Decodes RTM_NEWADDR and RTM_DELADDR (`struct ifaddrmsg`, linux/if_addr.h), and asks for a dump of addresses. */

import { addressBits, type Family, type IpAddress, ipAddress, prefixOf } from "../../routes/prefix.ts";
import { AttributeCursor, networkWord, WantedAttributes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import type { AddressFlags, InterfaceAddress } from "../kernel_table.ts";
import { AF_INET, AF_INET6, dumpRequest, type MessageWalk, RTM_GETADDR } from "./netlink_message.ts";

/** `sizeof(struct ifaddrmsg)`: u8 family, u8 prefixlen, u8 flags, u8 scope, u32 index. */
const ifaddrmsgBytes = 8;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
/** A u32; older kernels have only the header's eight bits, the lower ones of it. */
const IFA_FLAGS = 8;

const IFA_F_TEMPORARY = 0x01;
const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;

function wantedOf(addressBytes: number): WantedAttributes {
  return new WantedAttributes({
    IFA_ADDRESS: { type: IFA_ADDRESS, bytes: [addressBytes] },
    IFA_LOCAL: { type: IFA_LOCAL, bytes: [addressBytes] },
    IFA_FLAGS: { type: IFA_FLAGS, bytes: [4] },
  });
}

const wanted4 = wantedOf(4);
const wanted6 = wantedOf(16);

// One of each for all messages: on a node of many containers addresses come and go all the time.
const cursor4 = new AttributeCursor("address", wanted4);
const cursor6 = new AttributeCursor("address", wanted6);

/**
 * Decodes the message that `walk` stands on.
 *
 * On a point-to-point link IFA_LOCAL is the own address and IFA_ADDRESS the peer's, whose prefix the link has; elsewhere
 * they are the same, and IPv6 leaves IFA_LOCAL out.
 *
 * @returns null for an address that is neither IPv4 nor IPv6.
 * @throws {DecodeError} naming what is not as it must be.
 */
export function decodeAddress({ buffer, start, end }: MessageWalk): InterfaceAddress | null {
  if (end - start < ifaddrmsgBytes) {
    throw new DecodeError("address", `${end - start} bytes are too few for its header`);
  }
  const [addressFamily = 0, length = 0, headerFlags = 0, scope = 0] = buffer.bytes.subarray(start, start + 4);
  if (addressFamily !== AF_INET && addressFamily !== AF_INET6) return null;
  const family = addressFamily === AF_INET ? 4 : 6;
  const cursor = family === 4 ? cursor4 : cursor6;
  let peer: IpAddress | null = null, local: IpAddress | null = null, flags = headerFlags;
  cursor.enter(buffer, start + ifaddrmsgBytes, end);
  while (cursor.next()) {
    if (cursor.type === IFA_FLAGS) flags = cursor.int32();
    else if (cursor.type === IFA_LOCAL) local = addressAt(family, buffer.bytes, cursor.start);
    else peer = addressAt(family, buffer.bytes, cursor.start);
  }
  cursor.check();
  const address = local ?? peer;
  if (address === null) throw new DecodeError("address", "attributes IFA_ADDRESS and IFA_LOCAL are missing");
  if (length > addressBits(family)) {
    throw new DecodeError("address", `length ${length} is over ${addressBits(family)}`);
  }
  const subnet = prefixOf(family, (peer ?? address).words, length);
  const interfaceIndex = buffer.words[(start >> 2) + 1] ?? 0;
  return { interfaceIndex, address, subnet, scope, flags: flagsOf(family, flags) };
}

/** IPv4's bit 0 is IFA_F_SECONDARY, a second address in one subnet, which is as good as the first. */
function flagsOf(family: Family, flags: number): AddressFlags {
  return {
    deprecated: (flags & IFA_F_DEPRECATED) !== 0,
    tentative: (flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) === IFA_F_TENTATIVE,
    failed: (flags & IFA_F_DADFAILED) !== 0,
    temporary: family === 6 && (flags & IFA_F_TEMPORARY) !== 0,
  };
}

/** Whether two states of an address are the same. */
export function sameFlags({ flags: left }: InterfaceAddress, { flags: right }: InterfaceAddress): boolean {
  return left.deprecated === right.deprecated && left.tentative === right.tentative &&
    left.failed === right.failed && left.temporary === right.temporary;
}

/** The address at byte `at` of a message. */
export function addressAt(family: Family, bytes: Uint8Array, at: number): IpAddress {
  const word = (index: number): number => networkWord(bytes, at + index * 4) >>> 0;
  return ipAddress(family, family === 4 ? [word(0), 0, 0, 0] : [word(0), word(1), word(2), word(3)]);
}

/** A request for all addresses of a family. */
export function addressDumpRequest(family: Family, sequence: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(ifaddrmsgBytes);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  return dumpRequest(RTM_GETADDR, sequence, header);
}
