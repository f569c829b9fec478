import assert from "node:assert/strict";
import { nothingCompared } from "../../../src/sync/comparison.ts";
import { Notices } from "../../../src/sync/notices.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { addChange, cloudRoute, deleteChange, quota } from "../../fakes/cloud_routes.ts";
import { comparisonOf } from "../../fakes/comparisons.ts";

const wanted = { "10.1.0.0/16": ["10.0.0.2"] };
const inTheWay = comparisonOf({ wanted, foreign: [cloudRoute("10.1.0.0/16", "10.0.0.9")] });
const held = comparisonOf({
  own: Array.from({ length: 12 }, (_, index) => cloudRoute(`10.${index}.0.0/16`, "10.0.0.2")),
});

/** What a table's notices log of comparisons that follow one another. */
function logOf(...comparisons: readonly Parameters<Notices["tell"]>[0][]): readonly string[] {
  using log = captureLog();
  const notices = new Notices("table");
  const quotas = [quota(2, 2), quota(0, null, [6])];
  for (const comparison of comparisons) notices.tell(comparison, quotas);
  return log.lines;
}

function unfit(...prefixes: readonly string[]): typeof nothingCompared {
  return { ...nothingCompared, fitted: { waves: [], unfit: prefixes.map((prefix) => addChange(prefix)) } };
}

Deno.test("Notices tell nothing when nothing is left undone", () => {
  assert.deepEqual(logOf(nothingCompared, nothingCompared), []);
});

Deno.test("Notices tell what a limit leaves out, once for each prefix, and when all have room", () => {
  const lines = logOf(
    unfit("10.1.0.0/16"),
    unfit("10.1.0.0/16"),
    unfit("10.1.0.0/16", "10.2.0.0/16"),
    unfit("10.1.0.0/16"),
    unfit("10.2.0.0/16"),
    nothingCompared,
    unfit("10.1.0.0/16"),
  );
  const first = "warning: table: the limit leaves 1 of the wanted routes out (2 of 2 IPv4): 10.1.0.0/16";
  assert.deepEqual(lines, [
    first,
    "warning: table: the limit leaves 2 of the wanted routes out (2 of 2 IPv4): 10.1.0.0/16, 10.2.0.0/16",
    "info: table: all routes have room again",
    first,
  ]);
});

Deno.test("Notices name five prefixes at most", () => {
  const [line] = logOf(unfit(...Array.from({ length: 6 }, (_, index) => `10.${index}.0.0/16`)));
  assert.match(line ?? "", /leaves 6 .*: 10\.0\.0\.0\/16, .*10\.4\.0\.0\/16 and 1 more$/);
});

Deno.test("Notices tell of foreign routes in the way, and when they are gone", () => {
  assert.deepEqual(logOf(inTheWay, inTheWay, nothingCompared), [
    "warning: table: foreign routes stand at 1 wanted prefixes (-adopt takes them over): 10.1.0.0/16",
    "info: table: no foreign route stands in the way any more",
  ]);
});

Deno.test("Notices tell when a hold begins and ends, but not while the kernel is not quiet yet", () => {
  const notQuiet = { ...nothingCompared, waiting: [deleteChange("10.1.0.0/16")] };
  assert.deepEqual(logOf(held, notQuiet, held, nothingCompared), [
    "warning: table: withdrawals are held: 12 of 12 owned routes would go within 120 s, more than 30 %",
    "info: table: no withdrawal is held any more",
  ]);
});
