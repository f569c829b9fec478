import assert from "node:assert/strict";
import { copyFinding } from "../../../../src/clouds/kit/copy_finding.ts";
import type { CopyPlan } from "../../../../src/clouds/kit/living_copy.ts";

const whole: CopyPlan = { steps: [], copies: [["route 0.0.0.0/0", "igw-1"]], faults: [] };
const state = { own: "rtb-own", formers: ["rtb-main"], gone: [], plan: whole };

Deno.test("copyFinding() is ok for a whole copy, bad for one that is behind or cannot follow", () => {
  assert.equal(copyFinding(state)?.detail, "rtb-own has what rtb-main has (1 entry)");
  const steps = Array.from({ length: 7 }, (_, index) => ({
    action: "remove" as const,
    key: `route 10.${index}.0.0/16`,
    from: "pcx-1",
    to: null,
  }));
  const behind = copyFinding({ ...state, plan: { ...whole, steps } });
  assert.equal(behind?.status, "bad");
  assert.match(
    behind?.detail ?? "",
    /^rtb-own is behind rtb-main: remove route 10\.0\.0\.0\/16, .*, 2 more$/,
  );
  assert.match(behind?.remedy ?? "", /cloudroutesync apply/);
  const stuck = copyFinding({ ...state, plan: { ...whole, faults: ["Cannot carry over route a"] } });
  assert.deepEqual([stuck?.status, stuck?.detail], ["bad", "Cannot carry over route a"]);
});

Deno.test("copyFinding() says that the former table is gone, and nothing where there never was one", () => {
  assert.equal(copyFinding({ ...state, formers: [], gone: ["rtb-old"] })?.status, "unknown");
  assert.equal(copyFinding({ ...state, formers: [] }), null);
});
