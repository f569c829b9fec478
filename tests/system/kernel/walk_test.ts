/**
 * Random walks: after each handful of random `ip` commands, half of them in the midst of a dump, the monitor's table equals a fresh dump,
 * with no periodic dump to help, and `ip route get fibmatch` names the route that wins. A walk that diverges is shortened by itself and
 * printed as a script; at which command a dump is in the midst of a prefix depends on the machine, so that it may not come again.
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

/** After so many walks that diverge no further one begins: each takes a minute to be shortened, and a fault may part all of them. */
const mostDivergences = 3;

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

/** Lets an agent in a namespace of its own go through walks until there are none left. @param take gets the report of each. */
async function runAgent(
  nextSeed: () => number | undefined,
  steps: number,
  take: (report: WalkReport) => void,
): Promise<WalkReport | undefined> {
  await using namespace = await Namespace.create();
  const agent = new URL("walk/walk_agent.ts", import.meta.url).pathname;
  await using child = namespace.spawn([Deno.execPath(), "run", "--allow-all", "--no-check", agent], {
    stdin: "piped",
    stdout: "piped",
  });
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  let last: WalkReport | undefined;
  for (let seed = nextSeed(); seed !== undefined; seed = nextSeed()) {
    await input.write(new TextEncoder().encode(`${seed} ${steps}\n`));
    const { value } = await output.read();
    if (value === undefined) {
      const { code, signal } = await child.status;
      throw new Error(`The walk of seed ${seed} ended its process with ${signal ?? code}`);
    }
    last = JSON.parse(value) as WalkReport;
    take(last);
  }
  await input.close();
  // It ends the processes that it has started; killed, it would leave them behind.
  await output.read();
  await child.status;
  return last;
}

function story({ seed, divergence }: WalkReport): string {
  if (divergence === null) return "";
  const { first, script, difference } = divergence;
  return [`Seed ${seed}:`, ...first, "# in short", script, "# then", ...difference].join("\n");
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
    const diverged: WalkReport[] = [];
    const nextSeed = (): number | undefined =>
      diverged.length < mostDivergences ? waiting.shift() : undefined;
    const last = (await Promise.all(
      Array.from({ length: Math.min(agents, seeds.length) }, () =>
        runAgent(nextSeed, steps, (report) => {
          if (report.divergence !== null) diverged.push(report);
        })),
    )).filter((report) => report !== undefined);
    assert.ok(diverged.length === 0, diverged.map(story).join("\n\n"));
    const lines = last.reduce((sum, report) => sum + report.lines, 0);
    const failures = last.reduce((sum, report) => sum + report.failures, 0);
    assert.ok(failures < lines * (1 - leastTaken), `the kernel refused ${failures} of ${lines} commands`);
  },
});
