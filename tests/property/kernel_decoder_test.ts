/**
 * Decoders of the kernel's messages on damaged input: a value or a DecodeError, and never a look outside the message.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeAddress } from "../../src/kernel/address_message.ts";
import { type MessageBuffer, messageBuffer } from "../../src/kernel/attribute_cursor.ts";
import { DecodeError } from "../../src/kernel/decode_error.ts";
import { decodeLink } from "../../src/kernel/link_message.ts";
import { decodeStatus } from "../../src/kernel/netlink_error.ts";
import { MessageWalk } from "../../src/kernel/netlink_message.ts";
import { decodeNextHop } from "../../src/kernel/next_hop_message.ts";
import { RouteDecoder } from "../../src/kernel/route_message.ts";
import { allFixtureMessages } from "../fakes/netlink_messages.ts";

/** A million where it counts, fewer at a developer's desk. */
const mutations = Deno.env.has("CI") ? 1_000_000 : 100_000;

const routeDecoder = new RouteDecoder();

/** Decodes the message at the start of a buffer by its type; the result as text. */
function decode(buffer: MessageBuffer, length: number): string {
  const walk = new MessageWalk(buffer);
  walk.enter(buffer, length);
  if (!walk.next()) return "nothing";
  switch (walk.type) {
    case 24:
    case 25: {
      if (!routeDecoder.decode(walk)) return "no route";
      const { family, words, length: bits, table, body } = routeDecoder;
      return `${family} ${words} ${bits} ${table} ${body.words.subarray(0, body.length)}`;
    }
    case 16:
    case 17:
      return JSON.stringify(decodeLink(walk));
    case 20:
    case 21:
      return JSON.stringify(decodeAddress(walk));
    case 104:
    case 105:
      return JSON.stringify(decodeNextHop(walk));
    default:
      return `${decodeStatus("decode", walk)}`;
  }
}

/** The outcome, with everything behind the message filled with `poison`. */
function outcome(message: Uint8Array, poison: number): string {
  const buffer = messageBuffer(message.length + 64);
  buffer.bytes.fill(poison);
  buffer.bytes.set(message);
  try {
    return decode(buffer, message.length);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.message;
  }
}

/** Whether what lies behind the message has no influence. */
function assertContained(message: Uint8Array): void {
  assert.equal(outcome(message, 0x00), outcome(message, 0xff));
}

/** A small fast generator (xorshift32), seeded so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Values that lengths and counts break on. */
const edges = [0, 1, 3, 4, 5, 7, 8, 12, 16, 17, 127, 128, 254, 255];

/** Changes one to four bytes, sometimes cuts the end off. */
function mutate(message: Uint8Array, below: (below: number) => number): Uint8Array {
  const damaged = message.slice(0, below(4) === 0 ? 4 + below(message.length - 3) : message.length);
  for (let change = below(4); change >= 0; change--) {
    const at = below(damaged.length);
    damaged[at] = below(2) === 0 ? edges[below(edges.length)] ?? 0 : below(256);
  }
  // Mostly the header's length fits, so that the damage is met further in.
  if (below(8) !== 0) new DataView(damaged.buffer).setUint32(0, damaged.length, true);
  return damaged;
}

Deno.test(`decoders end ${mutations} damaged messages in a value or a DecodeError, none read outside`, () => {
  const messages = allFixtureMessages();
  const below = generator(20261124);
  for (let round = 0; round < mutations; round++) {
    const message = messages[below(messages.length)];
    assert.ok(message !== undefined);
    const damaged = mutate(message, below);
    try {
      assertContained(damaged);
    } catch (error) {
      throw new Error(`Round ${round} failed on ${damaged.toHex()}`, { cause: error });
    }
  }
});

Deno.test("decoders end any bytes in a value or a DecodeError, none read outside", () => {
  const types = fc.constantFrom(2, 3, 16, 17, 20, 21, 24, 25, 104, 105);
  fc.assert(fc.property(types, fc.uint8Array({ maxLength: 200 }), (type, payload) => {
    const message = new Uint8Array(16 + payload.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, message.length, true);
    view.setUint16(4, type, true);
    message.set(payload, 16);
    assertContained(message);
  }));
});

Deno.test("decoders read every captured message", () => {
  for (const message of allFixtureMessages()) {
    assert.doesNotMatch(outcome(message, 0), /^Cannot decode/);
  }
});
