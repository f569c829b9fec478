/** Decodes RTM_NEWADDR and RTM_DELADDR (`struct ifaddrmsg`, linux/if_addr.h), and asks for a dump of addresses. */

import { addressBits, type Family, type IpAddress, ipAddress, prefixOf } from "../routes/prefix.ts";
import { AttributeCursor, networkWord, WantedAttributes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import type { InterfaceAddress } from "./kernel_table.ts";
import { AF_INET, AF_INET6, dumpRequest, type MessageWalk, RTM_GETADDR } from "./netlink_message.ts";

/** `sizeof(struct ifaddrmsg)`: u8 family, u8 prefixlen, u8 flags, u8 scope, u32 index. */
const ifaddrmsgBytes = 8;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

function wantedOf(addressBytes: number): WantedAttributes {
  return new WantedAttributes({
    IFA_ADDRESS: { type: IFA_ADDRESS, bytes: [addressBytes] },
    IFA_LOCAL: { type: IFA_LOCAL, bytes: [addressBytes] },
  });
}

const wanted4 = wantedOf(4);
const wanted6 = wantedOf(16);

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
  const [addressFamily = 0, length = 0, , scope = 0] = buffer.bytes.subarray(start, start + 4);
  if (addressFamily !== AF_INET && addressFamily !== AF_INET6) return null;
  const family = addressFamily === AF_INET ? 4 : 6;
  const cursor = new AttributeCursor("address", family === 4 ? wanted4 : wanted6);
  let peer: IpAddress | null = null, local: IpAddress | null = null;
  cursor.enter(buffer, start + ifaddrmsgBytes, end);
  while (cursor.next()) {
    const address = addressAt(family, buffer.bytes, cursor.start);
    if (cursor.type === IFA_LOCAL) local = address;
    else peer = address;
  }
  cursor.check();
  const address = local ?? peer;
  if (address === null) throw new DecodeError("address", "attributes IFA_ADDRESS and IFA_LOCAL are missing");
  if (length > addressBits(family)) {
    throw new DecodeError("address", `length ${length} is over ${addressBits(family)}`);
  }
  const subnet = prefixOf(family, (peer ?? address).words, length);
  return { interfaceIndex: buffer.words[(start >> 2) + 1] ?? 0, address, subnet, scope };
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
