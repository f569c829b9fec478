/** What a router remembers of its group, and how it finds the others. */

import assert from "node:assert/strict";
import { finish } from "../../../src/async/steps.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { noMemory } from "../../../src/sync/group.ts";
import { RouterGroup } from "../../../src/sync/router_group.ts";
import { tableIndex } from "../../fakes/cloud_routes.ts";
import { smallVm } from "../../fakes/policies.ts";

const prefix = "198.51.100.0/24";
const vm = { ...smallVm, instance: "vm" };
const settings = {
  peers: [{ address: parseAddress("10.0.0.5"), rank: null }],
  rank: null,
  activeAddress: null,
};

function groupOf(isClaimed: (prefix: string) => boolean = () => false): RouterGroup {
  const peers = [{ address: parseAddress("10.0.0.5"), rank: null, nextHops: ["eni-new"] }];
  return new RouterGroup(settings, () => true, isClaimed, () => ({ peers, index: tableIndex([]) }));
}

/** A cloud that remembers who has an address until it is told to forget it. */
class CachingCloud {
  interfaceId = "eni-old";
  #cached: string | null = null;

  resolve(): Promise<readonly string[]> {
    return Promise.resolve([this.#cached ??= this.interfaceId]);
  }

  forget(): void {
    this.#cached = null;
  }
}

const signal = new AbortController().signal;

Deno.test("RouterGroup finds a rebuilt peer on its new interface, and knows the routes to the old one as the peer's", async () => {
  const cloud = new CachingCloud();
  const group = groupOf();
  await group.find(vm, cloud, {}, signal);
  cloud.interfaceId = "eni-new";
  group.forget();
  const { peers } = await group.find(vm, cloud, {}, signal);
  assert.deepEqual(peers.map(({ nextHops }) => nextHops), [["eni-new", "eni-old"]]);
});

Deno.test("RouterGroup forgets a prefix once it is neither wanted nor claimed", async () => {
  const claimed = new Set([prefix]);
  const group = groupOf((text) => claimed.has(text));
  await group.find(vm, new CachingCloud(), {}, signal);
  const seen = { ...noMemory, wanted: "nothing" as const };
  finish(group.comparing(new Map([[prefix, seen]])));
  finish(group.pruning());
  assert.equal(group.input?.memoryOf(prefix), seen);
  claimed.clear();
  finish(group.pruning());
  assert.notEqual(group.input?.memoryOf(prefix), seen);
});
