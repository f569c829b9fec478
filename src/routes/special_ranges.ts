/** Destinations that no cloud's route table should learn from a routing daemon. */

import { type Family, parsePrefix, type Prefix, prefixContains } from "./prefix.ts";

/**
 * The shortest prefix of each family that is no default route. VPN clients cut the default into halves, quarters and smaller pieces to
 * win over it (OpenVPN's `redirect-gateway def1`, wg-quick, commercial clients).
 */
const shortestDestination: Readonly<Record<Family, number>> = { 4: 8, 6: 7 };

/** Ranges that are never routed between hosts (RFC 6890), the clouds' metadata services among them. */
export const reservedRanges: readonly Prefix[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/3",
  "::/128",
  "::1/128",
  "::ffff:0:0/96",
  "fe80::/10",
  "ff00::/8",
].map(parsePrefix);

/** Addresses that mean something on one link only (RFC 4291 section 2.5.6). */
export const linkLocal = parsePrefix("fe80::/10");

/** Whether a destination is a default route in some guise: whole, or a piece of it. */
export function isDefault({ family, length }: Pick<Prefix, "family" | "length">): boolean {
  return length < shortestDestination[family];
}

/** The range of `ranges` that a destination lies inside, or null. */
export function enclosingRange(ranges: readonly Prefix[], prefix: Prefix): Prefix | null {
  return ranges.find((range) => prefixContains(range, prefix)) ?? null;
}
