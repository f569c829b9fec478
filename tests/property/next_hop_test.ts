/** What must hold of the next-hop rule whatever the legs, the devices and the cloud's network. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Leg } from "../../src/kernel/kernel_table.ts";
import type { Attachment } from "../../src/routes/devices.ts";
import type { PolicyIdentity } from "../../src/routes/policy.ts";
import { type IpAddress, ipAddress, parsePrefix, type Prefix, prefixOf } from "../../src/routes/prefix.ts";
import { RouteJudge } from "../../src/routes/route_judge.ts";
import { FakeKernelTable, kernelRoute, leg, type LegParts, link } from "../fakes/kernel_routes.ts";
import { defaultPolicy } from "../fakes/policies.ts";

const devices = ["eth0", "eth1", "wg0", "br100"];

/** Few addresses, so that gateways, own addresses and networks meet. */
const someAddress: fc.Arbitrary<IpAddress> = fc.oneof(
  fc.tuple(fc.constantFrom(0, 1, 2), fc.nat(7)).map(([net, host]) =>
    ipAddress(4, [(0x0a000000 | (net << 8) | host) >>> 0, 0, 0, 0])
  ),
  fc.tuple(fc.constantFrom(0, 1), fc.nat(3)).map(([net, host]) => ipAddress(6, [0x20010db8, net, 0, host])),
  fc.nat(2).map((host) => ipAddress(6, [0xfe800000, 0, 0, host])),
);

const somePrefix: fc.Arbitrary<Prefix> = fc.constantFrom(
  ...["10.0.0.0/24", "10.0.0.0/30", "10.0.0.0/16", "10.0.1.0/24", "2001:db8::/32", "2001:db8::/48"].map(
    parsePrefix,
  ),
);

const someAttachment: fc.Arbitrary<Attachment> = fc.record({
  addresses: fc.array(someAddress, { minLength: 1, maxLength: 2 }),
  networks: fc.array(somePrefix, { minLength: 1, maxLength: 3 }),
});

const someIdentity: fc.Arbitrary<PolicyIdentity> = fc.record({
  self: fc.constant({ 4: "self4", 6: "self6" }),
  addresses: fc.array(someAddress, { maxLength: 3 }),
  attachments: fc.array(someAttachment, { maxLength: 2 }),
  networks: fc.constant([]),
  subnetRouters: fc.array(someAddress, { maxLength: 2 }),
  linkLocalIsRouter: fc.boolean(),
  reserved: fc.constant([]),
});

const someLeg: fc.Arbitrary<LegParts> = fc.record({
  dev: fc.constantFrom("eth0", "eth0", ...devices),
  gateway: fc.option(someAddress),
  encapsulation: fc.constantFrom(null, null, null, "mpls", "ip", "seg6"),
  dead: fc.constantFrom(false, false, false, true),
  linkDown: fc.constantFrom(false, false, false, true),
}).map(({ gateway, encapsulation, ...rest }) => ({
  ...rest,
  ...gateway === null ? {} : { via: gateway.text },
  ...encapsulation === null ? {} : { encapsulation },
}));

/** Devices and the addresses that they have: mostly one of the cloud's. */
function someHeld(identity: PolicyIdentity): fc.Arbitrary<readonly (readonly [string, IpAddress])[]> {
  const known = identity.attachments.flatMap(({ addresses }) => addresses);
  const address = known.length === 0
    ? someAddress
    : fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 4 }, someAddress);
  return fc.array(fc.tuple(fc.constantFrom("eth0", "eth0", ...devices), address), { maxLength: 4 });
}

const scene = someIdentity.chain((identity) =>
  fc.record({
    identity: fc.constant(identity),
    held: someHeld(identity),
    legs: fc.array(someLeg, { minLength: 1, maxLength: 4 }),
    prefix: fc.constantFrom("198.51.100.0/24", "2001:db8:9::/48"),
  })
);
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

/** An address as a number; its text as it was made would do as well, but prefixes must not be compared by the code under test. */
function valueOf({ words }: { readonly words: IpAddress["words"] }): bigint {
  return words.reduce((value, word) => (value << 32n) | BigInt(word), 0n);
}

function isIn({ family, words, length }: Prefix, address: IpAddress): boolean {
  if (family !== address.family) return false;
  const rest = BigInt(128 - length);
  return valueOf({ words }) >> rest === valueOf(address) >> rest;
}

/** The attachment of a device, as the scene has it: the last of its addresses that is one of the cloud's decides. */
function attachmentOf({ identity, held }: Scene, device: string | null): Attachment | null {
  const found = held.filter(([name]) => name === device).flatMap(([, { text }]) => {
    const all = identity.attachments.filter(({ addresses }) => addresses.some((own) => own.text === text));
    return all.at(-1) ?? [];
  });
  return found.at(-1) ?? null;
}

/** The rule of the design, word for word: this VM is the next hop unless all of this holds. */
function isNeighbour(the: Scene, { gateway, interfaceName, encapsulation }: Leg): boolean {
  const attachment = attachmentOf(the, interfaceName);
  return gateway !== null && attachment !== null && encapsulation === null &&
    attachment.networks.some((network) => isIn(network, gateway)) &&
    !the.identity.addresses.some((own) => own.text === gateway.text);
}

function goesBySubnetRouter(the: Scene, { gateway, interfaceName }: Leg): boolean {
  if (gateway === null) return false;
  const isOut = attachmentOf(the, interfaceName) !== null ||
    devices.every((device) => attachmentOf(the, device) === null);
  const isLinkLocal = gateway.family === 6 && (gateway.words[0] >>> 22) === 0x3fa;
  return isOut &&
    (the.identity.subnetRouters.some(({ text }) => text === gateway.text) ||
      (the.identity.linkLocalIsRouter && isLinkLocal));
}

function judgeOf({ identity, held }: Scene): RouteJudge {
  const addresses = held.map(([dev, address]) => ({
    interfaceIndex: leg({ dev }).interfaceIndex,
    address,
    subnet: prefixOf(address.family, address.words, 24),
    scope: 0,
    flags: { deprecated: false, tentative: false, failed: false, temporary: false },
  }));
  const kernel = new FakeKernelTable([], devices.map((name) => link(name)), addresses);
  return new RouteJudge({ ...defaultPolicy, ipv6: true, tables: [254] }, identity, kernel);
}

const runs = { numRuns: 5000 };

Deno.test("a wanted route's next hops are the gateways that the rule makes neighbours, and this VM for every other leg", () => {
  let neighbours = 0, selves = 0;
  fc.assert(
    fc.property(scene, (the) => {
      const route = kernelRoute(the.prefix, { legs: the.legs });
      const usable = route.legs.filter((each) =>
        each.gateway !== null && !each.dead && !each.linkDown && !goesBySubnetRouter(the, each)
      );
      const wanted = judgeOf(the).wanted([route]);
      const expected = new Set(usable.map((each) => isNeighbour(the, each) ? each.gateway?.text : "self"));
      const actual = wanted?.nextHops.map(({ neighbour }) => neighbour?.text ?? "self") ?? [];
      assert.deepEqual(new Set(actual), expected);
      assert.equal(actual.length, expected.size, "each once");
      neighbours += actual.filter((hop) => hop !== "self").length;
      selves += actual.filter((hop) => hop === "self").length;
    }),
    runs,
  );
  assert.ok(neighbours > 100 && selves > 100, `the generator must make both: ${neighbours}, ${selves}`);
});

Deno.test("what verdicts() says of each leg is what the next hops are made of", () => {
  fc.assert(
    fc.property(scene, (the) => {
      const route = kernelRoute(the.prefix, { legs: the.legs });
      const [verdict] = judgeOf(the).verdicts([route]);
      if (verdict?.verdict !== "wanted") return;
      const told = new Set(verdict.legs.flatMap(({ to }, index) => {
        if (to === null) return [];
        return [to === "self" ? "self" : route.legs[index]?.gateway?.text];
      }));
      assert.deepEqual(
        told,
        new Set(verdict.wanted.nextHops.map(({ neighbour }) => neighbour?.text ?? "self")),
      );
    }),
    runs,
  );
});
