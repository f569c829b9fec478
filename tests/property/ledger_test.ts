/** The ledger under crashes at any byte and a disk that fails now and then. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Ledger, LedgerError } from "../../src/sync/ledger.ts";
import { FaultyStore } from "../fakes/ledger_stores.ts";

const header = { cloud: "aws", table: "rtb-1", owner: "cloudroutesync" };
const prefixes = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32"];

type Operation =
  | { readonly is: "claim" | "confirm"; readonly prefix: string; readonly nextHops: readonly string[] }
  | { readonly is: "release"; readonly prefix: string }
  /** The disk fails during the next write, after so many characters. */
  | { readonly is: "fault"; readonly at: number }
  /** The process dies after so many characters of the next write, and starts again. */
  | { readonly is: "crash"; readonly at: number };

const prefix = fc.constantFrom(...prefixes);
const nextHops = fc.subarray(["eni-1", "eni-2"], { minLength: 1 });
const at = fc.nat(80);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ is: fc.constantFrom("claim" as const, "confirm" as const), prefix, nextHops }),
  fc.record({ is: fc.constant("release" as const), prefix }),
  fc.record({ is: fc.constantFrom("fault" as const, "crash" as const), at }),
);

type Model = Map<string, string>;

function modelOf(ledger: Ledger): Model {
  return new Map(
    [...ledger.claims].map(([key, claim]) => [key, `${claim.nextHops.join()} ${claim.confirmed}`]),
  );
}

function applyToModel(model: Model, operation: Operation): void {
  if (operation.is === "release") model.delete(operation.prefix);
  else if (operation.is === "claim" || operation.is === "confirm") {
    model.set(operation.prefix, `${operation.nextHops.join()} ${operation.is === "confirm"}`);
  }
}

async function carryOut(ledger: Ledger, operation: Operation): Promise<boolean> {
  try {
    if (operation.is === "claim") await ledger.claim([operation]);
    else if (operation.is === "confirm") await ledger.confirm([operation]);
    else if (operation.is === "release") await ledger.release([operation.prefix]);
    return true;
  } catch (error) {
    assert.ok(error instanceof LedgerError);
    return false;
  }
}

Deno.test("Ledger always reads back what was written before the crash, and no half of what was not", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
      const store = new FaultyStore();
      let { ledger } = await Ledger.open(store, header);
      await ledger.begin(new Map());
      const model: Model = new Map();
      let crashNext = false;
      for (const next of operations) {
        if (next.is === "fault" || next.is === "crash") {
          store.tearNextAppendAt = next.at;
          crashNext = next.is === "crash";
          continue;
        }
        const before = new Map(model);
        if (await carryOut(ledger, next)) applyToModel(model, next);
        else if (crashNext) ({ ledger } = await Ledger.open(store, header));
        crashNext = crashNext && store.tearNextAppendAt !== null;
        assert.equal(ledger.lost, false);
        const found = modelOf(ledger);
        // A write that failed after its last character may have taken effect: then it is as if it had not failed.
        if (!sameModel(found, model)) {
          applyToModel(before, next);
          assert.deepEqual(found, before);
          applyToModel(model, next);
        }
      }
      store.tearNextAppendAt = null;
      const last: Operation = { is: "claim", prefix: "203.0.113.0/24", nextHops: ["eni-1"] };
      assert.ok(await carryOut(ledger, last));
      applyToModel(model, last);
      assert.deepEqual(modelOf((await Ledger.open(store, header)).ledger), model);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("Ledger.open() of any content is either trusted whole or set aside whole, and never throws", async () => {
  const line = fc.constantFrom(
    '{"ledger":"cloudroutesync","version":1,"cloud":"aws","table":"rtb-1","owner":"cloudroutesync"}',
    '{"claim":"10.0.0.0/8","nextHops":["eni-1"]}',
    '{"confirm":"10.0.0.0/8","nextHops":["eni-1"]}',
    '{"release":"10.0.0.0/8"}',
    '{"release":10}',
    "",
    "null",
  );
  const content = fc.tuple(fc.array(fc.oneof(line, fc.string({ maxLength: 5 }))), fc.nat(60)).map((
    [lines, cut],
  ) => `${lines.join("\n")}\n`.slice(0, -cut || undefined));
  await fc.assert(
    fc.asyncProperty(content, async (text) => {
      const store = new FaultyStore(text);
      const { ledger, warning } = await Ledger.open(store, header);
      if (ledger.lost) {
        assert.deepEqual([ledger.claims.size, store.setAsides, store.content], [0, [text], text]);
      }
      assert.equal(warning === null, store.setAsides.length === 0);
      assert.ok([...ledger.claims.keys()].every((key) => key === "10.0.0.0/8"));
    }),
    { numRuns: 3000 },
  );
});

function sameModel(left: Model, right: Model): boolean {
  return left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);
}
