/** What `doctor` finds on EC2, and the policy that it prints. */

import assert from "node:assert/strict";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { addInterface } from "../../fakes/aws/rig.ts";
import { isWrite } from "../../fakes/aws/strict_front.ts";
import { endMoto, rigTest, signal, statusOf } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest("check() with -self fixes the interface that it picks", async ({ rig, open }) => {
  const second = await addInterface(rig);
  const cloud = open({ self: [parseInterfaceAddress("10.0.2.10/24")] });
  const findings = await cloud.check({ fix: true }, signal);
  const found = findings.find(({ name }) => name === "source/dest check");
  assert.deepEqual([found?.status, found?.detail], [
    "fixed",
    `Switched off the source/dest check of ${second}`,
  ]);
});

rigTest("check() proves each permission by a dry run and changes nothing", async ({ rig, open }) => {
  await open().prepare(signal);
  const before = rig.front.calls.length;
  rig.front.faults.denied.add("ReplaceRoute");
  const findings = await open().check({ fix: false }, signal);
  assert.deepEqual(rig.front.calls.slice(before).filter(isWrite), []);
  assert.equal(statusOf(findings, "identity"), "ok");
  assert.equal(statusOf(findings, "source/dest check"), "bad");
  assert.equal(statusOf(findings, "route table association"), "ok");
  assert.equal(statusOf(findings, "permission ec2:CreateRoute on"), "ok");
  const denied = findings.find((finding) => finding.name.startsWith("permission ec2:ReplaceRoute on"));
  assert.equal(denied?.status, "bad");
  assert.match(denied?.remedy ?? "", /Allow ec2:ReplaceRoute/);
});

rigTest("policy() is for the very region, account and VPC once they are known", async ({ rig, open }) => {
  const cloud = open();
  assert.match(cloud.policy(), /arn:aws:ec2:us-east-1:\*:/);
  await cloud.identify(signal);
  assert.ok(cloud.policy().includes(`arn:aws:ec2:us-east-1:123456789012:vpc/${rig.vpc.vpcId}`));
});
