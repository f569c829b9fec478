/** Whether kernel and cloud let this VM forward: how often it is looked at, what is said, what an error is. */

import assert from "node:assert/strict";
import type { Finding } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { failure, Rig } from "./supervisor_rig.ts";

const well: Finding = { name: "source/dest check", status: "ok", detail: "eni-1 forwards" };
const ill: Finding = { ...well, status: "bad", detail: "eni-1 drops packets", remedy: "run doctor -fix" };
const prefix = "198.51.100.0/24";
const minute = 60_000;

/** A run in step, of which the cloud says this. */
async function running(findings: readonly Finding[], announce = [prefix]): Promise<Rig> {
  const rig = new Rig();
  rig.cloud.findings = findings;
  rig.announce(announce);
  await rig.start();
  return rig;
}

Deno.test("ForwardingWatch asks a cloud in which all is well at each audit and no oftener", async () => {
  using _log = captureLog();
  const rig = await running([well]);
  assert.deepEqual(rig.supervisor.forwarding, [well]);
  assert.equal(rig.cloud.forwardingLooks, 1);
  await rig.clock.advance(20 * minute);
  assert.ok(Math.abs(rig.cloud.forwardingLooks - 5) <= 1, `${rig.cloud.forwardingLooks} looks`);
  await rig.end();
});

Deno.test("ForwardingWatch tells once what is bad, looks each minute, and tells its end with how long it took", async () => {
  using log = captureLog();
  const rig = await running([ill]);
  await rig.clock.advance(3 * minute);
  assert.equal(rig.cloud.forwardingLooks, 4);
  const told = (): readonly string[] => log.lines.filter((line) => line.includes("source/dest check"));
  assert.deepEqual(told(), ["warning: degraded: source/dest check: eni-1 drops packets; run doctor -fix"]);
  rig.cloud.findings = [well];
  await rig.clock.advance(2 * minute);
  assert.match(told()[1] ?? "", /^info: source\/dest check is right again, after 4 min.*: eni-1 forwards$/);
  assert.equal(told().length, 2);
  await rig.end();
});

Deno.test("ForwardingWatch takes what it may not read for unknown, and says once which permission is missing", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.cloud.fail = (call) => {
    if (call === "forwarding") {
      throw new CloudError("denied", "EC2 refuses", { action: "ec2:DescribeNetworkInterfaces" });
    }
  };
  rig.announce([prefix]);
  await rig.start();
  await rig.clock.advance(11 * minute);
  const [finding] = rig.supervisor.forwarding;
  assert.deepEqual([finding?.status, finding?.detail], ["unknown", "EC2 refuses"]);
  assert.match(finding?.remedy ?? "", /allow ec2:DescribeNetworkInterfaces/);
  assert.equal(log.lines.filter((line) => line.includes("EC2 refuses")).length, 1);
  assert.ok(rig.cloud.forwardingLooks <= 4, `${rig.cloud.forwardingLooks} looks`);
  await rig.end();
});

Deno.test("ForwardingWatch keeps what it saw while the cloud does not answer", async () => {
  using _log = captureLog();
  const rig = await running([ill]);
  rig.cloud.fail = (call) => {
    if (call === "forwarding") throw failure("unavailable", "no answer");
  };
  await rig.clock.advance(2 * minute);
  assert.deepEqual(rig.supervisor.forwarding, [ill]);
  await rig.end();
});

Deno.test("ForwardingWatch finds no fault while all routes go by other machines", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.cloud.findings = [ill];
  rig.announce([prefix], "10.0.0.9");
  await rig.start();
  const [finding] = rig.supervisor.forwarding;
  assert.deepEqual([finding?.status, finding?.remedy], ["ok", undefined]);
  assert.match(finding?.detail ?? "", /no wanted route has this VM as its next hop/);
  assert.ok(!log.lines.some((line) => line.includes("degraded")), log.lines.join("\n"));
  await rig.end();
});

Deno.test("ForwardingWatch goes on after a defect", async () => {
  using _log = captureLog();
  const rig = await running([well]);
  rig.cloud.fail = (call) => {
    if (call === "forwarding") throw new TypeError("defect");
  };
  await rig.clock.advance(6 * minute);
  assert.match(rig.unexpected[0] ?? "", /^while it was looked whether this VM forwards: TypeError: defect/);
  rig.cloud.fail = () => {};
  rig.cloud.findings = [ill];
  await rig.clock.advance(6 * minute);
  assert.deepEqual(rig.supervisor.forwarding, [ill]);
  await rig.end();
});
