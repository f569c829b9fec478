/** The protocol of a router group, checked by spin in all its orders: see group.pml. */

import assert from "node:assert/strict";
import { programMissing, skips } from "../needs.ts";
import { inTemporaryFolder } from "../fakes/temporary_folder.ts";

const ignore = skips(programMissing("spin", "spin"), programMissing("cc", "gcc"));
const model = new URL("group.pml", import.meta.url).pathname;

/** Checks the protocol, or one from which a row of the decision is taken away. @returns how many errors spin finds. */
async function errorsOf(mutant: number | null): Promise<number> {
  let errors = NaN;
  await inTemporaryFolder(async (folder) => {
    const define = mutant === null ? [] : [`-DMUTANT_${mutant}`];
    await run(folder, "spin", ["-a", ...define, model]);
    await run(folder, "cc", ["-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"]);
    const report = await run(folder, "./pan", ["-m100000"]);
    // A depth that did not suffice would leave orders out.
    assert.doesNotMatch(report, /max search depth too small/);
    errors = Number(/errors: (\d+)/.exec(report)?.[1]);
  });
  return errors;
}

async function run(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd }).output();
  const output = new TextDecoder().decode(stdout);
  assert.equal(code, 0, `${program} ended with ${code}: ${output}${new TextDecoder().decode(stderr)}`);
  return output;
}

Deno.test(
  "two routers without a leader: no living peer's route is deleted, writes end, the table points at one that wants it",
  { ignore },
  async () => assert.equal(await errorsOf(null), 0),
);

for (const mutant of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`the protocol fails without what MUTANT_${mutant} takes away`, { ignore }, async () => {
    assert.equal(await errorsOf(mutant), 1);
  });
}
