import assert from "node:assert/strict";
import type { MessageWalk } from "../../../../src/kernel/wire/netlink_message.ts";
import { RouteMemo } from "../../../../src/kernel/dump/route_memo.ts";
import { concat, message, routePayload, walkOn } from "../../../fakes/netlink_messages.ts";

const route = (n: number, host: number, header = {}): Uint8Array<ArrayBuffer> =>
  message(24, routePayload(n, host), header);

/** What the memo takes of a datagram, in the form `destination/length body`. */
function taken(memo: RouteMemo, walk: MessageWalk): readonly string[] {
  const routes: string[] = [];
  memo.takeKnown(walk, (address, length, body) => {
    routes.push(`${(address >>> 0).toString(16)}/${length} ${body}`);
  });
  return routes;
}

/** A memo that knows routes by way of host 2. */
function memoOfTwo(): RouteMemo {
  const memo = new RouteMemo();
  memo.remember(walkOn(route(1, 2)), 42);
  return memo;
}

Deno.test("RouteMemo knows a route again that differs in its destination alone", () => {
  assert.deepEqual(taken(new RouteMemo(), walkOn(route(9, 2))), []);
  assert.deepEqual(taken(memoOfTwo(), walkOn(route(9, 2))), ["a000900/24 42"]);
});

Deno.test("RouteMemo does not take another gateway, protocol or metric for the same", () => {
  const others = [
    route(1, 3),
    message(24, routePayload(1, 2, { protocol: 186 })),
    message(24, routePayload(1, 2, { metric: 1 })),
  ];
  for (const other of others) assert.deepEqual(taken(memoOfTwo(), walkOn(other)), []);
});

Deno.test("RouteMemo takes the routes that follow up to the first unknown, where the walk goes on", () => {
  const memo = memoOfTwo();
  memo.remember(walkOn(route(1, 4)), 44);
  const walk = walkOn(concat(route(5, 2), route(6, 4), route(7, 3), route(8, 2)));
  assert.deepEqual(taken(memo, walk), ["a000500/24 42", "a000600/24 44"]);
  assert.equal(walk.next(), true);
  assert.deepEqual(taken(memo, walk), [], "the walk stands on the unknown one");
  assert.equal(walk.next(), true);
  assert.deepEqual(taken(memo, walk), ["a000800/24 42"]);
  assert.equal(walk.next(), false);
});

Deno.test("RouteMemo leaves messages to the walk whose header differs or that do not fit their datagram", () => {
  const overlong = route(6, 2);
  overlong[0] = 200;
  const odd = concat(route(6, 2), [0, 0, 0, 0]);
  odd[0] = (odd[0] ?? 0) + 1;
  const others = {
    interrupted: route(6, 2, { flags: 0x10 }),
    "of another request": route(6, 2, { sequence: 9 }),
    "of another type": message(25, routePayload(6, 2)),
    overlong,
    odd,
    "cut off": route(6, 2).subarray(0, 40),
  };
  for (const [name, other] of Object.entries(others)) {
    assert.deepEqual(taken(memoOfTwo(), walkOn(concat(route(5, 2), other))), ["a000500/24 42"], name);
  }
});

Deno.test("RouteMemo leaves IPv6, cut-off messages and impossible lengths to the decoder", () => {
  const ipv6 = routePayload(1, 2);
  ipv6[0] = 10;
  const tooLong = routePayload(1, 2);
  tooLong[1] = 33;
  for (const payload of [ipv6, routePayload(1, 2).subarray(0, 20), tooLong]) {
    const memo = memoOfTwo();
    memo.remember(walkOn(message(24, payload)), 43);
    assert.deepEqual(taken(memo, walkOn(message(24, payload))), []);
  }
});
