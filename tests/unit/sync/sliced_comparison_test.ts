/** A table so large that comparing it takes several slices of time, and what happens between two of them. */

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../src/async/clock.ts";
import type { Change, CloudRoute } from "../../../src/clouds/cloud.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { cloudRoute, someTable, tableState } from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { alone } from "../../fakes/groups.ts";
import { smallVm } from "../../fakes/policies.ts";

/** Some slices' worth. */
const count = 5_000;
const prefixes = Array.from({ length: count }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
const [first = "", last = ""] = [prefixes[0], prefixes.at(-1)];
const never = new AbortController().signal;

/** Time that goes on whenever it is looked at, so that each step takes a slice. */
class BusyClock implements Clock {
  /** Called once at the next pause. */
  atPause: (() => void) | null = null;
  #now = 0;

  now(): number {
    return this.#now += 10;
  }

  random(): number {
    return 0.5;
  }

  async sleep(ms: number): Promise<void> {
    this.#now += ms;
    await setImmediate();
    const { atPause } = this;
    this.atPause = null;
    atPause?.();
  }
}

/** A table, what the kernel wants of it, and the reconciler that compares the two in slices. */
class Scene {
  readonly clock = new BusyClock();
  readonly wanted = new WantedRoutes();
  readonly standing = new Map<string, CloudRoute>();
  /** Called when the table is read, or written. */
  atRead: (() => void) | null = null;
  atWrite: (() => void) | null = null;
  readonly reconciler: Reconciler;

  /** @param holdMs how long a mass withdrawal is held; 0: none is. */
  constructor(holdMs = 0) {
    this.reconciler = new Reconciler({
      isActive: () => true,
      cloud: { traits: { ...plainTraits, batch: count }, describe: (hop) => hop },
      connection: () => ({
        read: () => {
          this.atRead?.();
          return Promise.resolve(tableState([...this.standing.values()]));
        },
        write: (_table, changes) => Promise.resolve(this.#write(changes)),
        resolve: () => Promise.resolve([]),
        forget: () => {},
      }),
      table: someTable,
      owner: "cloudroutesync",
      identity: () => ({ ...smallVm, instance: "vm", self: { 4: "vm-1", 6: null } }),
      wanted: this.wanted,
      ledger: null,
      clock: this.clock,
      budget: new ApiBudget({ traits: plainTraits }, this.clock),
      settings: {
        coalesceMs: 0,
        withdrawDelayMs: 0,
        auditMs: 1e9,
        guard: { maxWithdraw: holdMs > 0 ? 0.3 : 1, holdMs },
        adopt: false,
        group: alone,
      },
    });
  }

  /** Puts all prefixes into the table. */
  stand(): void {
    for (const prefix of prefixes) this.standing.set(prefix, cloudRoute(prefix, "vm-1"));
  }

  /** The kernel has routes by this VM, or none any more. */
  kernel(prefixes: readonly string[], isThere: boolean): void {
    for (const prefix of prefixes) isThere ? this.want(prefix) : this.wanted.delete(prefix);
    this.reconciler.notify(prefixes);
  }

  want(prefix: string): void {
    const nextHops = [{ neighbour: null, gateway: null }];
    this.wanted.set(prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 });
  }

  /** Makes a round in which something happens at the first pause of the comparison. */
  async round(atPause: () => void = () => {}): Promise<void> {
    // What the gathering takes is over when the comparison keeps its moment.
    const { wanted, clock } = this;
    const keep = wanted.moment.bind(wanted);
    wanted.moment = () => {
      clock.atPause = atPause;
      wanted.moment = keep;
      return keep();
    };
    await this.reconciler.round(never);
  }

  #write(changes: readonly Change[]): { outcomes: { change: Change; error: null }[] } {
    this.atWrite?.();
    for (const { action, prefix, to } of changes) {
      if (action === "delete") this.standing.delete(prefix.text);
      else this.standing.set(prefix.text, cloudRoute(prefix.text, to.join()));
    }
    return { outcomes: changes.map((change) => ({ change, error: null })) };
  }
}

Deno.test("Reconciler plans a large table as it was wanted at one moment, and what changed since in the next round", async () => {
  using _log = captureLog();
  const scene = new Scene();
  scene.stand();
  for (const prefix of prefixes) scene.want(prefix);
  await scene.round(() => {
    scene.kernel([last], false);
    scene.kernel(["172.16.0.0/12"], true);
  });
  assert.ok(scene.standing.has(last), "withdrawn though its successor was not looked at");
  assert.equal(scene.reconciler.status.inStep, false);
  await scene.round();
  assert.ok(!scene.standing.has(last) && scene.standing.has("172.16.0.0/12"));
  assert.equal(scene.reconciler.status.inStep, true);
});

Deno.test("Reconciler withdraws nothing that has come to be wanted while a large table was compared", async () => {
  using _log = captureLog();
  const scene = new Scene();
  scene.stand();
  const withdrawn: boolean[] = [];
  scene.atRead = () => withdrawn.push(!scene.standing.has(first));
  await scene.round(() => scene.kernel([first], true));
  await scene.round();
  assert.deepEqual([...scene.standing.keys()], [first]);
  assert.ok(!withdrawn.includes(true));
  assert.equal(scene.reconciler.status.writes.delete, count - 1);
});

Deno.test("Reconciler carries out no comparison that something else than the kernel has made useless", async () => {
  using _log = captureLog();
  const scene = new Scene();
  scene.stand();
  await scene.round(() => scene.reconciler.reconsider(scene.clock.now()));
  assert.equal(scene.standing.size, count);
  const { nextAt } = await scene.reconciler.round(never);
  assert.equal(scene.standing.size, 0);
  assert.ok(nextAt > scene.clock.now(), "a round that carries out something is followed by no other at once");
});

Deno.test("Reconciler begins a hold anew for what was wanted once while a large table was compared", async () => {
  using _log = captureLog();
  const scene = new Scene(1_000_000);
  scene.stand();
  const most = prefixes.slice(0, count / 2);
  await scene.round(() => {
    scene.kernel(most, true);
    scene.kernel(most, false);
  });
  await scene.clock.sleep(990_000);
  await scene.round();
  assert.equal(scene.standing.size, count, "all are held");
  await scene.clock.sleep(10_000);
  await scene.round();
  assert.deepEqual([...scene.standing.keys()], most, "their hold began later");
});

Deno.test("Reconciler looks through news of many prefixes when the next round begins, and counts them until then", async () => {
  using log = captureLog();
  const scene = new Scene();
  await scene.round();
  let looked = 0;
  const news = Object.assign([...prefixes], {
    *[Symbol.iterator](): Iterator<string> {
      for (const prefix of prefixes) {
        looked++;
        yield prefix;
      }
    },
  });
  for (const prefix of prefixes) scene.want(prefix);
  scene.reconciler.notify(news, 1);
  assert.equal(looked, 0);
  assert.deepEqual([scene.reconciler.status.inStep, scene.reconciler.status.pending], [false, count]);
  scene.kernel([first], false);
  await scene.round();
  assert.ok(looked >= count);
  assert.deepEqual([...scene.standing.keys()], prefixes.slice(1));
  assert.equal(log.lines.filter((line) => line.includes("(kernel, ")).length, count - 1);
  await scene.round();
  assert.deepEqual([scene.reconciler.status.inStep, scene.reconciler.status.pending], [true, 0]);
});

Deno.test("Reconciler pauses while it logs the changes of one call", async () => {
  using log = captureLog();
  const scene = new Scene();
  await scene.round();
  scene.kernel(prefixes, true);
  let logged = 0;
  scene.atWrite = () => {
    scene.clock.atPause = () => logged = log.lines.length;
  };
  await scene.round();
  assert.ok(logged > 0 && logged < count, `${logged} lines at the first pause after the call`);
  assert.equal(scene.reconciler.status.writes.add, count);
});
