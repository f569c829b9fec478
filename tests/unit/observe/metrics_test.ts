/** The metrics page, read back as a scraper does. */

import assert from "node:assert/strict";
import type { Observed } from "../../../src/observe/health.ts";
import { metrics } from "../../../src/observe/metrics.ts";
import { MetricsRegistry } from "../../../src/observe/metrics_registry.ts";
import { recordedMetrics } from "../../../src/observe/recorded_metrics.ts";
import { quota } from "../../fakes/cloud_routes.ts";
import { observed, syncStatus } from "../../fakes/observations.ts";

interface Page {
  /** Values by `name{label="value"}` with its labels as JSON. */
  readonly samples: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, string>;
}

/** The page of a registry with nothing recorded, or with what is. */
async function pageOf(state: Observed, registry = new MetricsRegistry()): Promise<string> {
  const process = { cpuSeconds: 1.5, residentBytes: 4096, threads: 3 };
  return (await registry.page({ observed: state, process, startedAt: 5_000 })).text;
}

/** Reads exposition format 0.0.4; throws at a line that is none. */
function parsePage(text: string): Page {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  assert.ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    if (/^# HELP [a-z_]+ [^\\]+$/.test(line)) continue;
    if (line === "") continue;
    const type = /^# TYPE ([a-z_]+) (gauge|counter|histogram)$/.exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1] ?? ""), line);
      types.set(type[1] ?? "", type[2] ?? "");
      continue;
    }
    const sample = /^([a-z_]+)(?:\{(.*)\})? (-?[0-9.]+)$/.exec(line);
    assert.ok(sample !== null, `"${line}" is no sample`);
    const [, name = "", labels = "", value = ""] = sample;
    assert.ok(
      types.has(name.replace(/_(bucket|sum|count)$/, "")) || types.has(name),
      `${name} comes before its type`,
    );
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map((
      [, label, inner = ""],
    ) => [label, JSON.parse(`"${inner}"`)]);
    const key = `${name} ${JSON.stringify(Object.fromEntries(pairs))}`;
    assert.ok(!samples.has(key), `${key} stands there twice`);
    samples.set(key, Number(value));
  }
  return { samples, types };
}

Deno.test("the page shows what is observed, a sample a table", async () => {
  const tables = [
    syncStatus({
      quotas: [quota(5, 50), quota(1, null, [6])],
      pending: 2,
      held: 3,
      overQuota: ["10.0.0.0/8"],
    }),
    syncStatus({
      table: "rtb-2",
      inStep: false,
      conflicts: ["10.0.0.0/8"],
      peerRoutes: 4,
      standby: ["10.2.0.0/16"],
    }),
  ];
  const { samples } = parsePage(await pageOf(observed(tables)));
  const expected: readonly (readonly [string, Record<string, string>, number])[] = [
    ["build_info", { version: "1.2.3", commit: "0123456789ab", cloud: "aws" }, 1],
    ["kernel_dumps_total", { cause: "start" }, 1],
    ["healthy", {}, 0],
    ["kernel_routes", {}, 10],
    ["kernel_overruns_total", {}, 1],
    ["wanted_routes", {}, 3],
    ["in_step", { table: "rtb-1" }, 1],
    ["in_step", { table: "rtb-2" }, 0],
    ["owned_routes", { table: "rtb-1" }, 3],
    ["foreign_routes", { table: "rtb-1" }, 2],
    ["peer_routes", { table: "rtb-2" }, 4],
    ["standby", { table: "rtb-2" }, 1],
    ["pending_changes", { table: "rtb-1" }, 2],
    ["held_withdrawals", { table: "rtb-1" }, 3],
    ["over_quota_routes", { table: "rtb-1" }, 1],
    ["conflicts", { table: "rtb-2" }, 1],
    ["quota_used", { table: "rtb-1", families: "4" }, 5],
    ["quota_used", { table: "rtb-1", families: "6" }, 1],
    ["quota_limit", { table: "rtb-1", families: "4" }, 50],
    ["writes_total", { table: "rtb-1", action: "add" }, 3],
    ["writes_total", { table: "rtb-1", action: "replace" }, 1],
    ["writes_total", { table: "rtb-1", action: "delete" }, 0],
    ["reads_total", { table: "rtb-1" }, 6],
    ["failures_total", { table: "rtb-1" }, 4],
    ["drift_total", { table: "rtb-1" }, 1],
    ["in_step_since_timestamp_seconds", { table: "rtb-1" }, 1_700_000_000],
    ["packet_problems", { table: "rtb-1" }, 0],
    ["forwarding", { check: "IPv4 forwarding" }, 1],
    ["api_calls_per_second", { action: "add" }, 4],
    ["api_full_calls_per_second", { action: "add" }, 4],
    ["api_calls_waiting", { action: "add" }, 0],
    ["api_calls_refused_total", { action: "add" }, 0],
  ];
  for (const [name, labels, value] of expected) {
    const key = `cloudroutesync_${name} ${JSON.stringify(labels)}`;
    assert.equal(samples.get(key), value, key);
  }
  assert.equal(samples.has('cloudroutesync_quota_limit {"table":"rtb-1","families":"6"}'), false);
});

Deno.test("the page tells a check that fails as 0, and none that nobody can see", async () => {
  const bad = { name: "source/dest check", status: "bad", detail: "it drops packets" } as const;
  const of = async (status: "bad" | "unknown"): Promise<ReadonlyMap<string, number>> =>
    parsePage(await pageOf(observed([], { forwarding: [{ ...bad, status }] }))).samples;
  const key = 'cloudroutesync_forwarding {"check":"source/dest check"}';
  assert.equal((await of("bad")).get(key), 0);
  assert.equal((await of("unknown")).has(key), false);
});

Deno.test("the page gives every metric its type; counters end in _total", async () => {
  const { types } = parsePage(await pageOf(observed()));
  assert.deepEqual(
    [...types.keys()],
    [...metrics, ...Object.values(recordedMetrics)].map(({ name }) => name),
  );
  for (const [name, type] of types) assert.equal(type === "counter", name.endsWith("_total"), name);
});

Deno.test("the page is well-formed before the cloud has answered", async () => {
  const { samples } = parsePage(await pageOf(observed([])));
  assert.equal(samples.get("cloudroutesync_healthy {}"), 0);
  assert.equal(samples.get("cloudroutesync_kernel_routes {}"), 10);
});

Deno.test("the page escapes what a label may not hold", async () => {
  const table = 'C:\\table "one"\nand two';
  const { samples } = parsePage(await pageOf(observed([syncStatus({ table })])));
  assert.equal(samples.get(`cloudroutesync_in_step ${JSON.stringify({ table })}`), 1);
});

Deno.test("the page has one sample for several quotas of the same families: the one with the least room", async () => {
  const page = await pageOf(observed([syncStatus({ quotas: [quota(5, 500), quota(4, 5), quota(6, null)] })]));
  assert.deepEqual(page.match(/^cloudroutesync_quota_(used|limit)\{.*$/gm), [
    'cloudroutesync_quota_used{table="rtb-1",families="4"} 4',
    'cloudroutesync_quota_limit{table="rtb-1",families="4"} 5',
  ]);
});

Deno.test("the page has what was recorded: calls by operation and result, requests, delays, times", async () => {
  const registry = new MetricsRegistry();
  const call = { operation: "read", table: "rtb-1", milliseconds: 40, at: 7_000 } as const;
  registry.cloudCall({ ...call, result: "ok" });
  registry.cloudCall({ ...call, result: "throttled", at: 8_000 });
  registry.cloudCall({ ...call, result: "abandoned" });
  registry.cloudCall({ ...call, operation: "write", result: "ok", at: 9_000 });
  registry.apiRequest({ operation: "CreateRoute", status: 503, milliseconds: 20 });
  registry.apiRequest({ operation: "CreateRoute", status: null, milliseconds: 10_000 });
  registry.kernelToCloud("rtb-1", 30);
  registry.eventLoopDelay(0.02);
  const { samples } = parsePage(await pageOf(observed(), registry));
  const expected: readonly (readonly [string, Record<string, string>, number])[] = [
    ["cloudroutesync_cloud_call_seconds_count", { operation: "read", result: "ok" }, 1],
    ["cloudroutesync_cloud_call_seconds_bucket", { le: "0.025", operation: "read", result: "ok" }, 0],
    ["cloudroutesync_cloud_call_seconds_bucket", { le: "0.05", operation: "read", result: "ok" }, 1],
    ["cloudroutesync_cloud_call_seconds_count", { operation: "read", result: "throttled" }, 1],
    ["cloudroutesync_api_request_seconds_sum", { operation: "CreateRoute", status: "503" }, 0.02],
    ["cloudroutesync_api_request_seconds_sum", { operation: "CreateRoute", status: "none" }, 10],
    ["cloudroutesync_kernel_to_cloud_seconds_sum", { table: "rtb-1" }, 0.03],
    ["cloudroutesync_event_loop_delay_seconds_count", {}, 1],
    ["cloudroutesync_last_read_timestamp_seconds", { table: "rtb-1" }, 7],
    ["cloudroutesync_last_write_timestamp_seconds", { table: "rtb-1" }, 9],
    ["process_cpu_seconds_total", {}, 1.5],
    ["process_resident_memory_bytes", {}, 4096],
    ["process_start_time_seconds", {}, 5],
  ];
  for (const [name, labels, value] of expected) {
    assert.equal(samples.get(`${name} ${JSON.stringify(labels)}`), value, name);
  }
  assert.ok(![...samples.keys()].some((key) => key.includes("abandoned")));
});
