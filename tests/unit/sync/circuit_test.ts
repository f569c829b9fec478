import assert from "node:assert/strict";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { Circuit } from "../../../src/sync/circuit.ts";
import type { PlannedChange } from "../../../src/sync/planned_change.ts";
import { addChange, deleteChange, replaceChange } from "../../fakes/cloud_routes.ts";

const add = addChange("10.1.0.0/16");
const others: Readonly<Record<string, PlannedChange>> = {
  "the same": add,
  "the same to elsewhere": addChange("10.1.0.0/16", "eni-9"),
  "another add": addChange("10.2.0.0/16"),
  "an IPv6 add": addChange("2001:db8::/32"),
  "a replace": replaceChange("10.3.0.0/16"),
  "a delete": deleteChange("10.4.0.0/16"),
};

/** What a failed add of 10.1.0.0/16 keeps from being tried. */
const rows: readonly (readonly [CloudErrorKind, readonly string[]])[] = [
  ["denied", ["the same", "the same to elsewhere", "another add", "an IPv6 add"]],
  ["quota", ["the same", "the same to elsewhere", "another add"]],
  ["invalid", ["the same"]],
  ["throttled", []],
  ["conflict", []],
  ["gone", []],
  ["unavailable", []],
  ["malformed", []],
];

for (const [kind, stopped] of rows) {
  Deno.test(`Circuit after ${kind} stops ${stopped.join(", ") || "nothing"}, for a minute`, () => {
    const circuit = new Circuit();
    circuit.open(add, new CloudError(kind, "no"), 1000);
    const open = (now: number): readonly string[] =>
      Object.entries(others).filter(([, change]) => !circuit.isRetryable(change, now)).map(([name]) => name);
    assert.deepEqual(open(1000), stopped);
    assert.deepEqual(open(60_999), stopped);
    assert.deepEqual(open(61_000), []);
    assert.equal(circuit.nextAt(1000), stopped.length === 0 ? null : 61_000);
    assert.equal(circuit.nextAt(61_000), null);
  });
}

Deno.test("Circuit lets adds and replaces of a family be tried again once places were freed", () => {
  const circuit = new Circuit();
  const replace = replaceChange("10.3.0.0/16");
  circuit.open(add, new CloudError("quota", "full"), 0);
  circuit.open(replace, new CloudError("quota", "full"), 0);
  circuit.placesFreed(deleteChange("2001:db8::/32"));
  assert.equal(circuit.isRetryable(add, 1), false, "places of the other family");
  circuit.placesFreed(deleteChange("10.9.0.0/16"));
  assert.deepEqual([circuit.isRetryable(add, 1), circuit.isRetryable(replace, 1)], [true, true]);
});

Deno.test("Circuit soon lets an add be tried again that was over the quota right after places were freed, then ever later", () => {
  const circuit = new Circuit();
  circuit.placesFreed(deleteChange("10.9.0.0/16"));
  const refusals = [0, 1, 2, 3, 4, 5, 6, 7].map((refusal) => {
    const at = refusal * 100_000;
    circuit.open(add, new CloudError("quota", "full"), at);
    return (circuit.nextAt(at) ?? 0) - at;
  });
  assert.deepEqual(refusals, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  circuit.placesFreed(deleteChange("10.9.0.0/16"));
  circuit.open(add, new CloudError("quota", "full"), 0);
  assert.equal(circuit.nextAt(0), 1000, "freed again");
});

Deno.test("Circuit tells when the first of several may be tried", () => {
  const circuit = new Circuit();
  circuit.open(add, new CloudError("invalid", "no"), 5000);
  circuit.open(deleteChange("10.4.0.0/16"), new CloudError("denied", "no"), 2000);
  assert.equal(circuit.nextAt(5000), 62_000);
  assert.equal(circuit.nextAt(62_000), 65_000);
});

Deno.test("Circuit stops nothing when a refusal tells a limit that was not known: the plan leaves out what is over it", () => {
  const circuit = new Circuit();
  const full = (limit: number): CloudError => new CloudError("quota", "full", { limit });
  circuit.open(add, full(50), 0);
  circuit.open(addChange("10.2.0.0/16"), full(50), 0);
  assert.equal(circuit.isRetryable(add, 0), true, "two of one write");
  circuit.open(add, full(50), 1_000);
  assert.equal(circuit.isRetryable(add, 1_000), false, "the same limit again");
  circuit.open(add, full(40), 2_000);
  assert.equal(circuit.nextAt(2_000), 61_000, "another limit stops nothing more");
});

Deno.test("Circuit stops no delete for a quota, whatever write it was refused with", () => {
  const circuit = new Circuit();
  circuit.open(deleteChange("10.4.0.0/16"), new CloudError("quota", "full"), 0);
  assert.equal(circuit.isRetryable(deleteChange("10.4.0.0/16"), 0), true);
});
