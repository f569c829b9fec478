import assert from "node:assert/strict";
import { parseDuration } from "../../../src/async/duration.ts";

const good: readonly (readonly [string, number])[] = [
  ["0", 0],
  ["10", 10_000],
  ["0.5", 500],
  ["250ms", 250],
  ["5s", 5000],
  ["1.5s", 1500],
  ["2m", 120_000],
  ["1h", 3_600_000],
  ["1m30s", 90_000],
  ["1h2m3s4ms", 3_723_004],
  ["1h30m", 5_400_000],
  [".5s", 500],
  ["5.s", 5000],
  [".5", 500],
  ["100us", 0.1],
  ["100\u00b5s", 0.1],
  ["100\u03bcs", 0.1],
  ["1500ns", 0.0015],
  ["1s500ms", 1500],
];

for (const [text, ms] of good) {
  Deno.test(`parseDuration("${text}") is ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}

Deno.test("parseDuration() refuses anything else and names it", () => {
  for (
    const text of [
      "",
      "s",
      "-5s",
      "-1",
      "5 s",
      "5d",
      "5S",
      "1e3",
      "1,5s",
      "5s!",
      ".",
      ".s",
      "..5s",
      "1h30",
      "Infinity",
      "NaN",
    ]
  ) {
    assert.throws(() => parseDuration(text), {
      name: "SyntaxError",
      message: `Cannot parse duration "${text}": it is neither a number of seconds nor like 250ms, 5s or 2m`,
    });
  }
});
