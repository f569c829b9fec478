/** The loop of one table, in time that stands still until a test moves it. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTraits, TableState, WriteResult } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import type { WantedRoute } from "../../../src/routes/policy.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { Ledger } from "../../../src/sync/ledger.ts";
import { memoryStore } from "../../../src/sync/memory_store.ts";
import { Reconciler, type SyncSettings } from "../../../src/sync/reconciler.ts";
import { captureLog } from "../../fakes/captured_log.ts";
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
};

/** One table of a cloud in which every neighbour is a VM of its own address, and the loop that keeps it. */
class Scene {
  readonly clock = new VirtualClock(() => 0.5);
  readonly wanted = new Map<string, WantedRoute>();
  readonly standing = new Map<string, CloudRoute>();
  /** This VM's id in the cloud. */
  self = "vm-1";
  /** What readings show instead of the table, the next first. */
  readonly staleReadings: TableState[] = [];
  /** Why neighbours cannot be looked up. */
  lookUpError: CloudError | null = null;
  lookUps = 0;
  readonly reconciler: Reconciler;

  /** The owner that routes name in this cloud. */
  readonly #mark: string | null;

  private constructor(traits: CloudTraits, ledger: Ledger | null) {
    this.#mark = ledger === null ? owner : null;
    this.reconciler = new Reconciler({
      cloud: {
        traits,
        read: () => Promise.resolve(this.staleReadings.shift() ?? this.state),
        write: (_table, changes, _state, signal) => this.#write(changes, signal),
        resolve: (gateways) => {
          this.lookUps++;
          if (this.lookUpError !== null) return Promise.reject(this.lookUpError);
          return Promise.resolve(new Map(gateways.map(({ text }) => [text, text])));
        },
        describe: (hop) => hop,
      },
      table: someTable,
      owner,
      identity: () => ({ ...smallVm, instance: "vm", self: { 4: this.self, 6: null } }),
      wanted: this.wanted,
      ledger: ledger === null ? null : { ledger, proven: false },
      clock: this.clock,
      settings,
    });
  }

  static byMark(): Scene {
    return new Scene(plainTraits, null);
  }

  static async byLedger(): Promise<Scene> {
    const { ledger } = await Ledger.open(memoryStore(null), { cloud: "aws", table: someTable.id, owner });
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
    for (const { action, prefix, to } of changes) {
      if (action === "delete") this.standing.delete(prefix.text);
      else this.standing.set(prefix.text, { prefix, nextHops: to, owner: this.#mark });
    }
    return { outcomes: changes.map(() => null) };
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
    assert.deepEqual([...scene.reconciler.status.errors.values()], [why]);
    assert.deepEqual(log.lines.filter((line) => line.includes(why)).length, 1);
    await scene.clock.advance(600_000);
    assert.ok(scene.lookUps <= 12, `${scene.lookUps} look-ups in ten minutes`);
    scene.lookUpError = null;
    await scene.clock.advance(61_000);
  });
  assert.deepEqual(scene.texts, [`${prefix} 10.0.0.10`]);
  assert.deepEqual([...scene.reconciler.status.errors], []);
});
