import assert from "node:assert/strict";
import { type NetworkRanges, rangesElsewhere, reachesOf } from "../../../../src/clouds/gcp/neighbours.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

function network(
  name: string,
  own: readonly string[],
  others: readonly string[] = [],
  peers: readonly string[] = [],
): NetworkRanges {
  return {
    network: name,
    own: own.map(parsePrefix),
    all: [...own, ...others].map(parsePrefix),
    peers: peers.map(parsePrefix),
  };
}

/** The ranges that each network's interface reaches, as texts. */
function reached(...networks: readonly NetworkRanges[]): readonly (readonly string[])[] {
  return reachesOf(networks).map(({ ranges }) => ranges.map(({ text }) => text));
}

Deno.test("reachesOf() lets an only interface reach every subnet of its network", () => {
  assert.deepEqual(
    reached(network("net", ["10.0.0.0/24", "fd20:0:0:1::/64"], ["10.1.0.0/24", "10.99.0.0/16"])),
    [
      ["10.0.0.0/24", "fd20:0:0:1::/64", "10.1.0.0/24", "10.99.0.0/16"],
    ],
  );
});

Deno.test("reachesOf() leaves out ranges that two networks have, but an interface's own subnet", () => {
  const one = network("one", ["10.0.0.0/24"], ["10.1.0.0/24", "10.2.0.0/24"]);
  const two = network("two", ["10.1.0.0/25"], ["10.2.0.0/16", "10.3.0.0/24"]);
  assert.deepEqual(reached(one, two), [["10.0.0.0/24"], ["10.1.0.0/25", "10.3.0.0/24"]]);
});

Deno.test("reachesOf() reaches a peer's subnets, unless they are those of another interface's network", () => {
  const one = network("one", ["10.0.0.0/24"], [], ["10.9.0.0/24", "10.1.0.0/24", "10.2.0.0/24"]);
  const two = network("two", ["10.1.0.0/24"], ["10.2.0.0/24"], ["10.0.0.0/24"]);
  assert.deepEqual(reached(one, two), [["10.0.0.0/24", "10.9.0.0/24"], ["10.1.0.0/24", "10.2.0.0/24"]]);
});

Deno.test("rangesElsewhere() are those of all other networks", () => {
  const [one, two] = reachesOf([
    network("one", ["10.0.0.0/24"]),
    network("two", ["172.20.0.0/24"], ["172.21.0.0/24"]),
  ]);
  assert.ok(one !== undefined && two !== undefined);
  assert.deepEqual(rangesElsewhere("one", [one]), []);
  assert.deepEqual(rangesElsewhere("one", [one, two]), two.ranges);
});
