/** The addresses that `-self` gives: only what this VM can have, since the whole table would be rewritten to point at it. */

import type { OwnAddress } from "../routes/own_address.ts";
import { addressBits, hostPrefix, matchesBits, parseInterfaceAddress } from "../routes/prefix.ts";
import { enclosingRange, isDefault, reservedRanges } from "../routes/special_ranges.ts";

/**
 * Reads `ADDRESS/LEN`.
 *
 * @throws {SyntaxError} naming the text and why no VM has this address.
 */
export function parseSelf(text: string): OwnAddress {
  const own = parseInterfaceAddress(text);
  if (!text.includes("/")) {
    throw new SyntaxError(`"${text}" has no length: it is ADDRESS/LEN, as in 10.0.0.4/24`);
  }
  const why = whyNoHost(own);
  if (why !== null) throw new SyntaxError(`"${text}" cannot be the address of a VM: ${why}`);
  if (isDefault(own.subnet)) {
    throw new SyntaxError(`"${text}" names no subnet of a VM: ${own.subnet.text} is a default route`);
  }
  return own;
}

function whyNoHost({ address, subnet }: OwnAddress): string | null {
  const reserved = enclosingRange(reservedRanges, hostPrefix(address));
  if (reserved !== null) return `it lies in the reserved range ${reserved.text}`;
  const bits = addressBits(address.family);
  // Two addresses on a link (RFC 3021, RFC 6164) or one: all are hosts.
  if (bits - subnet.length < 2) return null;
  if (matchesBits(address.words, subnet.words, bits)) return "it is that of the subnet itself";
  const ones = ~0 >>> subnet.length;
  const isBroadcast = address.family === 4 && (address.words[0] & ones) === ones;
  return isBroadcast ? "it is the broadcast address of its subnet" : null;
}
