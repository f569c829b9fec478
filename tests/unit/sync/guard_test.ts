/** Which withdrawals the guard lets go, and when. */

import assert from "node:assert/strict";
import {
  guard,
  type GuardDecision,
  type GuardSettings,
  letGo,
  newGuardState,
  wantedAgain,
} from "../../../src/sync/guard.ts";

const standard: GuardSettings = { maxWithdraw: 0.3, holdMs: 120_000 };

/** Names `count` prefixes, from a first number on. */
function named(count: number, first = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => `10.${first + index}.0.0/16`);
}

/** A guard with its memory and a table that changes as it says. */
class GuardedTable {
  #state = newGuardState();
  readonly #settings: GuardSettings;
  readonly owned: Set<string>;

  constructor(owned: number, settings: GuardSettings = standard) {
    this.owned = new Set(named(owned));
    this.#settings = settings;
  }

  /** Asks for withdrawals; what is released goes. */
  ask(withdrawals: readonly string[], seconds: number): GuardDecision {
    const decision = guard(withdrawals, this.owned, seconds * 1000, this.#settings, this.#state);
    this.#state = decision.state;
    for (const prefix of decision.released) this.owned.delete(prefix);
    return decision;
  }

  /** The kernel wants these again, and the cloud has them. */
  add(prefixes: readonly string[]): void {
    for (const prefix of prefixes) {
      wantedAgain(this.#state, prefix);
      this.owned.add(prefix);
    }
  }
}

Deno.test("guard() releases nothing when nothing is asked for", () => {
  const decision = new GuardedTable(100).ask([], 0);
  assert.deepEqual([decision.released, decision.held, decision.heldUntil, decision.why], [
    [],
    [],
    null,
    null,
  ]);
});

const boundaries: readonly {
  readonly owned: number;
  readonly lost: number;
  readonly held: boolean;
  readonly settings?: GuardSettings;
}[] = [
  { owned: 9, lost: 9, held: false },
  { owned: 10, lost: 9, held: false },
  { owned: 10, lost: 10, held: true },
  { owned: 30, lost: 9, held: false },
  { owned: 30, lost: 10, held: true },
  { owned: 33, lost: 10, held: true },
  { owned: 34, lost: 10, held: false },
  { owned: 100, lost: 30, held: false },
  { owned: 100, lost: 31, held: true },
  { owned: 100, lost: 100, held: true },
  { owned: 100, lost: 9, held: false, settings: { ...standard, maxWithdraw: 0 } },
  { owned: 100, lost: 10, held: true, settings: { ...standard, maxWithdraw: 0 } },
  { owned: 100, lost: 100, held: false, settings: { ...standard, maxWithdraw: 1 } },
  { owned: 100, lost: 100, held: false, settings: { ...standard, holdMs: 0 } },
];

for (const { owned, lost, held, settings = standard } of boundaries) {
  const limit = `${settings.maxWithdraw * 100} % and a hold of ${settings.holdMs / 1000} s`;
  Deno.test(`guard() ${held ? "holds" : "releases"} ${lost} of ${owned} with ${limit}`, () => {
    const decision = new GuardedTable(owned, settings).ask(named(lost), 0);
    assert.equal(decision.held.length, held ? lost : 0);
    assert.equal(decision.released.length, held ? 0 : lost);
    assert.equal(decision.heldUntil, held ? settings.holdMs : null);
  });
}

Deno.test("guard() says how many of how many would go, and within what time", () => {
  const { why } = new GuardedTable(50).ask(named(20), 0);
  assert.equal(why, "20 of 50 owned routes would go within 120 s, more than 30 %");
});

Deno.test("guard() tells the numbers that held and owned have, and apart from them what went before", () => {
  const table = new GuardedTable(27);
  table.ask(named(1), 0);
  const { why, held } = table.ask(named(15, 1), 10);
  assert.deepEqual([held.length, table.owned.size], [15, 26]);
  assert.equal(why, "15 of 26 owned routes would go and 1 went within 120 s, more than 30 %");
});

Deno.test("guard() lets the held go after the hold if they are still asked for", () => {
  const table = new GuardedTable(100);
  assert.equal(table.ask(named(60), 0).held.length, 60);
  assert.equal(table.ask(named(60), 119.999).held.length, 60);
  const ripe = table.ask(named(60), 120);
  assert.deepEqual([ripe.released.length, ripe.held.length, ripe.heldUntil], [60, 0, null]);
});

Deno.test("guard() forgets a withdrawal whose prefix is wanted again, and starts its hold anew", () => {
  const table = new GuardedTable(100);
  table.ask(named(60), 0);
  assert.equal(table.ask([], 60).held.length, 0);
  assert.equal(table.ask(named(60), 70).held.length, 60);
  const decision = table.ask(named(60), 130);
  assert.equal(decision.held.length, 60);
  assert.equal(decision.heldUntil, 190_000);
});

Deno.test("guard() tells when the first of the held may go, and lets the ripe go while others are held", () => {
  const table = new GuardedTable(100);
  table.ask(named(40), 0);
  assert.equal(table.ask(named(80), 50).heldUntil, 120_000);
  const decision = table.ask(named(80), 120);
  assert.equal(decision.released.length, 40);
  assert.equal(decision.held.length, 40);
  assert.equal(decision.heldUntil, 170_000);
});

Deno.test("guard() lets go what is small again since most of it came back", () => {
  const table = new GuardedTable(100);
  table.ask(named(60), 0);
  assert.equal(table.ask(named(5), 1).released.length, 5);
});

Deno.test("guard() holds a slow death: what goes in pieces within the hold counts together", () => {
  const table = new GuardedTable(100);
  let released = 0;
  for (let second = 0; second < 100; second++) {
    const pending = named(second + 1).slice(released);
    released += table.ask(pending, second).released.length;
  }
  assert.equal(released, 30);
});

Deno.test("guard() lets a slow decline pass whose pieces lie a hold apart", () => {
  const table = new GuardedTable(100);
  let released = 0;
  for (let step = 0; step < 8; step++) released += table.ask(named(9, step * 9), step * 121).released.length;
  assert.equal(released, 72);
});

Deno.test("guard() does not count churn that comes back", () => {
  const table = new GuardedTable(100);
  for (let round = 0; round < 20; round++) {
    assert.equal(table.ask(named(20), round).released.length, 20, `round ${round}`);
    table.add(named(20));
    table.ask([], round + 0.5);
  }
});

Deno.test("guard() counts what went after its hold as agreed: the next small withdrawal is free", () => {
  const table = new GuardedTable(100);
  table.ask(named(60), 0);
  assert.equal(table.ask(named(60), 120).released.length, 60);
  assert.equal(table.owned.size, 40);
  assert.equal(table.ask(named(12, 60), 121).released.length, 12, "12 of 40 are 30 %");
  assert.equal(table.ask(named(1, 72), 122).held.length, 1, "13 of 40 are more");
});

Deno.test("guard() counts an agreed withdrawal as gone only when it is: one that the cloud refuses frees no place", () => {
  const owned = new Set(named(130));
  const agreed = named(40, 200);
  let state = newGuardState();
  const ask = (withdrawals: readonly string[], seconds: number): GuardDecision => {
    const decision = guard(withdrawals, owned, seconds * 1000, standard, state);
    state = decision.state;
    return decision;
  };
  for (const prefix of agreed) owned.add(prefix);
  assert.equal(ask(agreed, 0).released.length, 40, "40 of 170 are few enough; but the cloud refuses them");
  assert.equal(ask([...agreed, ...named(11)], 119).released.length, 51);
  for (const prefix of named(11)) owned.delete(prefix);
  for (let second = 120; second < 130; second++) assert.equal(ask(agreed, second).released.length, 40);
  assert.equal(ask([...agreed, ...named(41, 11)], 130).held.length, 41, "11 and 41 of 170 are too many");
});

Deno.test("guard() takes a prefix that came back and goes again for a new withdrawal", () => {
  const table = new GuardedTable(100);
  assert.equal(table.ask(named(9), 0).released.length, 9);
  table.add(named(9));
  assert.equal(table.ask(named(34), 130).held.length, 34, "none of them was agreed to");
});

Deno.test("letGo() ends a hold: what is held goes at the next decision, what is asked for later is held", () => {
  const settings = { maxWithdraw: 0.3, holdMs: 120_000 };
  const prefixes = named(30);
  const owned = new Set(prefixes);
  const first = guard(prefixes.slice(0, 15), owned, 1_000, settings, newGuardState());
  assert.equal(first.held.length, 15);
  for (const prefix of prefixes) letGo(first.state, prefix, 2_000 - settings.holdMs);
  const second = guard(prefixes, owned, 2_000, settings, first.state);
  assert.deepEqual(second.released, prefixes.slice(0, 15));
  assert.deepEqual(second.held, prefixes.slice(15));
  wantedAgain(second.state, "10.0.0.0/16");
  letGo(second.state, "10.0.0.0/16", 3_000 - settings.holdMs);
  assert.ok(!second.state.since.has("10.0.0.0/16"), "what is wanted again is not let go");
});
