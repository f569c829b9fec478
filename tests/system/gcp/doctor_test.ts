/** What `doctor` finds on Google Cloud, and the role that it prints. */

import assert from "node:assert/strict";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { GcpRig } from "../../fakes/gcp/rig.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { add, peer, signal, test } from "./gcp_bench.ts";

test("check() finds all well on a VM that is set up well", async ({ cloud }) => {
  const findings = await cloud.check({ fix: false }, signal);
  assert.deepEqual(findings.map(({ name, status }) => `${name}: ${status}`), [
    "identity: ok",
    "access scopes: ok",
    "network: ok",
    "IP forwarding: ok",
    "permissions in prod: ok",
    "route quota of net: unknown",
  ]);
});

test("check() says what is wrong and how to fix it", async ({ rig, cloud }) => {
  rig.metadata.instance.canIpForward = false;
  rig.metadata.scopes = ["compute.readonly", "cloud-platform.read-only"].map((scope) =>
    `https://www.googleapis.com/auth/${scope}`
  );
  rig.project.denied.add("compute.routes.delete");
  await cloud.identify(signal);
  const findings = new Map(
    (await cloud.check({ fix: false }, signal)).map((finding) => [finding.name, finding]),
  );
  const expected: readonly [string, RegExp][] = [
    ["IP forwarding", /cannot be changed later/],
    ["access scopes", /set-service-account router-a/],
    ["permissions in prod", /doctor -policy/],
  ];
  for (const [name, remedy] of expected) {
    assert.equal(findings.get(name)?.status, "bad", name);
    assert.match(findings.get(name)?.remedy ?? "", remedy);
  }
  assert.match(findings.get("permissions in prod")?.detail ?? "", /lacks compute\.routes\.delete$/);
});

test("check() counts the network's static routes, whose limit Google tells by a refusal alone", async (bench) => {
  const { rig, cloud } = bench;
  const seen = async (): Promise<string> => {
    const findings = await cloud.check({ fix: false }, signal);
    const { status, detail } = findings.find(({ name }) => name === "route quota of net") ?? {};
    return `${status}: ${detail}`;
  };
  peer(rig);
  await cloud.identify(signal);
  assert.match(
    await seen(),
    /^unknown: 1 route; 200 static routes fit .*, and 1 in the networks that it is peered/,
  );
  for (let index = 0; index < 199; index++) rig.addForeign(`static-${index}`, `192.168.${index}.0/24`);
  assert.match(await seen(), /^unknown: 200 routes; /);
  rig.net.staticLimit = 200;
  const self = (await cloud.identify(signal)).self[4] ?? "";
  assert.deepEqual(await bench.write(add("192.168.240.0/24", self)), ["quota"]);
  assert.match(await seen(), /^bad: 200 of 200 routes/, "the refusal has told it");
});

test("check() tests host and service project apart in a Shared VPC", async ({ rig, cloud }) => {
  rig.project.denied.add("compute.networks.updatePolicy");
  const findings = await cloud.check({ fix: false }, signal);
  const permissions = findings.filter(({ name }) => name.startsWith("permissions"));
  assert.deepEqual(permissions.map(({ name, status }) => `${name}: ${status}`), [
    "permissions in host: bad",
    "permissions in prod: ok",
  ]);
}, { sharedVpc: true });

Deno.test("identify() that is denied becomes a finding with the permission that is missing", async () => {
  await using rig = GcpRig.start();
  rig.compute.project("prod").denied.add("compute.instances.get");
  const findings = await new ConnectedCloud(openGcp(rig.options())).check({ fix: false }, signal);
  assert.deepEqual(findings.map(({ name, status }) => [name, status]), [["identity", "bad"]]);
  assert.match(findings[0]?.remedy ?? "", /^allow compute\.instances\.get /);
});

test("policy() is a custom role with the permissions that the calls need", async ({ cloud }) => {
  await Promise.resolve();
  const policy = cloud.policy();
  assert.match(policy, /^includedPermissions:\n( {2}- compute\.[a-zA-Z.]+\n)+$/m);
  for (
    const permission of ["compute.routes.create", "compute.networks.updatePolicy", "compute.instances.use"]
  ) {
    assert.ok(policy.includes(`- ${permission}\n`), permission);
  }
});
