/**
 * Two routers of one owner in one network of Google's, which know each other by the marks of the routes alone: the executable in two
 * namespaces, without -peer.
 */

import assert from "node:assert/strict";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { until, untilSame } from "../until.ts";
import { GcpVm } from "./gcp_vm.ts";

const ignore = skips(namespacesMissing(), await binaryMissing());
const prefix = "192.168.0.0/24";
const another = "192.168.1.0/24";
const flags = ["-audit", "1s", "-withdraw-delay", "10ms"];

function groupTest(name: string, run: (rig: GcpRig, a: GcpVm, b: GcpVm) => Promise<void>): void {
  Deno.test({ name, ignore }, async () => {
    await using rig = GcpRig.start();
    const binary = await binaryPath();
    await using a = await GcpVm.create(rig, binary);
    await using b = await GcpVm.create(rig, binary, true);
    await a.telling(() => b.telling(() => run(rig, a, b)));
    assert.deepEqual(rig.compute.violations, []);
  });
}

async function untilRoutes(rig: GcpRig, ...expected: readonly string[]): Promise<void> {
  await untilSame(expected, () => rig.summary);
}

/** Waits until each of the routers has looked at the network `times` more. */
async function untilLooked(rig: GcpRig, times: number): Promise<void> {
  const looks = (): number =>
    rig.compute.calls.filter(({ method, path }) => method === "GET" && path.endsWith("/global/routes"))
      .length;
  const before = looks();
  await until("the routers look at the network", () => looks() >= before + 2 * times);
}

groupTest("two routers of one owner have a route each, and leave each other's alone", async (rig, a, b) => {
  a.start(...flags);
  await a.announce([prefix]);
  await untilRoutes(rig, `${prefix} router-a`);
  b.start(...flags);
  await b.announce([prefix, another]);
  const all = [`${prefix} router-a`, `${prefix} router-b`, `${another} router-b`];
  await untilRoutes(rig, ...all);
  await untilLooked(rig, 3);
  assert.deepEqual(rig.summary, all, "neither withdraws the other's");

  await a.withdraw([prefix]);
  await untilRoutes(rig, `${prefix} router-b`, `${another} router-b`);
  await a.announce([prefix], addresses.neighbour);
  assert.match(
    (await a.command("plan")).stdout,
    /= 192\.168\.0\.0\/24 +left to the peer that is its next hop/,
  );
  await a.announce([prefix]);
  await untilRoutes(rig, ...all);

  assert.equal((await b.stop()).code, 0);
  assert.equal((await b.command("cleanup")).code, 0);
  await untilRoutes(rig, `${prefix} router-a`);
  await untilLooked(rig, 1);
  assert.deepEqual(rig.summary, [`${prefix} router-a`]);
});

groupTest("what a router hands over it hands over without a gap", async (rig, a, b) => {
  a.start(...flags);
  await a.announce([prefix]);
  b.start(...flags);
  await b.announce([another]);
  await untilRoutes(rig, `${prefix} router-a`, `${another} router-b`);
  let gap = false;
  const watch = setInterval(() => gap ||= !rig.summary.some((route) => route.startsWith(prefix)), 1);
  await a.announce([prefix], addresses.neighbour);
  await b.announce([prefix]);
  await untilRoutes(rig, `${prefix} router-b`, `${another} router-b`);
  clearInterval(watch);
  assert.equal(gap, false);
});

groupTest(
  "a route that a router wrote for another one, before it knew it, goes beside that one's own",
  async (rig, a, b) => {
    a.start("-audit", "1h", "-withdraw-delay", "10ms");
    await a.announce([prefix], addresses.neighbour);
    await untilRoutes(rig, `${prefix} ${addresses.neighbour}`);
    b.start(...flags);
    await b.announce([prefix]);
    await untilRoutes(rig, `${prefix} router-b`);
  },
);

groupTest(
  "a router reads again before it leads a prefix to a neighbour that it does not know, and writes nothing for it if that is a router",
  async (rig, a, b) => {
    a.start("-audit", "1h", "-withdraw-delay", "10ms");
    await a.announce([prefix]);
    await untilRoutes(rig, `${prefix} router-a`);
    b.start(...flags);
    await b.announce([prefix]);
    await untilRoutes(rig, `${prefix} router-a`, `${prefix} router-b`);
    await a.announce([prefix], addresses.neighbour);
    await untilRoutes(rig, `${prefix} router-b`);
    const inserted = rig.compute.calls.filter(({ method, path }) =>
      method === "POST" && path.endsWith("/routes")
    );
    assert.equal(inserted.length, 2, "each router has made its own route alone");
  },
);
