/**
 * Measures the reconciler: kernel change to changed table on the executable, the comparison of two large tables in process, and
 * what the executable weighs. Needs iproute2, namespaces and python3.
 *
 * Run it on a quiet machine: `deno run --allow-all tests/bench/reconciler_bench.ts`.
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { parsePrefix } from "../../src/routes/prefix.ts";
import type { CloudRoute, CloudTraits, TableState } from "../../src/clouds/cloud.ts";
import { indexTable } from "../../src/sync/ownership.ts";
import { type Difference, difference } from "../../src/sync/plan.ts";
import { fit, type FittedPlan } from "../../src/sync/fit.ts";
import type { Target } from "../../src/sync/planned_change.ts";
import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { type Figure, figuresText, spreadOf } from "./figure.ts";

const changes = 200;
const tableSize = 100_000;
const comparisons = 9;
const starts = 20;
const owner = "cloudroutesync";

/** All that is measured here. */
export async function reconcilerFigures(): Promise<readonly Figure[]> {
  const binary = await binaryPath();
  return [...await changeFigures(binary), ...comparisonFigures(), ...await startFigures(binary)];
}

/** One change of the kernel at a time, each waited for in the table. */
async function changeFigures(binary: string): Promise<Figure[]> {
  await using namespace = await Namespace.create();
  await namespace.veth("eth0", "fabric", "10.0.0.2/24");
  const folder = await Deno.makeTempDir();
  const file = `${folder}/cloud.json`;
  await Deno.writeTextFile(file, `{"version": 0, "quota": ${tableSize}, "routes": []}`);
  const run = namespace.spawn([binary, "-cloud", "local", "-event", "-local-file", file], { stderr: "null" });
  const kernel = new Kernel(namespace);
  try {
    await kernel.announce("192.0.2.0/24", "10.0.0.7", file);
    const adds: number[] = [];
    const replaces: number[] = [];
    for (const [latencies, gateway] of [[adds, "10.0.0.7"], [replaces, "10.0.0.8"]] as const) {
      for (let index = 0; index < changes; index++) {
        latencies.push(await kernel.announce(`100.64.${index}.0/24`, gateway, file));
      }
    }
    const writes = (await readTable(file)).version - 1;
    const resident = /VmRSS:\s+(\d+) kB/.exec(await Deno.readTextFile(`/proc/${run.pid}/status`))?.[1];
    return [
      { what: `kernel to table, ${changes} adds`, value: latencyText(adds), limit: latencyLimit },
      { what: `kernel to table, ${changes} replaces`, value: latencyText(replaces), limit: latencyLimit },
      {
        what: "writes",
        value: `${writes} for ${2 * changes} changes one at a time`,
        limit: `${2 * changes}`,
      },
      { what: "RSS of run -event", value: `${Math.round(Number(resident) / 1024)} MB`, limit: "" },
    ];
  } finally {
    kernel[Symbol.dispose]();
    run.kill("SIGKILL");
    await run.status;
    await Deno.remove(folder, { recursive: true });
  }
}

const latencyLimit = "median 25 ms, 99 % 120 ms";

function latencyText(latencies: readonly number[]): string {
  const { least, median, p99 } = spreadOf(latencies);
  return `median ${median.toFixed(1)} ms, 99 % ${p99.toFixed(1)} ms, least ${least.toFixed(1)} ms`;
}

/** One `ip -batch` for all changes, so that starting processes is not measured. */
class Kernel implements Disposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(namespace: Namespace) {
    this.#process = namespace.spawn(["ip", "-batch", "-"], { stdin: "piped", stdout: "null" });
    this.#writer = this.#process.stdin.getWriter();
  }

  /** Makes a change and waits for it in the table. @returns milliseconds between the two. */
  async announce(prefix: string, gateway: string, file: string): Promise<number> {
    const startedAt = performance.now();
    const line = `route replace ${prefix} via ${gateway} proto bgp\n`;
    await this.#writer.write(new TextEncoder().encode(line));
    for (;;) {
      const { routes } = await readTable(file);
      if (routes.some((route) => route.prefix === prefix && route.nextHop === gateway)) break;
      await sleep(1);
      assert.ok(performance.now() - startedAt < 30_000, `${prefix} did not come`);
    }
    const took = performance.now() - startedAt;
    // The next change must not meet the same round.
    await sleep(15);
    return took;
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

/** The embedded cloud's file; it validates what it writes. */
async function readTable(
  file: string,
): Promise<{ version: number; routes: { prefix: string; nextHop: string }[] }> {
  return JSON.parse(await Deno.readTextFile(file));
}

const traits: CloudTraits = {
  batch: 1000,
  atomic: true,
  parallel: 1,
  rate: null,
  nextHopsPerRoute: 1,
  ownership: "mark",
  uniquePrefix: true,
};

/** What is wanted against what is there, by how much they differ. */
function comparisonFigures(): Figure[] {
  const same = routesOf(11, "10.0.0.7");
  const moved = routesOf(11, "10.0.0.8");
  const others = routesOf(21, "10.0.0.7");
  const cases: readonly (readonly [string, readonly CloudRoute[], readonly CloudRoute[]])[] = [
    ["all alike", same, same],
    ["all replaced", same, moved],
    ["all added and deleted", same, others],
  ];
  return cases.map(([name, wanted, actual]) => {
    const times = Array.from({ length: comparisons }, () => compareTables(wanted, actual));
    const { least, median } = spreadOf(times);
    return {
      what: `100,000 × 100,000`,
      value: `${name}: median ${median.toFixed(0)} ms, least ${least.toFixed(0)} ms`,
      limit: "",
    };
  });
}

function routesOf(firstOctet: number, nextHop: string): readonly CloudRoute[] {
  return Array.from({ length: tableSize }, (_, index) => ({
    prefix: parsePrefix(`${firstOctet + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`),
    nextHops: [nextHop],
    owner,
  }));
}

/** Index, difference and fit, as the first round after a start does them. @returns milliseconds. */
function compareTables(wanted: readonly CloudRoute[], actual: readonly CloudRoute[]): number {
  const targets = new Map<string, Target>(
    wanted.map(({ prefix, nextHops }) => [prefix.text, { prefix, nextHops, metric: 20 }]),
  );
  const state: TableState = {
    table: { id: "bench", name: "bench", ours: true },
    routes: actual,
    quotas: [{ families: [4, 6], used: actual.length, limit: 2 * tableSize }],
    version: null,
  };
  const startedAt = performance.now();
  const index = indexTable(state, { owner, traits, claims: new Map(), peers: [], dead: new Set() });
  const prefixes = new Set([...targets.keys(), ...index.own.keys()]);
  const parts = difference(prefixes, {
    wanted: (key) => targets.get(key),
    index,
    traits,
    adopt: false,
    group: null,
  });
  const plan = fit(parts, state.quotas, (prefix) => targets.get(prefix.text)?.metric ?? 0);
  const took = performance.now() - startedAt;
  assertComplete(parts, plan);
  return took;
}

/** A fast comparison that forgets something would be no feat. */
function assertComplete(parts: Difference, plan: FittedPlan): void {
  const planned = parts.adds.length + parts.replaces.length + parts.deletes.length;
  assert.equal(plan.waves.flat().length, planned);
  assert.equal(parts.kept + parts.replaces.length + parts.adds.length, tableSize);
}

/** How `version` starts, and how large the executable is. */
async function startFigures(binary: string): Promise<Figure[]> {
  const times: number[] = [];
  for (let start = 0; start < starts; start++) {
    const startedAt = performance.now();
    const { success } = await new Deno.Command(binary, { args: ["version"], stdout: "null" }).output();
    times.push(performance.now() - startedAt);
    assert.ok(success);
  }
  const { least, median } = spreadOf(times);
  const { size } = await Deno.stat(binary);
  return [
    {
      what: "start of version",
      value: `median ${median.toFixed(0)} ms, least ${least.toFixed(0)} ms`,
      limit: "60 ms",
    },
    {
      what: "RSS of version",
      value: `${(await peakKilobytes(binary) / 1024).toFixed(0)} MB`,
      limit: "55 MB",
    },
    { what: "executable", value: `${(size / 1e6).toFixed(1)} MB`, limit: "98 MB" },
  ];
}

/** Peak resident memory of `version`, in KiB: Deno does not tell a child's, Python does (getrusage(2)). */
async function peakKilobytes(binary: string): Promise<number> {
  const script =
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); " +
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
  const { stdout } = await new Deno.Command("python3", { args: ["-c", script, binary, "version"] }).output();
  return Number(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(figuresText(await reconcilerFigures())));
}
