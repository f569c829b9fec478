import assert from "node:assert/strict";
import { networksAround, rangesElsewhere } from "../../../src/clouds/gcp/reach.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";

const net = { network: "net", ranges: ["10.0.0.0/24", "fd20:0:0:1::/64"].map(parsePrefix) };
const other = { network: "other", ranges: [parsePrefix("172.20.0.0/24")] };
const clash = { network: "clash", ranges: [parsePrefix("10.0.0.0/25")] };

Deno.test("networksAround() finds the network by the subnet of this VM's interface", () => {
  const around = (text: string): readonly string[] => networksAround(parseAddress(text), [net, other]);
  assert.deepEqual(around("10.0.0.3"), ["net"]);
  assert.deepEqual(around("fd20:0:0:1::3"), ["net"]);
  assert.deepEqual(around("172.20.0.3"), ["other"]);
  assert.deepEqual(around("10.0.1.3"), []);
});

Deno.test("networksAround() has nothing to tell apart where there is but one network", () => {
  assert.deepEqual(networksAround(parseAddress("10.0.0.3"), [{ network: "net", ranges: [] }]), ["net"]);
});

Deno.test("rangesElsewhere() are those of all other networks", () => {
  assert.deepEqual(rangesElsewhere("net", [net]), []);
  assert.deepEqual(rangesElsewhere("net", [net, other]), other.ranges);
});

Deno.test("an address that two networks claim is elsewhere in both: no route names the wrong VM", () => {
  assert.deepEqual(rangesElsewhere("net", [net, clash]), clash.ranges);
  assert.deepEqual(rangesElsewhere("clash", [net, clash]), net.ranges);
});
