/** Gateways to look up, made of their addresses. */

import type { Neighbour } from "../../src/clouds/cloud.ts";
import { parseAddress } from "../../src/routes/prefix.ts";

/** The gateways of these addresses, for routes of their own family. */
export function neighbours(...texts: readonly string[]): readonly Neighbour[] {
  return texts.map(parseAddress).map((gateway) => ({ gateway, family: gateway.family }));
}

/** An IPv6 gateway by way of which IPv4 routes go (RFC 5549). */
export function neighbourForIpv4(text: string): Neighbour {
  return { gateway: parseAddress(text), family: 4 };
}
