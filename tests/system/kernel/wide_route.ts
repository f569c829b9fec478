/**
 * Adds an IPv4 route with more next hops than `ip` can write or a dump's message holds; run inside a namespace with the prefix's
 * first three bytes, the number of next hops and the device's index, as in `30.0.0 2100 3`.
 */

import assert from "node:assert/strict";
import { openLibc } from "../../../ffi/libc.ts";
import { NetlinkSocket } from "../../../ffi/netlink_socket.ts";
import { attribute, concat, message, u32 } from "../../fakes/netlink_messages.ts";

const RTM_NEWROUTE = 24, RTA_DST = 1, RTA_MULTIPATH = 9;
/** NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL and NLM_F_CREATE. */
const flags = 0x605;

/** `struct rtnexthop` with a gateway 10.0.x.y. */
function leg(index: number, device: number): Uint8Array {
  return concat([16, 0, 4, 0], u32(device), attribute(5, [10, 0, 1 + (index >> 8), index & 255]));
}

function main([prefix = "", legs = "", device = ""]: readonly string[]): void {
  const multipath = concat(...Array.from({ length: Number(legs) }, (_, index) => leg(index, Number(device))));
  const header = [2, 24, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
  const destination = [...prefix.split(".").map(Number), 0];
  const payload = concat(header, attribute(RTA_DST, destination), attribute(RTA_MULTIPATH, multipath));
  using socket = NetlinkSocket.open(openLibc());
  socket.send(message(RTM_NEWROUTE, payload, { flags, sequence: 1 }));
  const answer = new Uint8Array(64 * 1024);
  socket.receive(answer);
  assert.equal(new DataView(answer.buffer).getInt32(16, true), 0, "the kernel refuses the route");
}

if (import.meta.main) main(Deno.args);
