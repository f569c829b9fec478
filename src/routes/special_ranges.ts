/** Destinations that no cloud's route table should learn from a routing daemon. */

import { parsePrefix, type Prefix, prefixContains } from "./prefix.ts";

/**
 * A default route in any guise: whole, or as the halves that VPN clients install to win over it. 2000::/3 is all of
 * IPv6's global unicast (RFC 4291 section 2.4).
 */
export const defaultRanges: readonly Prefix[] = [
  "0.0.0.0/0",
  "0.0.0.0/1",
  "128.0.0.0/1",
  "::/0",
  "::/1",
  "8000::/1",
  "2000::/3",
].map(parsePrefix);

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

/** Whether a destination is a default route in some guise. */
export function isDefault(prefix: Prefix): boolean {
  return defaultRanges.some((range) => range.text === prefix.text);
}

/** The range of `ranges` that a destination lies inside, or null. */
export function enclosingRange(ranges: readonly Prefix[], prefix: Prefix): Prefix | null {
  return ranges.find((range) => prefixContains(range, prefix)) ?? null;
}

/**
 * What each cloud reserves besides: Azure's platform address, EC2's IPv6 metadata service, Google's private API addresses.
 */
export const cloudReservedRanges: Readonly<Record<string, readonly Prefix[]>> = {
  azure: ["168.63.129.16/32"].map(parsePrefix),
  aws: ["fd00:ec2::/32"].map(parsePrefix),
  gcp: ["199.36.153.4/30", "199.36.153.8/30"].map(parsePrefix),
};
