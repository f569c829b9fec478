/**
 * The reconciler against a model with faults: whatever kernel, cloud, operator and crashes do, the table ends right, nothing
 * foreign is touched, and an error never becomes a withdrawal.
 *
 * `CLOUDROUTESYNC_MODEL_RUNS` sets the number of runs for each shape of cloud, `CLOUDROUTESYNC_MODEL_SEED` the seed.
 */

import fc from "fast-check";
import { type Fault, type Shape, shapes } from "./model_cloud.ts";
import { World } from "./world.ts";

const runs = Number(Deno.env.get("CLOUDROUTESYNC_MODEL_RUNS") ?? "2500");
const seed = Number(Deno.env.get("CLOUDROUTESYNC_MODEL_SEED") ?? String(Date.now() % 2 ** 31));

/** Small, so that kernel, operator and program meet; three of them cover others. */
const prefixes = [
  ...Array.from({ length: 20 }, (_, index) => `198.51.${index}.0/24`),
  "198.51.0.0/16",
  "198.51.4.0/22",
  "198.51.7.128/25",
];
const gateways = ["10.0.0.7", "10.0.0.8", "192.0.2.1", "192.0.2.9"];
const strangers = ["igw-1", "nat-2"];
const faults: readonly Fault[] = [
  "throttled",
  "refused",
  "server-error",
  "timeout-before",
  "timeout-after",
  "conflict",
  "slow",
  "nonsense",
  "stale",
];

type Model = Record<string, never>;

class Step implements fc.AsyncCommand<Model, World> {
  readonly #name: string;
  readonly #action: (world: World) => void | Promise<void>;

  constructor(name: string, action: (world: World) => void | Promise<void>) {
    this.#name = name;
    this.#action = action;
  }

  check(): boolean {
    return true;
  }

  async run(_model: Model, world: World): Promise<void> {
    await this.#action(world);
    if (world.broken.length > 0) throw new Error(world.broken.join("; "));
  }

  toString(): string {
    return this.#name;
  }
}

const prefix = fc.constantFrom(...prefixes);
const steps: fc.Arbitrary<fc.AsyncCommand<Model, World>>[] = [
  fc.tuple(fc.uniqueArray(prefix, { minLength: 1, maxLength: 23 }), fc.constantFrom(...gateways)).map((
    [list, gateway],
  ) =>
    new Step(`kernel ${list} via ${gateway}`, (world) => {
      world.setKernel(new Map(list.map((key) => [key, gateway])));
    })
  ),
  fc.uniqueArray(prefix, { minLength: 1, maxLength: 23 }).map((list) =>
    new Step(`kernel withdraws ${list}`, (world) => world.setKernel(new Map(list.map((key) => [key, null]))))
  ),
  fc.tuple(prefix, fc.integer({ min: 1, max: 400 })).map(([key, ms]) =>
    new Step(`${key} flaps within ${ms} ms`, async (world) => {
      const gateway = world.kernel.get(key) ?? "10.0.0.7";
      world.setKernel(new Map([[key, null]]));
      await world.clock.advance(ms);
      world.setKernel(new Map([[key, gateway]]));
    })
  ),
  fc.integer({ min: 100, max: 60_000 }).map((ms) =>
    new Step(`the daemon dies and comes back after ${ms} ms`, async (world) => {
      const before = new Map(world.kernel);
      world.setKernel(new Map([...before.keys()].map((key) => [key, null])));
      await world.clock.advance(ms);
      world.setKernel(before);
    })
  ),
  fc.tuple(prefix, fc.constantFrom(...strangers)).map(([key, hop]) =>
    new Step(`operator points ${key} at ${hop}`, (world) => world.operate(key, hop))
  ),
  prefix.map((key) => new Step(`operator deletes ${key}`, (world) => world.operate(key, null))),
  fc.array(fc.constantFrom(...faults), { minLength: 1, maxLength: 8 }).map((list) =>
    new Step(`faults ${list}`, (world) => void world.cloud.faults.push(...list))
  ),
  fc.tuple(fc.constantFrom(...faults), fc.integer({ min: 100, max: 90_000 })).map(([fault, ms]) =>
    new Step(`${fault} for ${ms} ms`, async (world) => {
      world.cloud.permanent = fault;
      await world.clock.advance(ms);
      world.cloud.permanent = null;
    })
  ),
  fc.integer({ min: 0, max: 12 }).map((points) =>
    new Step(`crash after ${points} points`, async (world) => {
      world.crash("one", points);
      await world.clock.advance(50);
    })
  ),
  fc.constant(null).map(() => new Step("start", (world) => world.start("one"))),
  fc.constant(null).map(() => new Step("stop", (world) => world.stop("one"))),
  fc.constant(null).map(() => new Step("lose the ledger", (world) => world.loseLedger("one"))),
  fc.constant(null).map(() =>
    new Step("crash within an append", (world) => {
      world.crash("one", 0);
      world.tearLedger("one");
      world.start("one");
    })
  ),
  fc.constant(null).map(() => new Step("another owner's instance starts", (world) => world.start("other"))),
  fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1_000, max: 200_000 })).map((ms) =>
    new Step(`${ms} ms pass`, (world) => world.clock.advance(ms))
  ),
];

async function modelRun(
  shape: Shape,
  commands: Iterable<fc.AsyncCommand<Model, World>>,
  randomSeed: number,
): Promise<void> {
  const random = mulberry32(randomSeed);
  const world = new World(shape, random);
  world.start("one");
  try {
    await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
    await world.heal();
    await world.checkEnd();
  } finally {
    world.end();
  }
}

for (const shape of shapes) {
  Deno.test(`Supervisor ends right on a cloud like ${shape.name} after ${runs} random histories`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.commands(steps, { size: "large", maxCommands: 24 }),
        fc.integer(),
        (commands, randomSeed) => modelRun(shape, commands, randomSeed),
      ),
      { numRuns: runs, seed, endOnFailure: false },
    );
  });
}

/** A small seeded generator: the same run again for the same seed. */
function mulberry32(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
