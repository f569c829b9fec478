import assert from "node:assert/strict";
import type { Clock } from "../../../src/async/clock.ts";
import { FeedRebuild } from "../../../src/sync/feed_rebuild.ts";
import { smallKernel, smallVm } from "../../fakes/policies.ts";

/** A clock of which each look takes a millisecond, and a sleep the time that the event loop needs for all else. */
function busyClock(): Clock & { sleeps: number } {
  let now = 0;
  return {
    sleeps: 0,
    now: () => now++,
    random: () => 0,
    async sleep(): Promise<void> {
      this.sleeps++;
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
  };
}

/** A rebuild of a feed of so many steps, which notes what happens. */
function rig(steps: number, step: (count: number) => void = () => {}): {
  readonly rebuild: FeedRebuild;
  readonly said: readonly string[];
  readonly clock: ReturnType<typeof busyClock>;
} {
  const said: string[] = [];
  const clock = busyClock();
  let rebuilds = 0;
  const rebuild = new FeedRebuild({
    feed: {
      *rebuilding(): Generator<void, readonly string[]> {
        const name = `${++rebuilds}`;
        said.push(`begin ${name}`);
        for (let count = 1; count <= steps; count++) {
          step(count);
          yield;
        }
        return [name];
      },
    },
    kernel: smallKernel(),
    clock,
    onDone: (changed, at) => said.push(`done ${changed.join()} at ${at}`),
    unexpected: (where, error) => said.push(`${where}: ${error}`),
  });
  return { rebuild, said, clock };
}

Deno.test("FeedRebuild does a small table at once", () => {
  const { rebuild, said, clock } = rig(3);
  rebuild.start(smallVm, 7);
  assert.deepEqual(said, ["begin 1", "done 1 at 7"]);
  assert.equal(clock.sleeps, 0);
});

Deno.test("FeedRebuild lets the event loop turn while it does a large one", async () => {
  const { rebuild, said, clock } = rig(100);
  rebuild.start(smallVm, null);
  assert.deepEqual(said, ["begin 1"]);
  await rebuild.done();
  assert.deepEqual(said, ["begin 1", "done 1 at null"]);
  assert.ok(clock.sleeps > 5);
});

Deno.test("FeedRebuild ends the one under way before it does the one that was asked for meanwhile, once", async () => {
  const { rebuild, said } = rig(100);
  rebuild.start(smallVm, 1);
  rebuild.start(smallVm, 2);
  rebuild.start(smallVm, 3);
  await rebuild.done();
  assert.deepEqual(said, ["begin 1", "done 1 at 1", "begin 2", "done 2 at 2"]);
});

Deno.test("FeedRebuild says nothing of a rebuild that was ended", async () => {
  const { rebuild, said } = rig(100);
  rebuild.start(smallVm, null);
  rebuild.end();
  await rebuild.done();
  rebuild.start(smallVm, null);
  assert.deepEqual(said, ["begin 1"]);
});

Deno.test("FeedRebuild.done() throws what ended a rebuild, and begins it again", async () => {
  let fails = true;
  const { rebuild, said } = rig(1, () => {
    if (fails) throw new Error("broken");
  });
  rebuild.start(smallVm, 5);
  await assert.rejects(rebuild.done(), /broken/);
  fails = false;
  await rebuild.done();
  assert.deepEqual(said, [
    "begin 1",
    "while the kernel's routes were judged: Error: broken",
    "begin 2",
    "done 2 at 5",
  ]);
});
