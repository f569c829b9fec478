/** The loop of one table, in time that stands still until a test moves it. */

import { alone } from "../../fakes/groups.ts";
import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTraits, TableState, WriteResult } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { Ledger } from "../../../src/sync/ledger.ts";
import { type LedgerStore, memoryStore } from "../../../src/sync/ledger_store.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import type { SyncSettings } from "../../../src/sync/table_round.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { FaultyStore } from "../../fakes/ledger_stores.ts";
import { owner, someTable, tableState } from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { smallVm } from "../../fakes/policies.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

const settings: SyncSettings = {
  coalesceMs: 10,
  withdrawDelayMs: 250,
  auditMs: 300_000,
  guard: { maxWithdraw: 0.3, holdMs: 8_000 },
  adopt: false,
  group: alone,
};

/** One table of a cloud in which every neighbour is a VM of its own address, and the loop that keeps it. */
class Scene {
  readonly clock = new VirtualClock(() => 0.5);
  readonly wanted = new WantedRoutes();
  readonly standing = new Map<string, CloudRoute>();
  /** This VM's id in the cloud. */
  self = "vm-1";
  /** What readings show instead of the table, the next first. */
  readonly staleReadings: TableState[] = [];
  /** Why the next writes are refused, the next first; null: it is not. */
  readonly refusals: (CloudError | null)[] = [];
  /** Why neighbours cannot be looked up. */
  lookUpError: CloudError | null = null;
  lookUps = 0;
  /** Whether the active address is on this VM. */
  isActive = true;
  /** Gateways of which the cloud was told that they may have moved. */
  readonly forgotten: string[] = [];
  readonly reconciler: Reconciler;

  /** The owner that routes name in this cloud. */
  readonly #mark: string | null;

  private constructor(traits: CloudTraits, ledger: Ledger | null, group: SyncSettings["group"] = alone) {
    this.#mark = ledger === null ? owner : null;
    this.reconciler = new Reconciler({
      isActive: () => this.isActive,
      cloud: { traits, describe: (hop) => hop },
      connection: () => ({
        read: () => Promise.resolve(this.staleReadings.shift() ?? this.state),
        write: (_table, changes, _state, signal) => this.#write(changes, signal),
        resolve: (neighbours) => {
          this.lookUps++;
          if (this.lookUpError !== null) return Promise.reject(this.lookUpError);
          return Promise.resolve(neighbours.map(({ gateway }) => gateway.text));
        },
        forget: (gateways) => void this.forgotten.push(...gateways.map(({ text }) => text)),
      }),
      table: someTable,
      owner,
      identity: () => ({ ...smallVm, instance: "vm", self: { 4: this.self, 6: null } }),
      wanted: this.wanted,
      ledger: ledger === null ? null : { ledger, proven: false },
      clock: this.clock,
      budget: new ApiBudget({ traits }, this.clock),
      settings: { ...settings, group },
    });
  }

  get hasLedger(): boolean {
    return this.#mark === null;
  }

  static byMark(group = alone): Scene {
    return new Scene(plainTraits, null, group);
  }

  static async byLedger(store: LedgerStore = memoryStore(null)): Promise<Scene> {
    const { ledger } = await Ledger.open(store, { cloud: "aws", table: someTable.id, owner });
    return new Scene({ ...plainTraits, ownership: "ledger" }, ledger);
  }

  get state(): TableState {
    return tableState([...this.standing.values()]);
  }

  /** The table as `PREFIX NEXTHOP`. */
  get texts(): readonly string[] {
    return [...this.standing.values()].map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`).sort();
  }

  /** The kernel has a route by way of a neighbour, or by this VM (null), or has none any more (undefined). */
  kernel(prefix: string, hop: string | null | undefined): void {
    const neighbour = typeof hop === "string" ? parseAddress(hop) : null;
    if (hop === undefined) this.wanted.delete(prefix);
    else {
      const nextHops = [{ neighbour, gateway: neighbour }];
      this.wanted.set(prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 });
    }
    this.reconciler.notify([prefix]);
  }

  /** Runs the loop while a test plays. */
  async run(play: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const ended = this.reconciler.run(stop.signal, stop.signal);
    await play();
    stop.abort();
    await this.clock.advance(1_000);
    await ended;
  }

  async #write(changes: readonly Change[], signal: AbortSignal): Promise<WriteResult> {
    await this.clock.sleep(20, signal);
    const refusal = this.refusals.shift() ?? null;
    if (refusal !== null) return { outcomes: changes.map((change) => ({ change, error: refusal })) };
    for (const { action, prefix, to } of changes) {
      if (action === "delete") this.standing.delete(prefix.text);
      else this.standing.set(prefix.text, { prefix, nextHops: to, owner: this.#mark });
    }
    return { outcomes: changes.map((change) => ({ change, error: null })) };
  }
}

const prefix = "198.51.100.0/24";

Deno.test("Reconciler keeps its route when it fails over and back and a reading is stale after the second move", async () => {
  using _log = captureLog();
  const scene = await Scene.byLedger();
  await scene.run(async () => {
    scene.kernel(prefix, "10.0.0.10");
    await scene.clock.advance(5_000);
    scene.kernel(prefix, "10.0.0.11");
    await scene.clock.advance(200_000);
    scene.staleReadings.push(scene.state);
    scene.kernel(prefix, "10.0.0.10");
    await scene.clock.advance(600_000);
    assert.deepEqual(scene.reconciler.status.conflicts, []);
    scene.kernel(prefix, undefined);
    await scene.clock.advance(10_000);
  });
  assert.deepEqual(scene.texts, []);
});

Deno.test("Reconciler reads nothing again after a throttled write, and writes the rest", async () => {
  using _log = captureLog();
  for (const scene of [Scene.byMark(), await Scene.byLedger()]) {
    await scene.run(async () => {
      await scene.clock.advance(5_000);
      const before = scene.reconciler.status.reads;
      const throttled = new CloudError("throttled", "too many calls");
      // The first change is made where the table can be told without reading; its like on a cloud with marks must be read.
      if (scene.hasLedger) scene.refusals.push(null);
      scene.refusals.push(throttled, throttled);
      for (const each of [prefix, "192.0.2.0/24", "203.0.113.0/24"]) scene.kernel(each, null);
      await scene.clock.advance(200);
      assert.equal(scene.reconciler.status.failures, 1);
      await scene.clock.advance(60_000);
      assert.equal(scene.refusals.length, 0);
      // Once all is written it is read back.
      assert.equal(scene.reconciler.status.reads, before + 1);
    });
    assert.equal(scene.texts.length, 3);
  }
});

Deno.test("Reconciler reads again after a write of which nobody knows what became", async () => {
  using _log = captureLog();
  const scene = await Scene.byLedger();
  await scene.run(async () => {
    await scene.clock.advance(5_000);
    const before = scene.reconciler.status.reads;
    scene.refusals.push(new CloudError("unavailable", "no answer"));
    scene.kernel(prefix, null);
    await scene.clock.advance(60_000);
    assert.equal(scene.reconciler.status.reads, before + 2);
  });
});

Deno.test("Reconciler writes a flapping prefix six times, then once in 30 s, and its last state always", async () => {
  using _log = captureLog();
  const scene = Scene.byMark();
  await scene.run(async () => {
    scene.kernel(prefix, "10.0.0.10");
    await scene.clock.advance(200_000);
    const { writes: before } = scene.reconciler.status;
    const replaced = before.replace;
    const waited = new Set<string>();
    for (let flap = 0; flap < 120; flap++) {
      scene.kernel(prefix, flap % 2 === 0 ? "10.0.0.11" : "10.0.0.10");
      await scene.clock.advance(1_000);
      for (const { prefix: waiting } of scene.reconciler.status.damped) waited.add(waiting);
    }
    assert.deepEqual([...waited], [prefix]);
    const made = scene.reconciler.status.writes.replace - replaced;
    assert.ok(made >= 6 && made <= 6 + 4, `${made} writes`);
    scene.kernel(prefix, "10.0.0.12");
    await scene.clock.advance(31_000);
    assert.deepEqual(scene.texts, [`${prefix} 10.0.0.12`]);
    assert.deepEqual(scene.reconciler.status.damped, []);
  });
});

Deno.test("Reconciler changes routes for the kernel when the active address comes, and not for an outside edit", async () => {
  using _log = captureLog();
  const scene = Scene.byMark({ ...alone, activeAddress: parseAddress("192.0.2.51") });
  scene.isActive = false;
  await scene.run(async () => {
    scene.kernel(prefix, null);
    await scene.clock.advance(1_000);
    assert.deepEqual(scene.texts, []);
    scene.isActive = true;
    scene.reconciler.reconsider(scene.clock.now());
    await scene.clock.advance(1_000);
    assert.deepEqual(scene.texts, [`${prefix} vm-1`]);
    const { kernel, drift } = scene.reconciler.status.causes;
    assert.deepEqual({ kernel, drift }, { kernel: 1, drift: 0 });
    scene.standing.clear();
    await scene.clock.advance(settings.auditMs * 2);
    assert.equal(scene.reconciler.status.causes.drift, 1, "an outside edit is one all the same");
  });
});

Deno.test("Reconciler leaves a machine that fails at once, though the prefix flapped", async () => {
  using _log = captureLog();
  const scene = Scene.byMark();
  await scene.run(async () => {
    scene.kernel("192.0.2.0/24", "10.0.0.10");
    for (let flap = 0; flap < 10; flap++) {
      scene.kernel(prefix, flap % 2 === 0 ? "10.0.0.11" : "10.0.0.10");
      await scene.clock.advance(1_000);
    }
    const last = ["192.0.2.0/24 10.0.0.10", `${prefix} 10.0.0.10`];
    for (let second = 0; second < 60 && scene.texts.join() !== last.join(); second++) {
      await scene.clock.advance(1_000);
    }
    assert.deepEqual(scene.texts, last);
    for (const each of [prefix, "192.0.2.0/24"]) scene.kernel(each, "10.0.0.11");
    await scene.clock.advance(1_000);
    assert.deepEqual(scene.texts, ["192.0.2.0/24 10.0.0.11", `${prefix} 10.0.0.11`]);
    for (const each of [prefix, "192.0.2.0/24"]) scene.kernel(each, undefined);
    await scene.clock.advance(1_000);
    assert.deepEqual(scene.texts, []);
  });
});

Deno.test("Reconciler looks at everything again at once when that was asked for during a write", async () => {
  using _log = captureLog();
  const scene = Scene.byMark();
  await scene.run(async () => {
    for (const each of [prefix, "192.0.2.0/24", "203.0.113.0/24"]) scene.kernel(each, null);
    await scene.clock.advance(5_000);
    scene.kernel("203.0.113.0/24", undefined);
    await scene.clock.advance(settings.withdrawDelayMs + 10);
    scene.self = "vm-2";
    scene.reconciler.recheck();
    await scene.clock.advance(5_000);
  });
  assert.deepEqual(scene.texts, ["192.0.2.0/24 vm-2", "198.51.100.0/24 vm-2"]);
});

Deno.test("Reconciler does not let a hold end on one old look at the kernel", async () => {
  using _log = captureLog();
  const scene = Scene.byMark();
  for (let index = 0; index < 20; index++) {
    const each = parsePrefix(`10.${index}.0.0/16`);
    scene.standing.set(each.text, { prefix: each, nextHops: ["vm-1"], owner });
  }
  const settled = scene.reconciler.settle(new AbortController().signal, 30_000);
  await scene.clock.advance(60_000);
  assert.equal(await settled, false);
  assert.equal(scene.standing.size, 20);
});

Deno.test("Reconciler.release() lets withdrawals go that are held since the round under way", async () => {
  using _log = captureLog();
  const scene = Scene.byMark();
  for (let index = 0; index < 20; index++) {
    const each = parsePrefix(`10.${index}.0.0/16`);
    scene.standing.set(each.text, { prefix: each, nextHops: ["vm-1"], owner });
  }
  scene.kernel(prefix, null);
  await scene.clock.advance(settings.withdrawDelayMs);
  await scene.run(async () => {
    // The add is under way; the guard has held the withdrawals in the same round, which is the first.
    await scene.clock.advance(10);
    assert.equal(scene.reconciler.status.pending, 1);
    assert.equal(scene.reconciler.status.held, 20);
    assert.equal(scene.reconciler.release(), 20);
    await scene.clock.advance(settings.guard.holdMs / 2);
  });
  assert.deepEqual(scene.texts, [`${prefix} vm-1`]);
});

Deno.test("Reconciler tells that it may not look neighbours up, asks once a minute, and goes on with the rest", async () => {
  using log = captureLog();
  const scene = Scene.byMark();
  scene.lookUpError = new CloudError("denied", "you may not list interfaces");
  await scene.run(async () => {
    scene.kernel(prefix, "10.0.0.10");
    await scene.clock.advance(5_000);
    scene.kernel("192.0.2.0/24", null);
    await scene.clock.advance(1_000);
    assert.deepEqual(scene.texts, ["192.0.2.0/24 vm-1"]);
    scene.kernel("192.0.2.0/24", undefined);
    await scene.clock.advance(1_000);
    assert.deepEqual(scene.texts, []);
    const why = "Cannot look up who the neighbours are: you may not list interfaces";
    assert.deepEqual([...scene.reconciler.status.errors.values()].map(({ message }) => message), [why]);
    assert.deepEqual(log.lines.filter((line) => line.includes(why)).length, 1);
    await scene.clock.advance(600_000);
    assert.ok(scene.lookUps <= 12, `${scene.lookUps} look-ups in ten minutes`);
    scene.lookUpError = null;
    await scene.clock.advance(61_000);
  });
  assert.deepEqual(scene.texts, [`${prefix} 10.0.0.10`]);
  assert.deepEqual([...scene.reconciler.status.errors], []);
});

Deno.test("Reconciler counts what waits for a full disk, and tells one begin and one end of it", async () => {
  using log = captureLog();
  const store = new FaultyStore();
  const scene = await Scene.byLedger(store);
  let full = false;
  const append = store.append.bind(store), replace = store.replace.bind(store);
  const noSpace = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
  store.append = (text) => full ? Promise.reject(noSpace) : append(text);
  store.replace = (text) => full ? Promise.reject(noSpace) : replace(text);
  await scene.run(async () => {
    scene.kernel(prefix, null);
    await scene.clock.advance(5_000);
    full = true;
    for (let index = 0; index < 30; index++) scene.kernel(`10.${index}.0.0/16`, null);
    await scene.clock.advance(30_000);
    const { pending, owned, errors } = scene.reconciler.status;
    assert.deepEqual([pending, owned, [...errors.keys()]], [30, 1, ["ledger"]]);
    full = false;
    await scene.clock.advance(30_000);
    assert.deepEqual([scene.reconciler.status.pending, scene.reconciler.status.errors.size], [0, 0]);
  });
  const lines = log.lines.filter((line) => /ledger|used again/.test(line) && !line.includes("Began"));
  assert.equal(lines.length, 2, lines.join("\n"));
  const [begin = "", end = ""] = lines;
  assert.match(
    begin,
    /^warning: .*no space left on device; free space there, or name another folder with -state; retrying in \d+ ms$/,
  );
  assert.match(end, /^info: rtb-1: the ledger can be used again, after \d+ s$/);
});

for (
  const [kind, retryAfterMs, again, sentence] of [
    ["denied", undefined, 60_000, /no way; cloudroutesync doctor -policy .*; retrying in 1 min$/],
    ["throttled", 17_000, 17_000, /no way; retrying in 17 s$/],
  ] as const
) {
  Deno.test(`Reconciler tells when a change that is ${kind} is tried again`, async () => {
    using log = captureLog();
    const scene = Scene.byMark();
    await scene.run(async () => {
      scene.kernel(prefix, null);
      await scene.clock.advance(5_000);
      scene.refusals.push(new CloudError(kind, "no way", { retryAfterMs }));
      scene.kernel("192.0.2.0/24", null);
      await scene.clock.advance(1_000);
      const { nextTries } = scene.reconciler.status;
      assert.deepEqual([...nextTries.keys()], ["192.0.2.0/24"]);
      const inMs = (nextTries.get("192.0.2.0/24") ?? 0) - Date.now();
      assert.ok(inMs <= again && inMs > again - 2_000, `in ${inMs} ms`);
      await scene.clock.advance(again + 5_000);
      assert.equal(scene.reconciler.status.nextTries.size, 0);
    });
    const [line = ""] = log.lines.filter((each) => each.includes("no way"));
    assert.match(line, sentence);
  });
}

Deno.test("Reconciler tells no time for what waits until a place is free", async () => {
  using log = captureLog();
  const scene = Scene.byMark();
  await scene.run(async () => {
    scene.kernel(prefix, null);
    await scene.clock.advance(5_000);
    scene.refusals.push(new CloudError("quota", "no place is left", { limit: 1 }));
    scene.kernel("192.0.2.0/24", null);
    await scene.clock.advance(100);
  });
  const [line = ""] = log.lines.filter((each) => each.includes("no place is left"));
  assert.match(line, /no place is left$/);
});

Deno.test("Reconciler has the gateways asked for anew that the kernel's news name, and at an audit all", async () => {
  using _log = captureLog();
  const scene = Scene.byMark();
  await scene.run(async () => {
    scene.kernel(prefix, "10.0.0.10");
    scene.kernel("192.0.2.0/24", "10.0.0.11");
    await scene.clock.advance(5_000);
    scene.forgotten.length = 0;
    scene.kernel(prefix, "10.0.0.10");
    await scene.clock.advance(5_000);
    assert.deepEqual(new Set(scene.forgotten), new Set(["10.0.0.10"]));
    scene.forgotten.length = 0;
    await scene.clock.advance(2 * settings.auditMs);
    assert.deepEqual(new Set(scene.forgotten), new Set(["10.0.0.10", "10.0.0.11"]));
  });
});

Deno.test("Reconciler takes other settings without beginning a hold anew", async () => {
  using log = captureLog();
  const scene = Scene.byMark();
  const prefixes = Array.from({ length: 20 }, (_, index) => `198.51.${index}.0/24`);
  await scene.run(async () => {
    for (const each of prefixes) scene.kernel(each, "10.0.0.7");
    await scene.clock.advance(1_000);
    for (const each of prefixes) scene.kernel(each, undefined);
    await scene.clock.advance(4_000);
    assert.equal(scene.reconciler.status.held, 20);
    scene.reconciler.reconfigure({ ...settings, guard: { maxWithdraw: 0.3, holdMs: 6_000 } });
    await scene.clock.advance(500);
    assert.equal(scene.texts.length, 20);
    await scene.clock.advance(2_000);
    assert.deepEqual(scene.texts, []);
  });
  assert.equal(log.lines.filter((line) => line.includes("held")).length, 2);
});
