import assert from "node:assert/strict";
import { decodeAddress } from "../../../../src/kernel/wire/address_message.ts";
import { DecodeError } from "../../../../src/kernel/wire/decode_error.ts";
import { encapsulationName } from "../../../../src/kernel/wire/encapsulation.ts";
import { decodeLink } from "../../../../src/kernel/wire/link_message.ts";
import { NetlinkError } from "../../../../src/kernel/wire/netlink_error.ts";
import { decodeStatus } from "../../../../src/kernel/wire/netlink_error.ts";
import { MessageWalk } from "../../../../src/kernel/wire/netlink_message.ts";
import { decodeNextHop } from "../../../../src/kernel/wire/next_hop_message.ts";
import { RouteBodies } from "../../../../src/kernel/table/route_bodies.ts";
import { RouteDecoder } from "../../../../src/kernel/wire/route_message.ts";
import { routeOf } from "../../../../src/kernel/table/route_view.ts";
import { messageBuffer } from "../../../../src/kernel/wire/attribute_cursor.ts";
import { parsePrefix, prefixOf } from "../../../../src/routes/prefix.ts";
import {
  attribute,
  concat,
  fixtureMessages,
  message,
  routePayload,
  routePayload6,
  u32,
  walkOn,
} from "../../../fakes/netlink_messages.ts";

/** A decoded route as text: what tests compare. */
function routeText(bytes: Uint8Array): string {
  const decoder = new RouteDecoder();
  if (!decoder.decode(walkOn(bytes))) return "none";
  const bodies = new RouteBodies();
  const body = bodies.add(decoder.body);
  const prefix = prefixOf(decoder.family, decoder.words, decoder.length);
  const route = routeOf({ bodies, links: new Map(), nextHops: new Map() }, prefix, body);
  const legs = route.legs.map((leg) =>
    `${leg.gateway?.text ?? "-"}@${leg.interfaceIndex}*${leg.weight}${leg.onLink ? "!onlink" : ""}` +
    (leg.encapsulation === null ? "" : `!${leg.encapsulation}`)
  );
  const { table, protocol, type, metric, tos, nextHopId } = route;
  return [
    prefix.text,
    `table ${table} proto ${protocol} type ${type} metric ${metric} tos ${tos}`,
    `nh ${nextHopId}`,
  ]
    .concat(legs).join(" ");
}

/** The first route message under a heading of a fixture. */
function routeUnder(file: string, heading: string, nth = 0): Uint8Array {
  const found = fixtureMessages(file).get(heading)?.filter((bytes) =>
    bytes[4] === 24 || bytes[4] === 25
  )[nth];
  assert.ok(found, `${file} has no route under "${heading}"`);
  return found;
}

const routes: readonly (readonly [string, string, string, number?])[] = [
  [
    "iproute2.txt",
    "ip route add 198.51.100.0/24 via 10.0.0.2 proto bird metric 32",
    "198.51.100.0/24 table 254 proto 12 type 1 metric 32 tos 0 nh null 10.0.0.2@DEV*1",
  ],
  [
    "iproute2.txt",
    "ip route add default via 10.0.0.254",
    "0.0.0.0/0 table 254 proto 3 type 1 metric 0 tos 0 nh null 10.0.0.254@DEV*1",
  ],
  [
    "iproute2.txt",
    "ip route add 203.0.113.0/24 nexthop via 10.0.0.2 weight 3 nexthop via 10.0.0.3 onlink dev a0",
    "203.0.113.0/24 table 254 proto 3 type 1 metric 0 tos 0 nh null 10.0.0.2@DEV*3 10.0.0.3@DEV*1!onlink",
  ],
  [
    "iproute2.txt",
    "ip route add 192.0.2.0/25 via inet6 fe80::1 dev a0",
    "192.0.2.0/25 table 254 proto 3 type 1 metric 0 tos 0 nh null fe80::1@DEV*1",
  ],
  [
    "iproute2.txt",
    "ip route add 192.0.2.128/25 nexthop via inet6 fe80::1 dev a0 nexthop via 10.0.0.3 dev a0",
    "192.0.2.128/25 table 254 proto 3 type 1 metric 0 tos 0 nh null fe80::1@DEV*1 10.0.0.3@DEV*1",
  ],
  [
    "iproute2.txt",
    "ip route add blackhole 10.64.0.0/16",
    "10.64.0.0/16 table 254 proto 3 type 6 metric 0 tos 0 nh null",
  ],
  [
    "iproute2.txt",
    "ip route add unreachable 10.65.0.0/16 table 100000",
    "10.65.0.0/16 table 100000 proto 3 type 7 metric 0 tos 0 nh null",
  ],
  [
    "iproute2.txt",
    "ip route add 10.66.0.0/16 via 10.0.0.2 table 100 tos 8 mtu 1400 src 10.0.0.1",
    "10.66.0.0/16 table 100 proto 3 type 1 metric 0 tos 8 nh null 10.0.0.2@DEV*1",
  ],
  [
    "iproute2.txt",
    "ip -6 route add blackhole 2001:db8:2::/48",
    "2001:db8:2::/48 table 254 proto 3 type 6 metric 1024 tos 0 nh null",
  ],
  [
    "iproute2.txt",
    "ip -6 route append 2001:db8:1::/48 via 2001:db8::3",
    "2001:db8:1::/48 table 254 proto 3 type 1 metric 1024 tos 0 nh null 2001:db8::2@DEV*1 2001:db8::3@DEV*1",
  ],
  [
    "iproute2_encap.txt",
    "ip route add 20.0.1.0/24 encap ip id 100 dst 192.0.2.1 via 10.0.0.20 dev a0",
    "20.0.1.0/24 table 254 proto 3 type 1 metric 0 tos 0 nh null 10.0.0.20@DEV*1!ip",
  ],
  [
    "iproute2_encap.txt",
    "ip route add 20.0.2.0/24 encap seg6 mode encap segs fc00::1 via 10.0.0.20 dev a0",
    "20.0.2.0/24 table 254 proto 3 type 1 metric 0 tos 0 nh null 10.0.0.20@DEV*1!seg6",
  ],
  [
    "iproute2_encap.txt",
    "ip route add 20.0.3.0/24 nexthop via 10.0.0.20 encap ip id 1 dst 192.0.2.1 dev a0 nexthop via 10.0.0.21 dev a0",
    "20.0.3.0/24 table 254 proto 3 type 1 metric 0 tos 0 nh null 10.0.0.20@DEV*1!ip 10.0.0.21@DEV*1",
  ],
  [
    "iproute2_encap.txt",
    "ip route add 20.0.4.0/24 nhid 7",
    "20.0.4.0/24 table 254 proto 3 type 1 metric 0 tos 0 nh 7 10.0.0.20@DEV*1!ip",
  ],
  [
    "iproute2_encap.txt",
    "ip -6 route append 2001:db8:5::/48 via 2001:db8::3 dev a0",
    "2001:db8:5::/48 table 254 proto 3 type 1 metric 1024 tos 0 nh null 2001:db8::2@DEV*1!ip6 2001:db8::3@DEV*1",
  ],
  [
    "iproute2_encap.txt",
    "ip -6 route add 2001:db8:7::/48 encap seg6local action End count dev a0",
    "2001:db8:7::/48 table 254 proto 3 type 1 metric 1024 tos 0 nh null -@DEV*1!seg6local",
  ],
  [
    "frr.txt",
    "staticd started",
    "198.51.100.0/24 table 254 proto 196 type 1 metric 20 tos 0 nh 14 10.0.0.2@DEV*1",
    1,
  ],
  [
    "frr.txt",
    "staticd stopped",
    "203.0.113.0/24 table 254 proto 196 type 1 metric 20 tos 0 nh 15 10.0.0.2@DEV*1 10.0.0.3@DEV*1",
    1,
  ],
  [
    "bird.txt",
    "bird started",
    "10.64.0.0/16 table 254 proto 12 type 6 metric 32 tos 0 nh null",
    1,
  ],
];

for (const [file, heading, expected, nth] of routes) {
  Deno.test(`RouteDecoder.decode() reads what ${file} has under "${heading}"`, () => {
    assert.equal(routeText(routeUnder(file, heading, nth)).replaceAll(/@[0-9]+/g, "@DEV"), expected);
  });
}

Deno.test("RouteDecoder.decode() reads a route that names its next-hop object only", () => {
  const dump = fixtureMessages("iproute2_compat_mode_0.txt").get("dump of IPv4 routes of table 254") ?? [];
  const texts = dump.filter((bytes) => bytes[4] === 24).map(routeText);
  assert.ok(texts.includes("10.69.0.0/16 table 254 proto 3 type 1 metric 0 tos 0 nh 9"), texts.join("\n"));
});

/** The words of the body that a message decodes to. */
function bodyWords(bytes: Uint8Array): readonly number[] {
  const decoder = new RouteDecoder();
  assert.ok(decoder.decode(walkOn(bytes)));
  return [...decoder.body.words.subarray(0, decoder.body.length)];
}

/** `20.0.1.0/24 via 10.0.0.2 dev 3`, IPv4, with more attributes. */
function routeWith(...attributes: readonly Uint8Array[]): Uint8Array {
  return message(24, concat(routePayload(1, 2), ...attributes));
}

for (const [pref, expected] of [[0, 0], [1, 1], [3, -1], [2, 0]] as const) {
  Deno.test(`RouteDecoder.decode() and routeOf() read a router preference of ${pref}`, () => {
    const decoder = new RouteDecoder();
    assert.ok(decoder.decode(walkOn(message(24, routePayload6(1, 2, { pref })))));
    const bodies = new RouteBodies();
    const context = { bodies, links: new Map(), nextHops: new Map() };
    const route = routeOf(context, parsePrefix("2001:db8:1::/48"), bodies.add(decoder.body));
    assert.equal(route.preference, expected);
    assert.equal(route.legs.length, 1);
  });
}

const twins: readonly (readonly [string, readonly Uint8Array[], readonly Uint8Array[]])[] = [
  ["preferred sources", [attribute(7, [10, 0, 0, 1])], [attribute(7, [10, 0, 0, 2])]],
  ["metrics", [attribute(8, attribute(2, u32(1400)))], [attribute(8, attribute(2, u32(1300)))]],
  ["an MTU and a hop limit", [attribute(8, attribute(2, u32(64)))], [attribute(8, attribute(10, u32(64)))]],
  ["realms", [attribute(11, u32(5))], []],
  ["encapsulations", [attribute(22, []), attribute(21, [1, 0])], [attribute(22, []), attribute(21, [2, 0])]],
  [
    "tunnels of one encapsulation",
    [attribute(22, attribute(1, [0, 0, 1, 1])), attribute(21, [1, 0])],
    [attribute(22, attribute(1, [0, 0, 2, 1])), attribute(21, [1, 0])],
  ],
];

for (const [what, left, right] of twins) {
  Deno.test(`RouteDecoder.decode() tells two IPv4 routes of different ${what} apart`, () => {
    assert.notDeepEqual(bodyWords(routeWith(...left)), bodyWords(routeWith(...right)));
    assert.deepEqual(bodyWords(routeWith(...left)), bodyWords(routeWith(...left)));
  });
}

Deno.test("RouteDecoder.decode() takes a seg6local route for the same whatever its counters say", () => {
  const route = (packets: number): Uint8Array => {
    const counters = attribute(10, attribute(2, [...u32(packets), ...u32(0)]));
    return routeWith(attribute(22, concat(attribute(1, u32(1)), counters)), attribute(21, [7, 0]));
  };
  assert.deepEqual(bodyWords(route(1)), bodyWords(route(2)));
});

Deno.test("RouteDecoder.decode() fails when an attribute of an encapsulation claims more than there is", () => {
  const route = routeWith(attribute(22, [40, 0, 1, 0]), attribute(21, [2, 0]));
  assert.throws(
    () => routeText(route),
    /Cannot decode encapsulation: attribute 1 claims 40 bytes of the 4 left/,
  );
});

const encapsulations = [[0, null], [1, "mpls"], [10, "xfrm"], [11, "11"], [500, "500"]] as const;

for (const [type, name] of encapsulations) {
  Deno.test(`encapsulationName() of ${type} is ${name}`, () => {
    assert.equal(encapsulationName(type), name);
  });
}

Deno.test("decodeNextHop() reads the encapsulation", () => {
  const [bytes] = fixtureMessages("iproute2_encap.txt").get(
    "ip nexthop add id 7 via 10.0.0.20 dev a0 encap ip id 7 dst 192.0.2.1",
  ) ?? [];
  assert.ok(bytes);
  assert.equal(encapsulationName(decodeNextHop(walkOn(bytes)).encapsulation), "ip");
});

Deno.test("RouteDecoder.decode() names the attribute when its length is wrong", () => {
  const bytes = message(24, concat([2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0], attribute(1, [10, 0, 0])));
  assert.throws(() => routeText(bytes), {
    name: "DecodeError",
    message: "Cannot decode route: attribute RTA_DST is 3 bytes long, not 4",
  });
});

Deno.test("RouteDecoder.decode() fails when a leg claims more than RTA_MULTIPATH has", () => {
  const multipath = attribute(9, [40, 0, 0, 0, 3, 0, 0, 0]);
  const bytes = message(24, concat([2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0], multipath));
  assert.throws(() => routeText(bytes), /leg 1 of RTA_MULTIPATH claims 40 bytes of the 8 left/);
});

Deno.test("RouteDecoder.decode() fails when RTA_VIA names another family than it holds", () => {
  const bytes = message(
    24,
    concat([2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0], attribute(18, [10, 0, 1, 2, 3, 4])),
  );
  assert.throws(() => routeText(bytes), /attribute RTA_VIA has 6 bytes for family 10/);
});

Deno.test("RouteDecoder.decode() fails when the destination's length is over the family's bits", () => {
  const bytes = message(24, concat([2, 33, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0], attribute(1, [10, 0, 0, 0])));
  assert.throws(() => routeText(bytes), /length 33 of the destination is over 32/);
});

Deno.test("RouteDecoder.decode() fails when RTA_DST is missing", () => {
  assert.throws(
    () => routeText(message(24, Uint8Array.of(2, 8, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0))),
    /RTA_DST is missing/,
  );
});

Deno.test("RouteDecoder.decode() passes over cloned, multicast and source routes", () => {
  const cloned = routePayload(1, 2);
  cloned[9] = 2; // RTM_F_CLONED
  const multicast = routePayload(1, 2);
  multicast[0] = 128; // RTNL_FAMILY_IPMR
  const source = routePayload(1, 2);
  source[2] = 64;
  assert.deepEqual([cloned, multicast, source].map((payload) => routeText(message(24, payload))), [
    "none",
    "none",
    "none",
  ]);
});

Deno.test("decodeLink() reads up and running", () => {
  const [down] = (fixtureMessages("iproute2.txt").get("ip link set a1 down") ?? []).filter((bytes) =>
    bytes[4] === 16
  );
  assert.ok(down);
  const link = decodeLink(walkOn(down));
  assert.equal(link?.name, "a1");
  assert.equal(link?.up, false);
  const dump = (fixtureMessages("iproute2.txt").get("dump of links") ?? []).filter((bytes) =>
    bytes[4] === 16
  );
  const veths = dump.map((bytes) => decodeLink(walkOn(bytes))).filter((decoded) => decoded?.name !== "lo");
  assert.deepEqual(veths.map((decoded) => `${decoded?.name} ${decoded?.up} ${decoded?.running}`).sort(), [
    "a0 true true",
    "a1 true true",
  ]);
});

Deno.test("decodeLink() passes over a bridge's message on its port", () => {
  const payload = concat([7, 0, 1, 0], u32(3), u32(0x41), u32(0), attribute(3, [97, 48, 0]));
  assert.equal(decodeLink(walkOn(message(17, payload))), null);
});

/** A link message with these interface flags and attributes behind the name `a0`. */
function linkMessage(flags: number, ...attributes: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = concat([0, 0, 1, 0], u32(3), u32(flags), u32(0));
  return message(16, concat(header, attribute(3, [97, 48, 0]), ...attributes));
}

Deno.test("decodeLink() takes a dormant device for one with carrier, as the kernel does", () => {
  const IFF_UP = 1, IFF_RUNNING = 0x40, IFF_LOWER_UP = 0x10000, IFF_DORMANT = 0x20000;
  const running = (flags: number): boolean | undefined => decodeLink(walkOn(linkMessage(flags)))?.running;
  assert.equal(running(IFF_UP | IFF_LOWER_UP | IFF_DORMANT), true);
  assert.equal(running(IFF_UP | IFF_RUNNING), true);
  assert.equal(running(IFF_UP | IFF_DORMANT), false);
});

Deno.test("decodeLink() reads alternative names", () => {
  const name = (text: string): Uint8Array => attribute(53, new TextEncoder().encode(`${text}\0`));
  const list = attribute(0x8000 | 52, concat(name("enp1s0"), name("a-name-longer-than-fifteen-bytes")));
  const link = decodeLink(walkOn(linkMessage(1, list)));
  assert.deepEqual(link?.altNames, ["enp1s0", "a-name-longer-than-fifteen-bytes"]);
  assert.deepEqual(decodeLink(walkOn(linkMessage(1)))?.altNames, []);
});

Deno.test("decodeAddress() tells the own address from the peer's", () => {
  const [bytes] = fixtureMessages("iproute2.txt").get("ip addr add 10.9.0.1 peer 10.9.0.2/32 dev a0") ?? [];
  assert.ok(bytes);
  const address = decodeAddress(walkOn(bytes));
  assert.equal(address?.address.text, "10.9.0.1");
  assert.equal(address?.subnet.text, "10.9.0.2/32");
  assert.equal(address?.scope, 0);
});

Deno.test("decodeAddress() reads IPv6 addresses, which have no IFA_LOCAL", () => {
  const dump = fixtureMessages("iproute2.txt").get("dump of IPv6 addresses") ?? [];
  const texts = dump.filter((bytes) => bytes[4] === 20).map((bytes) =>
    decodeAddress(walkOn(bytes))?.subnet.text
  );
  assert.ok(texts.includes("2001:db8::/64"), texts.join());
});

Deno.test("decodeAddress() reads the state of an address, in the header alone too", () => {
  const flags = (family: 4 | 6, header: number, flags?: number): string => {
    const bytes = family === 4 ? [10, 0, 0, 1] : [...Array(15).fill(0), 1];
    const parts = [attribute(1, bytes), ...(flags === undefined ? [] : [attribute(8, u32(flags))])];
    const payload = concat([family === 4 ? 2 : 10, 24, header, 0], u32(3), ...parts);
    const decoded = decodeAddress(walkOn(message(20, payload)));
    return Object.entries(decoded?.flags ?? {}).filter(([, set]) => set).map(([name]) => name).join(" ");
  };
  assert.equal(flags(6, 0x80, 0x80), "");
  assert.equal(flags(6, 0x40, 0x140), "tentative");
  assert.equal(flags(6, 0x44, 0x44), "", "an optimistic address is used");
  assert.equal(flags(6, 0x48, 0x48), "tentative failed");
  assert.equal(flags(6, 0x21, 0x21), "deprecated temporary");
  assert.equal(flags(6, 0x20), "deprecated");
  assert.equal(flags(4, 0x81, 0x81), "", "a secondary IPv4 address is not temporary");
});

Deno.test("decodeNextHop() reads single objects and weighted groups", () => {
  const nextHop = (heading: string): ReturnType<typeof decodeNextHop> => {
    const [bytes] = fixtureMessages("iproute2.txt").get(heading) ?? [];
    assert.ok(bytes);
    return decodeNextHop(walkOn(bytes));
  };
  assert.equal(nextHop("ip nexthop add id 7 via 10.0.0.9 dev a0").gateway?.text, "10.0.0.9");
  assert.equal(nextHop("ip nexthop add id 8 via 2001:db8::9 dev a0").gateway?.text, "2001:db8::9");
  assert.deepEqual(nextHop("ip nexthop add id 9 group 7/8,200").members, [
    { id: 7, weight: 1 },
    { id: 8, weight: 200 },
  ]);
});

Deno.test("decodeNextHop() fails when there is no NHA_ID", () => {
  assert.throws(() => decodeNextHop(walkOn(message(104, new Uint8Array(8)))), /NHA_ID is missing/);
});

Deno.test("decodeStatus() carries errno and the kernel's sentence", () => {
  const heading = "dump of IPv4 routes of table 4242, which is not there";
  const [bytes] = fixtureMessages("iproute2.txt").get(heading) ?? [];
  assert.ok(bytes);
  const error = decodeStatus("dump IPv4 routes of table 4242", walkOn(bytes));
  assert.ok(error instanceof NetlinkError);
  assert.equal(error.errno, 2);
  assert.equal(error.kernelMessage, "ipv4: FIB table does not exist");
  assert.equal(
    error.message,
    "Cannot dump IPv4 routes of table 4242: ENOENT (ipv4: FIB table does not exist)",
  );
});

Deno.test("decodeStatus() takes a zero status for success", () => {
  assert.equal(decodeStatus("try", walkOn(message(3, new Uint8Array(4)))), null);
});

Deno.test("decodeStatus() fails when an error lacks its number", () => {
  assert.throws(() => decodeStatus("try", walkOn(message(2, new Uint8Array(0)))), DecodeError);
});

Deno.test("MessageWalk.next() fails when a header claims more than the datagram holds", () => {
  const buffer = messageBuffer(32);
  buffer.words[0] = 40;
  const walk = new MessageWalk(buffer);
  walk.enter(buffer, 32);
  assert.throws(() => walk.next(), /header claims 40 bytes of the 32 left/);
  assert.equal(walk.next(), false);
});
