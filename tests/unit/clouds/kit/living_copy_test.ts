import assert from "node:assert/strict";
import { type CopyPlan, planCopies, whyNotTogether } from "../../../../src/clouds/kit/living_copy.ts";

type Plain = Readonly<Record<string, string>>;

/** @param copies keys of ours that are known copies; entries to `eni-…` go before a copy. */
function plan(formers: readonly Plain[], own: Plain, copies: readonly string[] = []): CopyPlan {
  return planCopies(
    formers.map((entries, index) => ({
      name: `former-${index + 1}`,
      entries: new Map(Object.entries(entries)),
    })),
    {
      name: "own",
      entries: new Map(Object.entries(own)),
      isCopy: (key) => copies.includes(key),
      goesBefore: (_, value) => value.startsWith("eni-"),
    },
  );
}

function steps({ steps }: CopyPlan): string[] {
  return steps.map(({ action, key, from, to }) => `${action} ${key}: ${from} -> ${to}`);
}

Deno.test("planCopies() adds what all former tables have, and keeps what stands already", () => {
  const former = { "route a": "igw", "route b": "nat" };
  const outcome = plan([former, former], { "route a": "igw" });
  assert.deepEqual(steps(outcome), ["add route b: null -> nat"]);
  assert.deepEqual(outcome.copies, [["route a", "igw"], ["route b", "nat"]]);
  assert.deepEqual(outcome.faults, []);
});

Deno.test("planCopies() changes and removes copies as the former table does, and nothing else", () => {
  const own = { "route a": "igw", "route b": "nat", "route hand": "tgw", "route kernel": "eni-1" };
  const outcome = plan([{ "route a": "nat" }], own, ["route a", "route b"]);
  assert.deepEqual(steps(outcome), ["change route a: igw -> nat", "remove route b: nat -> null"]);
  assert.deepEqual(outcome.faults, []);
  // What is to be removed counts as a copy until it is gone.
  assert.deepEqual(outcome.copies, [["route a", "nat"], ["route b", "nat"]]);
});

Deno.test("planCopies() leaves the kernel's route in front of what the former table has", () => {
  const outcome = plan([{ "route a": "pcx" }], { "route a": "eni-1" });
  assert.deepEqual([steps(outcome), outcome.copies, outcome.faults], [[], [], []]);
});

Deno.test("planCopies() says that it does not know which of two routes is wrong", () => {
  const outcome = plan([{ "route 0.0.0.0/0": "nat-1" }], { "route 0.0.0.0/0": "igw-1" });
  assert.deepEqual(steps(outcome), []);
  assert.deepEqual(outcome.faults, [
    "Cannot carry over route 0.0.0.0/0 to nat-1 from former-1: own has it to igw-1, which is not known to be a copy; " +
    "delete the one that is wrong, or hand over tables with -route-table",
  ]);
});

Deno.test("planCopies() follows no entry that former tables do not agree on, and goes on with the others", () => {
  const outcome = plan(
    [{ "route a": "igw", "route b": "x" }, { "route b": "x" }],
    { "route a": "igw" },
    ["route a"],
  );
  assert.deepEqual(steps(outcome), ["add route b: null -> x"]);
  assert.deepEqual(outcome.copies, [["route a", "igw"], ["route b", "x"]]);
  assert.match(
    outcome.faults.join(),
    /^Cannot carry over route a: former-1 has route a to igw, former-2 has no route a; /,
  );
});

Deno.test("planCopies() removes nothing where no former table is known", () => {
  const outcome = plan([], { "route a": "igw" }, ["route a"]);
  assert.deepEqual(outcome, { steps: [], copies: [], faults: [] });
});

Deno.test("whyNotTogether() compares in both directions", () => {
  const table = (name: string, entries: Plain): { name: string; entries: Map<string, string> } => ({
    name,
    entries: new Map(Object.entries(entries)),
  });
  const out = table("rtb-out", { "route 0.0.0.0/0": "igw-1" });
  const isolated = table("rtb-isolated", {});
  assert.equal(
    whyNotTogether("subnet-1", out, [table("rtb-x", { "route 0.0.0.0/0": "igw-1" })], "rtb-own"),
    null,
  );
  assert.equal(
    whyNotTogether("subnet-1", isolated, [out], "rtb-own"),
    "Cannot let subnet subnet-1 use rtb-own, which other subnets use: rtb-isolated has no route 0.0.0.0/0, rtb-out has " +
      "route 0.0.0.0/0 to igw-1; subnets whose routes differ need a table each: choose another -owner, or hand over tables " +
      "with -route-table",
  );
  assert.match(
    whyNotTogether("subnet-2", out, [isolated], "rtb-own") ?? "",
    /rtb-isolated has no route 0\.0\.0\.0\/0/,
  );
});
