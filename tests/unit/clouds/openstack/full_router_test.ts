import assert from "node:assert/strict";
import type { Change, ChangeOutcome } from "../../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";
import { writeWhatFits } from "../../../../src/clouds/openstack/full_router.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

const refusal = new CloudError("quota", "Cannot add 9 routes: Quota exceeded.");

function add(index: number): Change {
  return { action: "add", prefix: parsePrefix(`198.51.${index}.0/24`), from: null, to: ["10.0.0.20"] };
}

function withdraw(index: number): Change {
  const prefix = parsePrefix(`192.0.${index}.0/24`);
  return { action: "delete", prefix, from: { prefix, nextHops: ["10.0.0.20"], owner: null }, to: null };
}

/** A router with so many free places, which takes or refuses a list whole. */
class Router {
  readonly calls: string[][] = [];
  #free: number;
  readonly #failing: Readonly<Record<number, CloudErrorKind>>;

  /** @param failing what the nth call, from 0, fails with. */
  constructor(free: number, failing: Readonly<Record<number, CloudErrorKind>> = {}) {
    this.#free = free;
    this.#failing = failing;
  }

  readonly step = (changes: readonly Change[]): Promise<readonly ChangeOutcome[]> => {
    const kind = this.#failing[this.calls.length];
    this.calls.push(changes.map(({ prefix }) => prefix.text));
    if (kind !== undefined) return Promise.reject(new CloudError(kind, "Cannot write"));
    const needed = changes.reduce(
      (sum, { action }) => sum + ({ add: 1, replace: 0, delete: -1 } as const)[action],
      0,
    );
    if (needed > this.#free) return Promise.reject(refusal);
    this.#free -= needed;
    return Promise.resolve(changes.map((change) => ({ change, error: null })));
  };
}

/** What became of each change: `done` or the kind of its error, by the order of the changes. */
function fates(changes: readonly Change[], outcomes: readonly ChangeOutcome[]): string[] {
  return changes.map((change) => {
    const found = outcomes.filter((outcome) => outcome.change === change);
    assert.equal(found.length, 1, `${change.prefix.text} has ${found.length} outcomes`);
    return found[0]?.error?.kind ?? "done";
  });
}

for (let free = 0; free < 8; free++) {
  Deno.test(`writeWhatFits() writes the first ${free} of 8 into ${free} places, with few calls`, async () => {
    const changes = Array.from({ length: 8 }, (_, index) => add(index));
    const router = new Router(free);
    const outcomes = await writeWhatFits(changes, refusal, router.step);
    assert.deepEqual(fates(changes, outcomes), changes.map((_, index) => index < free ? "done" : "quota"));
    assert.ok(router.calls.length <= 3, `${router.calls.length} calls`);
  });
}

Deno.test("writeWhatFits() withdraws first, and then may find that all fits", async () => {
  const changes = [add(0), add(1), withdraw(0), withdraw(1)];
  const router = new Router(0);
  assert.deepEqual(fates(changes, await writeWhatFits(changes, refusal, router.step)), [
    "done",
    "done",
    "done",
    "done",
  ]);
  assert.deepEqual(router.calls, [["192.0.0.0/24", "192.0.1.0/24"], ["198.51.0.0/24", "198.51.1.0/24"]]);
});

Deno.test("writeWhatFits() makes no call for a single change: it is known not to fit", async () => {
  const router = new Router(0);
  const change = add(0);
  assert.deepEqual(fates([change], await writeWhatFits([change], refusal, router.step)), ["quota"]);
  assert.deepEqual(router.calls, []);
});

Deno.test("writeWhatFits() keeps what was done when a later call fails, and says why of the rest", async () => {
  const changes = Array.from({ length: 8 }, (_, index) => add(index));
  const outcomes = await writeWhatFits(changes, refusal, new Router(7, { 1: "conflict" }).step);
  assert.deepEqual(fates(changes, outcomes), [
    ...Array(4).fill("done"),
    ...Array(4).fill("conflict"),
  ]);
});

Deno.test("writeWhatFits() throws where nothing was done", async () => {
  const changes = [add(0), add(1)];
  await assert.rejects(writeWhatFits(changes, refusal, new Router(1, { 0: "unavailable" }).step), {
    kind: "unavailable",
  });
});
