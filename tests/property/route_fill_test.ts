/** A dump is filled the same way with what the memo recognises as by decoding each message. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { messageBuffer } from "../../src/kernel/wire/attribute_cursor.ts";
import { DecodeError } from "../../src/kernel/wire/decode_error.ts";
import { KernelState } from "../../src/kernel/table/kernel_state.ts";
import { MessageWalk, RTM_NEWROUTE } from "../../src/kernel/wire/netlink_message.ts";
import { only, RouteFill } from "../../src/kernel/dump/route_fill.ts";
import { RouteDecoder } from "../../src/kernel/wire/route_message.ts";
import { concat, message, routePayload } from "../fakes/netlink_messages.ts";

/** One row as text. */
function row(address: number, length: number, words: readonly number[]): string {
  return `${(address >>> 0).toString(16)}/${length} ${words}`;
}

/** Takes each message of a datagram; how it ended is the last line. */
function walkOver(datagram: Uint8Array, take: (walk: MessageWalk) => void): string {
  const buffer = messageBuffer(datagram.length);
  buffer.bytes.set(datagram);
  const walk = new MessageWalk(buffer);
  walk.enter(buffer, datagram.length);
  try {
    while (walk.next()) take(walk);
    return "end";
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.message;
  }
}

function filled(datagram: Uint8Array): readonly string[] {
  const state = new KernelState([254], [4]);
  const [segment] = state.segments;
  assert.ok(segment);
  const fill = new RouteFill(state, only(segment), {});
  const end = walkOver(datagram, (walk) => fill.take(walk));
  const rows: string[] = [];
  for (const { words, length, routes } of segment.prefixes()) {
    for (const body of routes) {
      const { words: bodyWords, length: bodyLength } = state.bodies.read(body);
      rows.push(row(words[0], length, [...bodyWords.subarray(0, bodyLength)]));
    }
  }
  return [...rows, end];
}

function decoded(datagram: Uint8Array): readonly string[] {
  const decoder = new RouteDecoder();
  const rows: string[] = [];
  const end = walkOver(datagram, (walk) => {
    if (walk.type !== RTM_NEWROUTE || !decoder.decode(walk)) return;
    const { family, table, words, length, body } = decoder;
    if (family !== 4 || table !== 254) return;
    rows.push(row(words[0], length, [...body.words.subarray(0, body.length)]));
  });
  return [...rows, end];
}

const route = fc.record({
  n: fc.nat(255),
  host: fc.integer({ min: 2, max: 4 }),
  protocol: fc.constantFrom(12, 186),
});
/** So many that a dump's memo is in use. */
const before = Array.from({ length: 70 }, (_, n) => message(24, routePayload(n, 2, { protocol: 186 })));

const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 3 });

Deno.test("a dump's routes are those of decoding each message, damaged ones included", () => {
  fc.assert(
    fc.property(fc.array(route, { minLength: 1, maxLength: 12 }), damage, (routes, flips) => {
      const intact = concat(...before);
      const datagram = concat(
        intact,
        ...routes.map(({ n, host, protocol }) => message(24, routePayload(n, host, { protocol }))),
      );
      for (const [at, bits] of flips) {
        const index = intact.length + at % (datagram.length - intact.length);
        datagram[index] = (datagram[index] ?? 0) ^ bits;
      }
      assert.deepEqual([...filled(datagram)].sort(), [...decoded(datagram)].sort());
    }),
    { numRuns: Deno.env.has("CI") ? 5_000 : 1_000 },
  );
});
