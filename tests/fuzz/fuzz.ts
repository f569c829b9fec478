/**
 * `deno task fuzz [SECONDS]`: damages good inputs and those of the corpus, for some seconds a target, and keeps what has an outcome
 * that nothing in the corpus had. Ends with 1 where an input has an outcome that it must not have, and keeps that input.
 */

import { readCorpus, writeCorpus } from "./corpus.ts";
import { damaged } from "./damage.ts";
import { type FuzzTarget, targets } from "./targets.ts";

/** More of a target would only slow down the test that replays them. */
const mostKept = 40;
const longest = 400;

if (import.meta.main) Deno.exit(await fuzz(Number(Deno.args[0] ?? "10")));

async function fuzz(seconds: number): Promise<number> {
  let defects = 0;
  for (const target of targets) defects += await fuzzTarget(target, seconds);
  return defects === 0 ? 0 : 1;
}

/** @returns how many inputs ended in a defect. */
async function fuzzTarget(target: FuzzTarget, seconds: number): Promise<number> {
  const kept = await readCorpus(target.name);
  const pool = [...target.seeds(), ...kept];
  const seen = new Set<string>();
  for (const input of pool) seen.add(await target.outcome(input));
  let [rounds, defects] = [0, 0];
  // One defect at a time: it is in the way of the others.
  for (const end = performance.now() + seconds * 1000; performance.now() < end && defects === 0; rounds++) {
    const input = damaged(pool, (below) => Math.floor(Math.random() * below));
    if (input.length > longest) continue;
    let outcome: string;
    try {
      outcome = await target.outcome(input);
    } catch (error) {
      outcome = `defect: ${error instanceof Error ? error.message.replaceAll(/\d+/g, "0") : error}`;
      if (!seen.has(outcome)) {
        defects++;
        tell(`${target.name}: ${error instanceof Error ? error.stack : error}\n  on ${input.toHex()}`);
      }
    }
    if (seen.has(outcome) || kept.length >= mostKept) continue;
    seen.add(outcome);
    kept.push(input);
    pool.push(input);
  }
  await writeCorpus(target.name, kept);
  tell(`${target.name}: ${rounds} inputs, ${kept.length} kept, ${defects} defects`);
  return defects;
}

function tell(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
