/**
 * Decoders of the kernel's messages on damaged input: a value or a DecodeError, and never a look outside the message.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { messageBuffer } from "../../src/kernel/wire/attribute_cursor.ts";
import { DecodeError } from "../../src/kernel/wire/decode_error.ts";
import { allFixtureMessages } from "../fakes/netlink_messages.ts";
import { decodeToText } from "../fuzz/netlink_outcome.ts";

/** A million of them found nothing that these do not. */
const mutations = Deno.env.has("CI") ? 300_000 : 100_000;

/** Bytes behind a message that count as outside. */
const outside = 64;

/** One buffer for all messages; what lies further behind is left from others. */
const buffer = messageBuffer(8192);

/** The outcome, with everything behind the message filled with `poison`. */
function outcome(message: Uint8Array, poison: number): string {
  assert.ok(message.length + outside <= buffer.bytes.length);
  buffer.bytes.set(message);
  buffer.bytes.fill(poison, message.length, message.length + outside);
  try {
    return decodeToText(buffer, message.length);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.message;
  }
}

/** Runs without stacks for errors: to take one costs more than to decode a message. */
function withoutStacks(run: () => void): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    run();
  } finally {
    Error.stackTraceLimit = limit;
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
  withoutStacks(() => {
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
