/**
 * Goes through walks inside a namespace for a test outside it: each line of standard input is the seed of one and its number of
 * commands, each line of output its {@linkcode WalkReport} as JSON.
 */

import { openLibc } from "../../../../ffi/libc.ts";
import { TextLineStream } from "../text_lines.ts";
import { scriptText, shrink } from "./shrink.ts";
import { walk } from "./walk.ts";
import { walkPlan } from "./walk_plan.ts";
import { WalkWorld } from "./walk_world.ts";

/** How a walk ended. */
export interface WalkReport {
  readonly seed: number;
  /** Command lines run in this process so far, and how many of them the kernel refused. */
  readonly lines: number;
  readonly failures: number;
  /** Null: monitor and kernel agreed throughout. */
  readonly divergence: {
    /** Of the whole walk. */
    readonly first: readonly string[];
    /** The least commands that were found to part the two, and how. */
    readonly script: string;
    readonly difference: readonly string[];
  } | null;
}

/** Walks to go through at most to find a shorter one. */
const mostTries = 150;

/** For so long at most, milliseconds. */
const mostShrinkingMs = 60_000;

/** How often a walk that depends on the moment is tried before it counts as one that agrees. */
const triesInDumps = 2;

/** A shorter walk differs if it does for so long, milliseconds: they are many. */
const shortQuietMs = 1_500;

const libc = openLibc();

async function report(world: WalkWorld, seed: number, steps: number): Promise<WalkReport> {
  const plan = walkPlan(seed, steps);
  const found = await walk(libc, world, plan);
  if (found === null) return { seed, lines: world.lines, failures: world.failures, divergence: null };
  let { difference } = found;
  const shortest = await shrink(
    { ...plan, bursts: plan.bursts.slice(0, found.bursts) },
    async (shorter) => {
      for (let attempt = 0; attempt < (plan.beside > 0 ? triesInDumps : 1); attempt++) {
        const again = await walk(libc, world, shorter, shortQuietMs);
        if (again !== null) {
          difference = again.difference;
          return true;
        }
      }
      return false;
    },
    mostTries,
    mostShrinkingMs,
  );
  return {
    seed,
    lines: world.lines,
    failures: world.failures,
    divergence: { first: found.difference, script: scriptText(shortest), difference },
  };
}

if (import.meta.main) {
  using world = new WalkWorld();
  for await (
    const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
  ) {
    const [seed, steps] = line.split(" ").map(Number);
    const result = await report(world, seed ?? 0, steps ?? 0);
    await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(result) + "\n"));
  }
}
