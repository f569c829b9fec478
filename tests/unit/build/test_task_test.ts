import assert from "node:assert/strict";
import { namesTests } from "../../../.ci/test.ts";
import { countsOf, partsOf, summaryOf } from "../../../.ci/test_parts.ts";

const isPath = (text: string): boolean => text === "tests/unit" || text === "tests/unit/cli/apply_test.ts";

Deno.test("`deno task test` runs the whole suite unless files or folders are named", () => {
  const rows: readonly (readonly [given: readonly string[], named: boolean])[] = [
    [[], false],
    [["--filter", "plan"], false],
    [["tests/unit"], true],
    [["--parallel", "tests/unit"], true],
    [["tests/unit/cli/apply_test.ts", "--filter", "plan"], true],
    [["--", "tests/unit"], false],
  ];
  for (const [given, named] of rows) assert.equal(namesTests(given, isPath), named, given.join(" "));
});

Deno.test("the parts that take longest begin first, and none is left out", () => {
  const folders = ["tests/unit", "tests/system/gcp", "tests/system/aws", "tests/model"];
  assert.deepEqual(partsOf(folders), ["tests/system/aws", "tests/system/gcp", "tests/model", "tests/unit"]);
});

Deno.test("the closing line of the suite adds up its parts", () => {
  const results = [
    {
      part: "a",
      success: true,
      counts: countsOf("x\nok | 12 passed (3 steps) | 0 failed | 1 ignored (5s)\n"),
      seconds: 5,
    },
    { part: "b", success: false, counts: countsOf("FAILED | 7 passed | 2 failed (1m3s)"), seconds: 63 },
  ];
  assert.match(summaryOf(results, 64), /^FAILED \| 19 passed \| 2 failed \| 1 ignored \(64s\)$/m);
  assert.match(summaryOf(results, 64), /^FAILED b \(63s\)$/m);
});

Deno.test("a part that ends before its tests do fails the suite", () => {
  const counts = countsOf("error: Module not found");
  assert.equal(counts, null);
  const broken = { part: "a", success: false, counts, seconds: 1 };
  assert.match(summaryOf([broken], 1), /^FAILED \| 0 passed \| 1 failed/m);
});
