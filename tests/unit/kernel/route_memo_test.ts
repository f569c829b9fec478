import assert from "node:assert/strict";
import { RouteMemo } from "../../../src/kernel/route_memo.ts";
import { swapBytes } from "../../../src/kernel/attribute_cursor.ts";
import { message, routePayload, walkOn } from "../../fakes/netlink_messages.ts";

const route = (n: number, host: number): ReturnType<typeof walkOn> =>
  walkOn(message(24, routePayload(n, host)));

Deno.test("RouteMemo.find() knows a route again that differs in its destination alone", () => {
  const memo = new RouteMemo();
  assert.equal(memo.find(route(1, 2)), -1);
  memo.remember(route(1, 2), 42);
  assert.equal(memo.find(route(9, 2)), 42);
  assert.equal(swapBytes(memo.destination) >>> 0, 0x0a000900);
  assert.equal(memo.length, 24);
});

Deno.test("RouteMemo.find() does not take another gateway, protocol or metric for the same", () => {
  const memo = new RouteMemo();
  memo.find(route(1, 2));
  memo.remember(route(1, 2), 42);
  assert.equal(memo.find(route(1, 3)), -1);
  assert.equal(memo.find(walkOn(message(24, routePayload(1, 2, { protocol: 186 })))), -1);
  assert.equal(memo.find(walkOn(message(24, routePayload(1, 2, { metric: 1 })))), -1);
});

Deno.test("RouteMemo.find() leaves IPv6 and cut-off messages to the decoder", () => {
  const memo = new RouteMemo();
  const ipv6 = routePayload(1, 2);
  ipv6[0] = 10;
  for (const payload of [ipv6, routePayload(1, 2).subarray(0, 20)]) {
    assert.equal(memo.find(walkOn(message(24, payload))), -1);
    memo.remember(walkOn(message(24, payload)), 42);
    assert.equal(memo.find(walkOn(message(24, payload))), -1);
  }
});
