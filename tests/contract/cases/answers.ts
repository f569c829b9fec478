/** Answers that are not what they should be: never an empty table, never a VM that is not there, never a refusal. */

import assert from "node:assert/strict";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { add, failure, never, outcomesOf, ready } from "../helpers.ts";
import { type Bench, type ContractCase, type Damage, damages } from "../rig.ts";

const calls = ["read", "resolve", "write"] as const;
type Call = (typeof calls)[number];
type AnswerCaseName = `${Call}() trusts no ${Damage} answer`;

export const answerCases: Record<AnswerCaseName, ContractCase> = answerCasesOfAll();

function answerCasesOfAll(): Record<AnswerCaseName, ContractCase> {
  const all = damages.flatMap((damage) => [
    [`read() trusts no ${damage} answer`, (bench: Bench) => damagedReading(bench, damage)] as const,
    [`resolve() trusts no ${damage} answer`, (bench: Bench) => damagedLookUp(bench, damage)] as const,
    [`write() trusts no ${damage} answer`, (bench: Bench) => damagedWrite(bench, damage)] as const,
  ]);
  // The names are made of just those lists, of which the type is made as well.
  return Object.fromEntries(all) as Record<AnswerCaseName, ContractCase>;
}

async function damagedReading(bench: Bench, damage: Damage): Promise<void> {
  const { subject, table, state } = await ready(bench);
  await bench.rig.damage(damage, "read");
  const error = await failure(subject.read(table, never));
  assert.ok(["malformed", "unavailable"].includes(error.kind), `${error.kind} ${error.message}`);
  assert.match(error.message, /^Cannot /);
  await bench.rig.heal();
  assert.deepEqual(await subject.read(table, never), state);
}

async function damagedLookUp(bench: Bench, damage: Damage): Promise<void> {
  const subject = await bench.open();
  await subject.identify(never);
  const { address, id } = bench.rig.neighbours.standing[4];
  await bench.rig.damage(damage, "resolve");
  const error = await failure(subject.resolve([parseAddress(address)], never));
  assert.ok(["malformed", "unavailable"].includes(error.kind), `${error.kind} ${error.message}`);
  await bench.rig.heal();
  assert.equal((await subject.resolve([parseAddress(address)], never)).get(address), id);
}

/** The write took effect: to call it refused would give the route away. */
async function damagedWrite(bench: Bench, damage: Damage): Promise<void> {
  const on = await ready(bench);
  await bench.rig.damage(damage, "write");
  const [outcome] = await outcomesOf(on, [add("198.51.100.0/24", bench.rig.self[4])], on.state);
  assert.ok(
    outcome === null || ["malformed", "unavailable"].includes(outcome?.kind ?? ""),
    `${outcome?.kind} ${outcome?.message}`,
  );
  await bench.rig.heal();
  await bench.rig.traffic.settled();
  const { routes } = await on.subject.read(on.table, never);
  assert.ok(routes.some((route) => route.prefix.text === "198.51.100.0/24"), "the write took no effect");
}
