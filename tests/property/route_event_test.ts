/**
 * Events of a model of the kernel's routing tables, decoded and applied: wherever an event leaves no doubt the state equals what a dump of
 * the model shows. Where it leaves one, a dump takes the state's place, at once or some events later, as the monitor does it.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ChangeCollector } from "../../src/kernel/table/change_collector.ts";
import { KernelUpdate } from "../../src/kernel/table/kernel_update.ts";
import { Fib4 } from "../fakes/kernel_fib/fib4.ts";
import { Fib6 } from "../fakes/kernel_fib/fib6.ts";
import { type FibRoute, routeMessage } from "../fakes/kernel_fib/fib_message.ts";
import { walkOn } from "../fakes/netlink_messages.ts";
import { dumped, type Family, poolOf, type Step, stepOf, take, text } from "./fib_steps.ts";

/** How many events left no doubt, and how many did. */
interface Tally {
  certain: number;
  doubtful: number;
}

/**
 * @param lag events between a doubt and the dump that ends it.
 */
function follow(
  family: Family,
  pool: readonly FibRoute[],
  steps: readonly Step[],
  lag: number,
  tally: Tally,
): void {
  const fib = family === 4 ? new Fib4() : new Fib6();
  const update = new KernelUpdate();
  let state = dumped(family, fib, update);
  let untilDump = -1;
  for (const step of steps) {
    const { events, silent } = take(fib, pool, step);
    if (silent && untilDump < 0) untilDump = lag;
    // Each request ends before anything else is seen; an event may be of a moment in the midst of it.
    for (const event of events) {
      const changes = new ChangeCollector();
      update.applyEvent(state, walkOn(routeMessage(family, event.route, event)), changes);
      if (changes.takeDoubt() === null) tally.certain++;
      else {
        tally.doubtful++;
        if (untilDump < 0) untilDump = lag;
      }
    }
    if (untilDump >= 0 && untilDump-- === 0) state = dumped(family, fib, update);
    if (untilDump < 0) assert.deepEqual(text(state), text(dumped(family, fib, new KernelUpdate())));
  }
}

for (const family of [4, 6] as const) {
  Deno.test(`events of IPv${family} routes that leave no doubt end in what the kernel has`, () => {
    const tally: Tally = { certain: 0, doubtful: 0 };
    fc.assert(
      fc.property(
        poolOf(family),
        fc.array(stepOf(family), { minLength: 1, maxLength: 30 }),
        fc.nat(3),
        (pool, steps, lag) => follow(family, pool, steps, lag, tally),
      ),
      { numRuns: Deno.env.has("CI") ? 4_000 : 1_000 },
    );
    // Doubting everything would pass, too.
    assert.ok(tally.certain > tally.doubtful, `${tally.certain} certain, ${tally.doubtful} doubtful`);
  });
}
