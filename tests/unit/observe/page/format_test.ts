/** The page's words. */

import assert from "node:assert/strict";
import {
  ageText,
  countdownText,
  counted,
  durationText,
  nextSteps,
  quantile,
  titleOf,
  whyText,
} from "../../../../src/observe/page/format.js";

Deno.test("durationText() is as exact as a person needs it", () => {
  const texts = [0.4, 340, 999.6, 4_240, 12_900, 61_000, 3_600_000, 11_520_000, 90_000_000, 86_400_000].map(
    durationText,
  );
  assert.deepEqual(texts, [
    "0 ms",
    "340 ms",
    "1.0 s",
    "4.2 s",
    "12 s",
    "1 min",
    "1 h",
    "3 h 12 min",
    "1 d 1 h",
    "1 d",
  ]);
  assert.deepEqual([-5, 900, 4_900, 61_000].map(ageText), ["0 s", "0 s", "4 s", "1 min"]);
});

Deno.test("countdownText() counts whole seconds down to 0:00", () => {
  assert.deepEqual([103_200, 60_000, 900, 0, -5_000].map(countdownText), [
    "1:44",
    "1:00",
    "0:01",
    "0:00",
    "0:00",
  ]);
});

Deno.test("counted() and quantile() take numbers as they come", () => {
  assert.deepEqual([counted(1, "route"), counted(10_240, "route")], ["1 route", "10,240 routes"]);
  assert.deepEqual([quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 1)], [null, 2, 3]);
});

const calm = { state: "ok", held: [], problems: [], errors: [] } as const;

Deno.test("nextSteps() names commands, the most urgent first, each once", () => {
  assert.deepEqual(nextSteps(calm), []);
  const held = { table: "rtb-1", count: 16, why: null, until: null, release: "cloudroutesync release" };
  const blocked = (prefix: string): { prefix: string; problem: string; command: string } => ({
    prefix,
    problem: "blocked by a foreign route",
    command: `cloudroutesync explain ${prefix} (-adopt takes it over)`,
  });
  const steps = nextSteps({
    ...calm,
    state: "degraded",
    held: [held, held],
    problems: [blocked("10.1.0.0/16")],
  });
  assert.deepEqual(steps, [
    { command: "cloudroutesync release", does: "lets the 16 held withdrawals go now" },
    {
      command: "cloudroutesync explain 10.1.0.0/16",
      does: "10.1.0.0/16: blocked by a foreign route (-adopt takes it over)",
    },
  ]);
});

Deno.test("nextSteps() has something to type for every verdict that is bad", () => {
  const denied = {
    table: "rtb-1",
    prefix: null,
    message: "no",
    kind: "denied",
    further: 0,
    remedy: null,
    nextTry: null,
  };
  assert.match(nextSteps({ ...calm, errors: [denied] })[0]?.command ?? "", /doctor$/);
  assert.match(nextSteps({ ...calm, state: "degraded" })[0]?.command ?? "", /doctor$/);
  assert.match(nextSteps({ ...calm, state: "failing" })[0]?.command ?? "", /^journalctl/);
});

Deno.test("titleOf() does not call in step what is under way", () => {
  assert.equal(titleOf({ state: "ok", inStep: true }), "In step");
  assert.equal(titleOf({ state: "ok", inStep: false }), "Bringing into step");
  assert.equal(titleOf({ state: "degraded", inStep: false }), "Degraded");
});

Deno.test("whyText() leaves the name of the only table out", () => {
  const tables = (names: readonly string[]): never =>
    ({ tables: names.map((table) => ({ table })) }) as never;
  assert.equal(whyText({ why: "rtb-1: a; rtb-1: b", flow: tables(["rtb-1"]) }), "a\nb");
  const full = "Cannot write local file /t.json: no space";
  assert.equal(whyText({ why: full, flow: tables(["/t.json"]) }), full, "it is part of the sentence");
  assert.equal(
    whyText({ why: "rtb-1: a; rtb-2: b", flow: tables(["rtb-1", "rtb-2"]) }),
    "rtb-1: a\nrtb-2: b",
  );
});
