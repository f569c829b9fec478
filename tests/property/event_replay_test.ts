/**
 * Dumps of a model of the kernel's routing tables that are read while it changes: whatever the moment at which the prefix was read, and
 * whatever came before, the table equals the model once no doubt is left.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { EventLog } from "../../src/kernel/dump/event_log.ts";
import { replayEvents } from "../../src/kernel/dump/event_replay.ts";
import { ChangeCollector } from "../../src/kernel/table/change_collector.ts";
import type { KernelState } from "../../src/kernel/table/kernel_state.ts";
import { KernelUpdate } from "../../src/kernel/table/kernel_update.ts";
import { Fib4 } from "../fakes/kernel_fib/fib4.ts";
import { Fib6 } from "../fakes/kernel_fib/fib6.ts";
import { type FibRoute, routeMessage } from "../fakes/kernel_fib/fib_message.ts";
import { walkOn } from "../fakes/netlink_messages.ts";
import { dumped, type Family, poolOf, type Step, stepOf, take, text } from "./fib_steps.ts";

/** What comes between two steps of a dump, which begins, reads the prefix and ends. */
interface Stage {
  /** Before the dump begins. */
  readonly before: readonly Step[];
  readonly unread: readonly Step[];
  readonly read: readonly Step[];
}

/** The part of a monitor that keeps a table, over one prefix. */
class MiniMonitor {
  readonly #family: Family;
  readonly #pool: readonly FibRoute[];
  readonly #fib: Fib4 | Fib6;
  readonly #update = new KernelUpdate();
  /** Null before the first dump. */
  #live: KernelState | null = null;
  #log: EventLog | null = null;
  /** A dump is due. */
  doubts = true;

  constructor(family: Family, pool: readonly FibRoute[]) {
    this.#family = family;
    this.#pool = pool;
    this.#fib = family === 4 ? new Fib4() : new Fib6();
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      const { events, silent } = take(this.#fib, this.#pool, step);
      if (silent) this.doubts = true;
      for (const event of events) {
        const message = routeMessage(this.#family, event.route, event);
        this.#log?.add(message, message.length);
        if (this.#live === null) continue;
        const changes = new ChangeCollector();
        this.#update.applyEvent(this.#live, walkOn(message), changes);
        if (changes.takeDoubt() !== null) this.doubts = true;
      }
    }
  }

  /** Reads a dump while steps are done. */
  dump(unread: readonly Step[], read: readonly Step[]): void {
    this.doubts = false;
    const log = this.#log = new EventLog(() => true);
    this.run(unread);
    const state = dumped(this.#family, this.#fib, this.#update);
    this.run(read);
    const changes = new ChangeCollector();
    const { doubtful } = replayEvents({
      log,
      update: this.#update,
      state,
      live: this.#live,
      changes,
      isWhole: true,
    });
    if (doubtful > 0 || changes.takeDoubt() !== null) this.doubts = true;
    this.#log = null;
    this.#live = state;
  }

  get table(): string[] {
    assert.ok(this.#live);
    return text(this.#live);
  }

  get truth(): string[] {
    return text(dumped(this.#family, this.#fib, new KernelUpdate()));
  }
}

function stageOf(family: Family): fc.Arbitrary<Stage> {
  const steps = fc.array(stepOf(family), { maxLength: 4 });
  return fc.record({ before: steps, unread: steps, read: steps });
}

for (const family of [4, 6] as const) {
  Deno.test(`dumps of IPv${family} routes that change while they are read end in what the kernel has`, () => {
    const tally = { dumps: 0, certain: 0 };
    fc.assert(
      fc.property(
        poolOf(family),
        fc.array(stageOf(family), { minLength: 1, maxLength: 5 }),
        (pool, stages) => {
          const monitor = new MiniMonitor(family, pool);
          for (const [index, { before, unread, read }] of stages.entries()) {
            // Of what a first dump of IPv6 hides nothing is known: there it begins with an empty table.
            if (family === 4 || index > 0) monitor.run(before);
            monitor.dump(unread, read);
            tally.dumps++;
            if (monitor.doubts) continue;
            tally.certain++;
            assert.deepEqual(monitor.table, monitor.truth);
          }
          monitor.dump([], []);
          assert.ok(!monitor.doubts, "a dump in which nothing happens leaves no doubt");
          assert.deepEqual(monitor.table, monitor.truth);
        },
      ),
      { numRuns: Deno.env.has("CI") ? 4_000 : 1_000 },
    );
    // Doubting every dump would pass, too.
    assert.ok(tally.certain * 2 > tally.dumps, `${tally.certain} of ${tally.dumps} dumps certain`);
  });
}
