/**
 * Random walks: after each handful of random `ip` commands, half of them in the midst of a dump, the monitor's table equals a fresh dump,
 * with no periodic dump to help. A walk that fails is shortened by itself and printed as a script.
 *
 * Seeds of one's own, so many commands each: `CLOUDROUTESYNC_WALKS="1-1000 200" deno test --allow-all tests/system/kernel/walk_test.ts`.
 */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { TextLineStream } from "./text_lines.ts";
import type { WalkReport } from "./walk/walk_agent.ts";
import { routesBeside } from "./walk/walk_plan.ts";

const ignore = skips(namespacesMissing());

/** Walks that run side by side: more than there are processors, since they wait for the kernel and for quiet. */
const agents = navigator.hardwareConcurrency * 3;

/** Commands of a walk. */
const usualSteps = 200;

/**
 * A walk that diverges is gone through so many times more, and counts if it does so again: at which command of a script a dump is in the
 * midst of a prefix depends on the machine. One that does not come again is printed, to be looked into by hand.
 */
const replays = 3;

/** Share of commands that the kernel must take for the walks to be worth something. */
const leastTaken = 0.4;

/** The seeds, all of them fixed but the last one; and the commands of each. */
function wanted(): { readonly seeds: readonly number[]; readonly steps: number } {
  const own = /^(\d+)-(\d+) (\d+)$/.exec(Deno.env.get("CLOUDROUTESYNC_WALKS") ?? "");
  if (own !== null) return { seeds: range(Number(own[1]), Number(own[2])), steps: Number(own[3]) };
  const fresh = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return { seeds: [...range(1, Deno.env.has("CI") ? 200 : 20), fresh], steps: usualSteps };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Lets an agent in a namespace of its own go through walks until there are none left. */
async function runAgent(nextSeed: () => number | undefined, steps: number): Promise<WalkReport[]> {
  await using namespace = await Namespace.create();
  const agent = new URL("walk/walk_agent.ts", import.meta.url).pathname;
  await using child = namespace.spawn([Deno.execPath(), "run", "--allow-all", "--no-check", agent], {
    stdin: "piped",
    stdout: "piped",
  });
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  const reports: WalkReport[] = [];
  for (let seed = nextSeed(); seed !== undefined; seed = nextSeed()) {
    await input.write(new TextEncoder().encode(`${seed} ${steps}\n`));
    const { value } = await output.read();
    if (value === undefined) {
      const { code, signal } = await child.status;
      throw new Error(`The walk of seed ${seed} ended its process with ${signal ?? code}`);
    }
    reports.push(JSON.parse(value) as WalkReport);
  }
  await input.close();
  // It ends the processes that it has started; killed, it would leave them behind.
  await output.read();
  await child.status;
  return reports;
}

function story({ seed, divergence }: WalkReport): string {
  if (divergence === null) return "";
  return [`Seed ${seed}:`, divergence.script, "# then", ...divergence.difference].join("\n");
}

/** Whether a walk diverges again. What came once is printed. */
async function comesAgain(report: WalkReport, steps: number): Promise<boolean> {
  const again = Array.from({ length: replays }, () => report.seed);
  const reports = await runAgent(() => again.shift(), steps);
  if (reports.some(({ divergence }) => divergence !== null)) return true;
  await Deno.stderr.write(
    new TextEncoder().encode(`Came once, and not in ${replays} runs more:\n${story(report)}\n`),
  );
  return false;
}

const { seeds, steps } = wanted();

Deno.test({
  name: `KernelMonitor ends in the kernel's table after ${seeds.length} random walks, the last one of seed ${
    seeds.at(-1)
  }`,
  ignore,
  async fn(): Promise<void> {
    // Those with the same routes beside together: to put them up takes time.
    const waiting = seeds.toSorted((left, right) => routesBeside(left) - routesBeside(right));
    const count = Math.min(agents, seeds.length);
    const all = await Promise.all(
      Array.from({ length: count }, () => runAgent(() => waiting.shift(), steps)),
    );
    const repeated: string[] = [];
    for (const report of all.flat()) {
      if (report.divergence !== null && await comesAgain(report, steps)) repeated.push(story(report));
    }
    assert.deepEqual(repeated, []);
    const last = all.flatMap((own) => own.slice(-1));
    const lines = last.reduce((sum, report) => sum + report.lines, 0);
    const failures = last.reduce((sum, report) => sum + report.failures, 0);
    assert.ok(failures < lines * (1 - leastTaken), `the kernel refused ${failures} of ${lines} commands`);
  },
});
