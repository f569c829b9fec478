import assert from "node:assert/strict";
import {
  protocolName,
  protocolNumber,
  routeTypeName,
  tableName,
  tableNumber,
} from "../../../src/kernel/protocol_names.ts";

Deno.test("protocolName() and protocolNumber() are each other's inverse", () => {
  const numbers = Array.from({ length: 256 }, (_, number) => number);
  assert.deepEqual(numbers.map((number) => protocolNumber(protocolName(number))), numbers);
  assert.equal(protocolNumber("bgp"), 186);
  assert.equal(protocolNumber("BIRD"), 12);
});

Deno.test("protocolNumber() takes numbers from 0 to 255 and nothing else", () => {
  assert.deepEqual(["0", "77", "255", "256", "-1", "1.5", "", "bgpd"].map(protocolNumber), [
    0,
    77,
    255,
    null,
    null,
    null,
    null,
    null,
  ]);
  assert.equal(protocolName(77), "77");
});

Deno.test("routeTypeName() names what a route does", () => {
  assert.deepEqual([1, 6, 7, 8, 9, 99].map(routeTypeName), [
    "unicast",
    "blackhole",
    "unreachable",
    "prohibit",
    "throw",
    "99",
  ]);
});

Deno.test("tableNumber() takes main, default, local and numbers from 1 to 4294967295", () => {
  const texts = ["main", "default", "local", "1", "4294967295", "0", "4294967296", "vrf"];
  assert.deepEqual(texts.map(tableNumber), [254, 253, 255, 1, 4294967295, null, null, null]);
  assert.deepEqual([254, 253, 255, 1000].map(tableName), ["main", "default", "local", "1000"]);
});
