/** Routes by way of an internal passthrough load balancer (`-next-hop-ilb`), as Google takes them. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import type { FakeForwardingRule } from "../../fakes/gcp/world.ts";

const signal = new AbortController().signal;
const rule = "projects/prod/regions/europe-west1/forwardingRules/routers";
const destination = parsePrefix("192.168.0.0/24");

/** Opens a router behind the rule of that name, URL or address. */
function routerBehind(rig: GcpRig, nextHopIlb: string, owner = "edge"): ConnectedCloud {
  return new ConnectedCloud(openGcp(rig.options({ nextHopIlb, owner })));
}

function addRule({ project }: GcpRig, changed: Partial<FakeForwardingRule>): void {
  const { name = "more", ...rest } = changed;
  const IPAddress = "10.0.0.101";
  project.forwardingRules.push({ name, region: "europe-west1", network: "net", IPAddress, ...rest });
}

async function write(cloud: ConnectedCloud, to: string): Promise<readonly (CloudError | null)[]> {
  const [table] = await cloud.prepare(signal);
  assert.ok(table !== undefined);
  const change: Change = { action: "add", prefix: destination, from: null, to: [to] };
  const { outcomes } = await cloud.write(table, [change], await cloud.read(table, signal), signal);
  return outcomes.map((outcome) => outcome ?? null);
}

for (
  const [name, changed, self] of [
    ["an IPv4 rule takes IPv4 routes alone", {}, { 4: `${rule}6`, 6: null }],
    ["an IPv6 rule takes IPv6 routes alone", { IPAddress: "fd20:0:0:1::100" }, { 4: null, 6: `${rule}6` }],
  ] as const
) {
  Deno.test(name, async () => {
    await using rig = GcpRig.start();
    addRule(rig, { name: "routers6", ...changed });
    assert.deepEqual((await routerBehind(rig, "routers6").identify(signal)).self, self);
    assert.deepEqual(rig.compute.violations, []);
  });
}

Deno.test("a rule named by its address takes routes of the address' family, and is not looked up", async () => {
  await using rig = GcpRig.start();
  const cloud = routerBehind(rig, addresses.loadBalancer);
  const id = `ilb:${addresses.loadBalancer}`;
  assert.deepEqual((await cloud.identify(signal)).self, { 4: id, 6: null });
  assert.deepEqual(await write(cloud, id), [null]);
  assert.deepEqual(rig.summary, [`192.168.0.0/24 ${addresses.loadBalancer}`]);
});

Deno.test("a rule that may not be read is taken for one of both families, as Google decides then", async () => {
  await using rig = GcpRig.start();
  rig.project.denied.add("compute.forwardingRules.get");
  assert.deepEqual((await routerBehind(rig, "routers").identify(signal)).self, { 4: rule, 6: rule });
});

for (
  const [name, changed, message] of [
    ["that is not there", { name: "other" }, /there is no projects\/prod\/regions\/europe-west1/],
    [
      "of another network",
      { network: "other", IPAddress: "172.20.0.9" },
      /networks\/other, not in .*networks\/net$/,
    ],
    [
      "of a proxy load balancer",
      { loadBalancingScheme: "INTERNAL_MANAGED" },
      /no rule of an internal passthrough/,
    ],
  ] as const
) {
  Deno.test(`a rule ${name} is a setting that cannot work`, async () => {
    await using rig = GcpRig.start();
    addRule(rig, changed);
    await assert.rejects(
      routerBehind(rig, "more").identify(signal),
      (error: unknown) =>
        error instanceof CloudError && error.kind === "invalid" && message.test(error.message),
    );
  });
}

Deno.test("routers of one owner behind a load balancer share its route, though both write it at once", async () => {
  await using rig = GcpRig.start({ operationMs: 50 });
  const routers = [routerBehind(rig, "routers"), routerBehind(rig, "routers")];
  const first = (await Promise.all(routers.map((router) => write(router, rule)))).flat();
  // The one that comes second while the insert of the first is under way looks again.
  for (const error of first) assert.ok(error === null || error.kind === "conflict", error?.message);
  for (const router of routers) assert.deepEqual(await write(router, rule), [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 routers"]);
});

Deno.test("a router of another owner is told whose route stands there, and what to do", async () => {
  await using rig = GcpRig.start();
  await write(routerBehind(rig, "routers"), rule);
  const [error] = await write(routerBehind(rig, "routers", "second"), rule);
  assert.equal(error?.kind, "invalid");
  assert.match(error.message, /of owner "edge" points there already; give all routers .* the same -owner/);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 routers"]);
});

Deno.test("doctor asks for IP forwarding behind a load balancer too, and tells what the rule is good for", async () => {
  await using rig = GcpRig.start();
  rig.metadata.instance.canIpForward = false;
  addRule(rig, { name: "all-protocols", IPProtocol: "L3_DEFAULT" });
  addRule(rig, { name: "global", allowGlobalAccess: true, IPAddress: "10.0.0.102" });
  const seen = async (name: string): Promise<ReadonlyMap<string, string>> => {
    const findings = await routerBehind(rig, name).check({ fix: false }, signal);
    return new Map(findings.map((finding) => [finding.name, `${finding.status}: ${finding.detail}`]));
  };
  const one = await seen("routers");
  assert.match(one.get("IP forwarding") ?? "", /^bad: Google drops what instance router-a forwards/);
  assert.match(one.get("load balancer") ?? "", /^ok: IPv4 routes .* from its own region alone/);
  assert.match(
    (await seen(addresses.loadBalancer)).get("load balancer") ?? "",
    /^ok: .*a rule that is named/,
  );
  assert.match((await seen("global")).get("load balancer") ?? "", /^ok: .* from all regions/);
  assert.match((await seen("all-protocols")).get("load balancer") ?? "", /^bad: .*L3_DEFAULT/);
});
