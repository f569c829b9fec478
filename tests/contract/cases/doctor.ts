/** What doctor says: of each error, and never by an exception. */

import assert from "node:assert/strict";
import type { CloudQuota } from "../../../src/clouds/cloud.ts";
import { add, never, outcomesOf, type Ready, ready } from "../helpers.ts";
import type { Bench, ContractCase, Refusal } from "../rig.ts";
import type { Subject } from "../subject.ts";
import { errorKinds } from "./errors.ts";

type DoctorCaseName = `check() judges what is ${Refusal}`;

/** What heals by itself is not known; all else is bad. */
const verdicts: Readonly<Record<Refusal, "unknown" | "bad">> = {
  throttled: "unknown",
  unavailable: "unknown",
  quota: "bad",
  denied: "bad",
  conflict: "unknown",
  gone: "bad",
  invalid: "bad",
};

export const doctorCases = {
  ...verdictCases(),

  async "check() changes nothing unless it is asked to"(bench: Bench): Promise<void> {
    const { subject } = await ready(bench);
    const before = await bench.rig.snapshot();
    await subject.check(false, never);
    assert.deepEqual(await bench.rig.snapshot(), before);
  },

  async "check() names each thing once, and says what to do where it is bad"(
    bench: Bench,
  ): Promise<void> {
    const { subject } = await ready(bench);
    const findings = await subject.check(false, never);
    assert.ok(findings.length > 0);
    const names = findings.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
    for (const { name, status, detail, remedy } of findings) {
      assert.notEqual(detail, "", name);
      assert.notEqual(status, "fixed", name);
      if (status === "bad") assert.ok(remedy !== undefined && remedy !== "", `${name} has no remedy`);
    }
  },

  async "forwarding() is two requests at the most, changes nothing, and says what to do where it is bad"(
    bench: Bench,
  ): Promise<void> {
    const { subject } = await ready(bench);
    await subject.forwarding(never);
    const before = await bench.rig.snapshot();
    const { count } = bench.rig.traffic;
    for (const { name, status, detail, remedy } of await subject.forwarding(never)) {
      assert.notEqual(detail, "", name);
      assert.notEqual(status, "fixed", name);
      if (status === "bad") assert.ok(remedy !== undefined && remedy !== "", `${name} has no remedy`);
    }
    const requests = bench.rig.traffic.count - count;
    assert.ok(requests <= 2, `${requests} requests`);
    assert.deepEqual(await bench.rig.snapshot(), before);
  },

  async "check() tells of each table how full it is, and does not call well what it does not know"(
    bench: Bench,
  ): Promise<void> {
    const on = await ready(bench);
    await bench.rig.addForeign(on.table.id, "203.0.113.0/29", "203.0.113.8/29");
    assert.deepEqual(await quotaVerdicts(bench), [verdictOn(await quotaOf(bench, on))]);
    await bench.rig.setLimit((await quotaOf(bench, on)).used, true);
    // The limit is learned where no answer tells it.
    const full = await ready(bench);
    await outcomesOf(full, [add("198.18.1.0/24", bench.rig.self[4])], full.state);
    assert.deepEqual(await quotaVerdicts(bench, full.subject), ["bad"]);
  },

  async "check() that knows not even who this VM is says so, and throws nothing"(
    { rig, open }: Bench,
  ): Promise<void> {
    const subject = await open();
    await rig.metadata.shut();
    const findings = await subject.check(false, never);
    assert.deepEqual(findings.map(({ name, status }) => [name, status]), [["identity", "unknown"]]);
  },

  async "check() with fix lets this VM forward packets of others, once"(bench: Bench): Promise<void> {
    const { subject } = await ready(bench);
    const bad = (await subject.forwarding(never)).filter(({ status }) => status === "bad");
    assert.equal(bad.length, 1, "the VM forwards already");
    const name = bad[0]?.name ?? "";
    const statusAfter = async (fix: boolean): Promise<string | undefined> =>
      (await subject.check(fix, never)).find((finding) => finding.name === name)?.status;
    assert.equal(await statusAfter(false), "bad");
    assert.equal(await statusAfter(true), "fixed");
    const fixed = await bench.rig.snapshot();
    assert.deepEqual((await subject.forwarding(never)).map(({ status }) => status), ["ok"]);
    assert.equal(await statusAfter(true), "ok");
    assert.deepEqual(await bench.rig.snapshot(), fixed);
  },
};

/** What is said of the quota that IPv4 routes count against. */
async function quotaVerdicts(bench: Bench, subject?: Subject): Promise<string[]> {
  const findings = await (subject ?? await bench.open()).check(false, never);
  return findings.filter(({ name }) => /^route quota of (?!.*IPv6$)/.test(name)).map(({ status }) => status);
}

async function quotaOf(bench: Bench, { table }: Ready): Promise<CloudQuota> {
  const { quotas } = await (await bench.open()).read(table, never);
  return quotas.find(({ families }) => families.includes(4)) ?? assert.fail("no quota was read");
}

function verdictOn({ used, limit }: CloudQuota): "ok" | "bad" | "unknown" {
  if (limit === null) return "unknown";
  return used < limit ? "ok" : "bad";
}

function verdictCases(): Record<DoctorCaseName, ContractCase> {
  const all = errorKinds.map((kind) =>
    [`check() judges what is ${kind}`, (bench: Bench) => verdictOf(bench, kind)] as const
  );
  // The names are made of just that list, of which the type is made as well.
  return Object.fromEntries(all) as Record<DoctorCaseName, ContractCase>;
}

async function verdictOf(bench: Bench, kind: Refusal): Promise<void> {
  const well = await (await bench.open()).check(false, never);
  const normal = new Set(well.map(({ name, status }) => `${name} ${status}`));
  const { action } = await bench.rig.fail(kind, "check");
  const findings = await (await bench.open()).check(false, never);
  const changed = findings.filter(({ name, status }) => !normal.has(`${name} ${status}`));
  assert.ok(changed.length > 0, `nothing is said of it: ${Deno.inspect(findings)}`);
  for (const { name, status, detail } of changed) assert.equal(status, verdicts[kind], `${name}: ${detail}`);
  if (action === undefined) return;
  const remedies = changed.map(({ remedy }) => remedy ?? "");
  assert.ok(remedies.some((remedy) => remedy.includes(action)), `no remedy names ${action}: ${remedies}`);
}
