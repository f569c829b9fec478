/** Finds a short walk that still diverges (delta debugging, ddmin). */

import type { Burst, WalkPlan } from "./walk_plan.ts";

/** One command and its burst's place in the walk. */
interface Step {
  readonly burst: number;
  readonly line: string;
}

/**
 * Leaves out commands as long as the walk diverges without them, and there is time.
 *
 * @param diverges whether a walk does; chance may play a part, so that true counts and false may be wrong.
 * @param mostTries walks to go through at most.
 * @param mostMs no walk begins later than that, milliseconds.
 */
export async function shrink(
  plan: WalkPlan,
  diverges: (plan: WalkPlan) => Promise<boolean>,
  mostTries: number,
  mostMs: number,
): Promise<WalkPlan> {
  const end = performance.now() + mostMs;
  const isOver = (): boolean => tries >= mostTries || performance.now() >= end;
  let steps = plan.bursts.flatMap((burst, index) => burst.lines.map((line) => ({ burst: index, line })));
  let tries = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1;) {
    let shorter = false;
    for (let start = steps.length - 1; start >= 0 && !isOver(); start -= size) {
      const rest = steps.toSpliced(Math.max(0, start - size + 1), Math.min(size, start + 1));
      tries++;
      if (!await diverges({ ...plan, bursts: burstsOf(plan, rest) })) continue;
      steps = rest;
      shorter = true;
    }
    if (isOver()) break;
    if (size === 1 && !shorter) break;
    size = Math.max(1, Math.floor(size / 2));
  }
  return { ...plan, bursts: burstsOf(plan, steps) };
}

function burstsOf(plan: WalkPlan, steps: readonly Step[]): Burst[] {
  return plan.bursts.map(({ at, calm }, index) => ({
    at,
    calm,
    lines: steps.filter(({ burst }) => burst === index).map(({ line }) => line),
  })).filter(({ lines }) => lines.length > 0);
}

/** A walk as a script for a reader, or for `ip -batch` in a fresh namespace. */
export function scriptText({ sysctls, beside, bursts }: WalkPlan): string {
  const settings = Object.entries(sysctls).map(([path, value]) => `# /proc/sys/net/${path} = ${value}`);
  const others = beside > 0 ? [`# ${beside} routes stand beside`] : [];
  const lines = bursts.flatMap(({ at, calm, lines }) => [
    at === null
      ? `# at a quiet moment${calm ? ", after a while" : ""}`
      : `# after ${at} of 1000 datagrams of a dump`,
    ...lines,
  ]);
  return [...settings, ...others, ...lines].join("\n");
}
