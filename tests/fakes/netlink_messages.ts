/** Builds and reads netlink messages for tests: hex fixtures, walks over them, and messages put together by hand. */

import { messageBuffer } from "../../src/kernel/wire/attribute_cursor.ts";
import { MessageWalk } from "../../src/kernel/wire/netlink_message.ts";

/** The messages of a fixture file, by the comment line above them. */
export function fixtureMessages(file: string): Map<string, Uint8Array<ArrayBuffer>[]> {
  const text = Deno.readTextFileSync(new URL(`../fixtures/netlink/${file}`, import.meta.url));
  const messages = new Map<string, Uint8Array<ArrayBuffer>[]>();
  let current: Uint8Array<ArrayBuffer>[] = [];
  for (const line of text.split("\n").filter((line) => line !== "")) {
    if (line.startsWith("# ")) messages.set(line.slice(2), current = []);
    else current.push(fromHex(line));
  }
  return messages;
}

/** All messages of all fixture files. */
export function allFixtureMessages(): Uint8Array<ArrayBuffer>[] {
  const files = ["iproute2.txt", "iproute2_compat_mode_0.txt", "iproute2_encap.txt", "frr.txt", "bird.txt"];
  return files.flatMap((file) => [...fixtureMessages(file).values()].flat());
}

/** Bytes from hex digits. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** A walk that stands on this message. */
export function walkOn(message: Uint8Array): MessageWalk {
  const buffer = messageBuffer(message.length);
  buffer.bytes.set(message);
  const walk = new MessageWalk(buffer);
  walk.enter(buffer, message.length);
  walk.next();
  return walk;
}

/** A message with its header. */
export function message(
  type: number,
  payload: Uint8Array,
  { flags = 0, sequence = 0 }: { readonly flags?: number; readonly sequence?: number } = {},
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16 + ((payload.length + 3) & ~3));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 16 + payload.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(payload, 16);
  return bytes;
}

/** An attribute with its padding. */
export function attribute(type: number, payload: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((4 + payload.length + 3) & ~3);
  new DataView(bytes.buffer).setUint16(0, 4 + payload.length, true);
  new DataView(bytes.buffer).setUint16(2, type, true);
  bytes.set(payload, 4);
  return bytes;
}

/** Several byte runs as one. */
export function concat(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

/** A little-endian u32. */
export function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

/** The payload of a route of table main: `10.0.N.0/24 via 10.0.0.HOST dev 3`. */
export function routePayload(
  n: number,
  host: number,
  { protocol = 12, metric = 0, table = 254 } = {},
): Uint8Array<ArrayBuffer> {
  return concat(
    [2, 24, 0, 0, table, protocol, 0, 1, 0, 0, 0, 0],
    attribute(15, u32(table)),
    attribute(1, [10, 0, n, 0]),
    attribute(6, u32(metric)),
    attribute(5, [10, 0, 0, host]),
    attribute(4, u32(3)),
  );
}

/** The payload of a link: device 3 unless told otherwise. @param flags `IFF_*`. */
export function linkPayload(
  name: string,
  flags: number,
  { altName = "", index = 3 } = {},
): Uint8Array<ArrayBuffer> {
  const text = (type: number, value: string): Uint8Array =>
    attribute(type, new TextEncoder().encode(`${value}\0`));
  return concat(
    [0, 0, 1, 0, ...u32(index), ...u32(flags), ...u32(0)],
    text(3, name),
    ...(altName === "" ? [] : [attribute(0x8000 | 52, text(53, altName))]),
  );
}

/** The payload of the address `10.0.N.1/24` of a device, 3 unless told otherwise. @param flags `IFA_F_*`. */
export function addressPayload(n: number, flags = 0x80, index = 3): Uint8Array<ArrayBuffer> {
  const address = [10, 0, n, 1];
  return concat(
    [2, 24, flags & 255, 0, ...u32(index)],
    attribute(1, address),
    attribute(2, address),
    attribute(8, u32(flags)),
  );
}

/** The payload of a route of table main: `2001:db8:N::/48 via 2001:db8::HOST dev 3`. @param expires `rta_expires` */
export function routePayload6(
  n: number,
  host: number,
  { expires = 0, nextHopId = 0, pref = 0 } = {},
): Uint8Array<ArrayBuffer> {
  const start = [0x20, 0x01, 0x0d, 0xb8];
  return concat(
    [10, 48, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0],
    attribute(15, u32(254)),
    attribute(1, [...start, 0, n, ...new Array(10).fill(0)]),
    attribute(6, u32(1024)),
    attribute(5, [...start, ...new Array(11).fill(0), host]),
    attribute(4, u32(3)),
    attribute(12, [...u32(0), ...u32(0), ...u32(expires), ...new Array(20).fill(0)]),
    attribute(20, [pref]),
    ...(nextHopId === 0 ? [] : [attribute(30, u32(nextHopId))]),
  );
}
