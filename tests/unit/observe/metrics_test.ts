/** The metrics page, read back as a scraper does. */

import assert from "node:assert/strict";
import { metrics, metricsText } from "../../../src/observe/metrics.ts";
import { quota } from "../../fakes/cloud_routes.ts";
import { observed, syncStatus } from "../../fakes/observations.ts";

interface Page {
  /** Values by `name{label="value"}` with its labels as JSON. */
  readonly samples: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, string>;
}

/** Reads exposition format 0.0.4; throws at a line that is none. */
function parsePage(text: string): Page {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  assert.ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    if (/^# HELP [a-z_]+ [^\\]+$/.test(line)) continue;
    const type = /^# TYPE ([a-z_]+) (gauge|counter)$/.exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1] ?? ""), line);
      types.set(type[1] ?? "", type[2] ?? "");
      continue;
    }
    const sample = /^([a-z_]+)(?:\{(.*)\})? (-?[0-9.]+)$/.exec(line);
    assert.ok(sample !== null, `"${line}" is no sample`);
    const [, name = "", labels = "", value = ""] = sample;
    assert.ok(types.has(name), `${name} comes before its type`);
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map((
      [, label, inner = ""],
    ) => [label, JSON.parse(`"${inner}"`)]);
    const key = `${name} ${JSON.stringify(Object.fromEntries(pairs))}`;
    assert.ok(!samples.has(key), `${key} stands there twice`);
    samples.set(key, Number(value));
  }
  return { samples, types };
}

Deno.test("metricsText() shows what is observed, a sample a table", () => {
  const tables = [
    syncStatus({ quotas: [quota(5, 50), quota(1, null, [6])], pending: 2, held: 3, unfit: ["10.0.0.0/8"] }),
    syncStatus({ table: "rtb-2", inStep: false, conflicts: ["10.0.0.0/8"] }),
  ];
  const { samples } = parsePage(metricsText(observed(tables)));
  const expected: readonly (readonly [string, Record<string, string>, number])[] = [
    ["info", { version: "1.2.3", cloud: "aws" }, 1],
    ["healthy", {}, 0],
    ["kernel_routes", {}, 10],
    ["kernel_overruns_total", {}, 1],
    ["wanted_routes", {}, 3],
    ["in_step", { table: "rtb-1" }, 1],
    ["in_step", { table: "rtb-2" }, 0],
    ["owned_routes", { table: "rtb-1" }, 3],
    ["foreign_routes", { table: "rtb-1" }, 2],
    ["pending_changes", { table: "rtb-1" }, 2],
    ["held_withdrawals", { table: "rtb-1" }, 3],
    ["unfit_routes", { table: "rtb-1" }, 1],
    ["conflicts", { table: "rtb-2" }, 1],
    ["quota_used", { table: "rtb-1", families: "4" }, 5],
    ["quota_used", { table: "rtb-1", families: "6" }, 1],
    ["quota_limit", { table: "rtb-1", families: "4" }, 50],
    ["writes_total", { table: "rtb-1", action: "add" }, 3],
    ["writes_total", { table: "rtb-1", action: "replace" }, 1],
    ["writes_total", { table: "rtb-1", action: "delete" }, 0],
    ["reads_total", { table: "rtb-1" }, 6],
    ["failures_total", { table: "rtb-1" }, 4],
  ];
  for (const [name, labels, value] of expected) {
    const key = `cloudroutesync_${name} ${JSON.stringify(labels)}`;
    assert.equal(samples.get(key), value, key);
  }
  assert.equal(samples.has('cloudroutesync_quota_limit {"table":"rtb-1","families":"6"}'), false);
});

Deno.test("metricsText() gives every metric its type; counters end in _total", () => {
  const { types } = parsePage(metricsText(observed()));
  assert.deepEqual([...types.keys()], metrics.map(({ name }) => name));
  for (const [name, type] of types) assert.equal(type === "counter", name.endsWith("_total"), name);
});

Deno.test("metricsText() is well-formed before the cloud has answered", () => {
  const { samples } = parsePage(metricsText(observed([])));
  assert.equal(samples.get("cloudroutesync_healthy {}"), 0);
  assert.equal(samples.get("cloudroutesync_kernel_routes {}"), 10);
});

Deno.test("metricsText() escapes what a label may not hold", () => {
  const table = 'C:\\table "one"\nand two';
  const { samples } = parsePage(metricsText(observed([syncStatus({ table })])));
  assert.equal(samples.get(`cloudroutesync_in_step ${JSON.stringify({ table })}`), 1);
});

Deno.test("metricsText() has one sample for several quotas of the same families: the one with the least room", () => {
  const page = metricsText(observed([syncStatus({ quotas: [quota(5, 500), quota(4, 5), quota(6, null)] })]));
  assert.deepEqual(page.match(/^cloudroutesync_quota_(used|limit)\{.*$/gm), [
    'cloudroutesync_quota_used{table="rtb-1",families="4"} 4',
    'cloudroutesync_quota_limit{table="rtb-1",families="4"} 5',
  ]);
});
