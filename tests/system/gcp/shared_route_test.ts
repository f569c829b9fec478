/**
 * Two routers of one owner behind one load balancer of Google's: the executable in two namespaces. They share one route a prefix, which
 * stands as long as one of them wants it.
 */

import assert from "node:assert/strict";
import { GcpRig } from "../../fakes/gcp/rig.ts";
import { urlOf } from "../../fakes/gcp/world.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { untilSame } from "../until.ts";
import { GcpVm } from "./gcp_vm.ts";

const ignore = skips(namespacesMissing(), await binaryMissing());
const prefix = "192.168.0.0/24";
const flags = ["-audit", "1s", "-withdraw-delay", "10ms", "-next-hop-ilb", "routers"];

function groupTest(name: string, run: (rig: GcpRig, a: GcpVm, b: GcpVm) => Promise<void>): void {
  Deno.test({ name, ignore }, async () => {
    await using rig = GcpRig.start({ operationMs: 20 });
    const binary = await binaryPath();
    await using a = await GcpVm.create(rig, binary);
    await using b = await GcpVm.create(rig, binary, true);
    await a.telling(() => b.telling(() => run(rig, a, b)));
    assert.deepEqual(rig.compute.violations, []);
  });
}

/** The routers that want each route, by its mark. */
function wanters(rig: GcpRig): readonly string[] {
  return rig.routes.map(({ destRange, description = "" }) => {
    const names = /wanted=([^\]\s]+)/.exec(description)?.[1]?.split(",") ?? [];
    return `${destRange} ${names.map((name) => name.replace(/^.*\/|@.*$/g, "")).sort().join("+")}`;
  }).sort();
}

async function untilWanted(rig: GcpRig, ...expected: readonly string[]): Promise<void> {
  await untilSame(expected, () => wanters(rig));
}

/** Runs, and fails if a prefix was without a route meanwhile. */
async function withoutGap(rig: GcpRig, destination: string, body: () => Promise<void>): Promise<void> {
  let gap = false;
  const watch = setInterval(() => gap ||= !rig.routes.some(({ destRange }) => destRange === destination), 1);
  await body();
  clearInterval(watch);
  assert.equal(gap, false, `${destination} was without a route`);
}

groupTest("a route behind a load balancer stands until the last router withdraws it", async (rig, a, b) => {
  const runA = a.start(...flags);
  await a.announce([prefix]);
  await untilWanted(rig, `${prefix} router-a`);
  await withoutGap(rig, prefix, async () => {
    b.start(...flags);
    await b.announce([prefix]);
    await untilWanted(rig, `${prefix} router-a+router-b`);
    assert.deepEqual(rig.summary, [`${prefix} routers`], "they share one route");
    await a.withdraw([prefix]);
    await untilWanted(rig, `${prefix} router-b`);
    await a.announce([prefix]);
    await untilWanted(rig, `${prefix} router-a+router-b`);
    await b.withdraw([prefix]);
    await untilWanted(rig, `${prefix} router-a`);
  });
  await a.withdraw([prefix]);
  await untilWanted(rig);
  assert.equal((await a.stop()).code, 0);
  assert.doesNotMatch(runA.log, /ERR/);
});

groupTest("routers behind a load balancer that start together share every route", async (rig, a, b) => {
  const prefixes = Array.from({ length: 20 }, (_, index) => `192.168.${index}.0/24`);
  for (const vm of [a, b]) await vm.announce(prefixes);
  a.start(...flags);
  b.start(...flags);
  await untilWanted(rig, ...prefixes.map((each) => `${each} router-a+router-b`).sort());
  assert.equal((await b.stop()).code, 0);
  assert.equal((await b.command("cleanup", "-next-hop-ilb", "routers")).code, 0);
  await untilWanted(rig, ...prefixes.map((each) => `${each} router-a`).sort());
});

groupTest(
  "a router behind a load balancer that is gone keeps no route, and none is lost with it",
  async (rig, a, b) => {
    const another = "192.168.1.0/24";
    a.start(...flags);
    b.start(...flags);
    await a.announce([prefix, another]);
    await b.announce([prefix]);
    await untilWanted(rig, `${prefix} router-a+router-b`, `${another} router-a`);
    await withoutGap(rig, prefix, async () => {
      await a.kill();
      rig.setStatus("router-a", "TERMINATED");
      // The kernel's news is what has Google asked at once; without any it is asked within a minute.
      await b.announce([prefix], "172.31.0.6");
      await untilWanted(rig, `${prefix} router-b`);
    });
  },
);

groupTest("a route of version 1.0 behind a load balancer becomes the group's", async (rig, a, b) => {
  rig.project.routes.set("crs-edge-0123456789abcdef0123", {
    name: "crs-edge-0123456789abcdef0123",
    network: urlOf(rig.network),
    destRange: prefix,
    priority: 1000,
    routeType: "STATIC",
    description: "Made by cloudroutesync on router-b from the routes of its kernel, and removed by it. " +
      `[cloudroutesync owner=edge prefix=${prefix}]`,
    nextHopIlb:
      "https://www.googleapis.com/compute/v1/projects/prod/regions/europe-west1/forwardingRules/routers",
  });
  await withoutGap(rig, prefix, async () => {
    await a.announce([prefix]);
    a.start(...flags);
    await untilWanted(rig, `${prefix} router-a`);
    await b.announce([prefix]);
    b.start(...flags);
    await untilWanted(rig, `${prefix} router-a+router-b`);
  });
});
