/** Lightweight tunnels: what the kernel wraps a route's packets in before they leave (linux/lwtunnel.h). */

import { AttributeCursor, type MessageBuffer, WantedAttributes } from "./attribute_cursor.ts";

/** By `enum lwtunnel_encap_types`, as `ip route add … encap` names them. */
const names: readonly (string | undefined)[] = [
  undefined,
  "mpls",
  "ip",
  "ila",
  "ip6",
  "seg6",
  "bpf",
  "seg6local",
  "rpl",
  "ioam6",
  "xfrm",
];

/** The name of an encapsulation (`LWTUNNEL_ENCAP_*`), its number where it has none, null for 0. */
export function encapsulationName(type: number): string | null {
  return type === 0 ? null : names[type] ?? `${type}`;
}

/** Higher than any attribute that an encapsulation has (linux/lwtunnel.h, seg6_local.h, ioam6_iptunnel.h). */
const attributeTypes = 32;

/** SEG6_LOCAL_COUNTERS grow with each packet. No other encapsulation has an attribute of that number. */
const seg6LocalCounters = 10;

const identifying = new WantedAttributes(Object.fromEntries(
  Array.from({ length: attributeTypes }, (_, type) => [`${type}`, { type, bytes: "any" }] as const)
    .filter((_, type) => type !== seg6LocalCounters),
));

/** Reads the payload of RTA_ENCAP. */
export class EncapsulationDecoder {
  readonly #cursor = new AttributeCursor("encapsulation", identifying);

  /**
   * Mixes the payload from byte `start` up to `end` into a digest: what tells two tunnels of one type apart
   * (`lwtunnel_cmp_encap` in the kernel).
   *
   * @throws {DecodeError} if its attributes are not as they must be.
   */
  digest(seed: number, buffer: MessageBuffer, start: number, end: number): number {
    const cursor = this.#cursor;
    let digest = seed;
    cursor.enter(buffer, start, end);
    while (cursor.next()) digest = cursor.digest(digest);
    cursor.check();
    return digest;
  }
}
