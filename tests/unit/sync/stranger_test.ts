/** A router that is to lead a prefix to a neighbour looks first whether that has become a router of the group. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, Sign } from "../../../src/clouds/cloud.ts";
import { type IpAddress, parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { FirstReading } from "../../../src/sync/first_reading.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { owner, someTable, tableState } from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { smallVm } from "../../fakes/policies.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

const [first, second] = ["198.51.100.0/24", "203.0.113.0/24"] as const;
const self = parseAddress("10.0.0.4");
const neighbour = parseAddress("10.0.0.5");

function signOf(address: IpAddress): Sign {
  return { id: `vm-${address.text}`, address, nextHops: [address.text] };
}

/** One router of a cloud with marks where each router has routes of its own; its audits are an hour apart. */
class Scene {
  readonly clock = new VirtualClock(() => 0.5);
  readonly wanted = new WantedRoutes();
  standing: CloudRoute[] = [];
  reads = 0;
  readonly written: string[] = [];
  readonly reconciler: Reconciler;

  constructor(signs = true, readAhead: readonly CloudRoute[] | null = null) {
    const reading = { at: 0, state: () => Promise.resolve(tableState(readAhead ?? [])) };
    this.reconciler = new Reconciler({
      isActive: () => true,
      cloud: { traits: { ...plainTraits, uniquePrefix: false }, describe: (hop) => hop },
      connection: () => ({
        read: () => {
          this.reads++;
          return Promise.resolve(tableState(this.standing));
        },
        write: (_table, changes) => {
          changes.forEach((change) => this.#change(change));
          return Promise.resolve({ outcomes: changes.map((change) => ({ change, error: null })) });
        },
        resolve: (neighbours) => Promise.resolve(neighbours.map(({ gateway }) => gateway.text)),
        forget: () => undefined,
      }),
      table: someTable,
      owner,
      identity: () => ({
        ...smallVm,
        instance: "vm",
        self: { 4: self.text, 6: null },
        ...(signs ? { sign: signOf(self) } : {}),
      }),
      wanted: this.wanted,
      ledger: null,
      ...(readAhead === null ? {} : { firstReading: new FirstReading(reading, () => true) }),
      clock: this.clock,
      budget: new ApiBudget({ traits: plainTraits }, this.clock),
      settings: {
        coalesceMs: 10,
        withdrawDelayMs: 250,
        auditMs: 3_600_000,
        guard: { maxWithdraw: 1, holdMs: 8_000 },
        adopt: false,
        group: { peers: [], rank: null, activeAddress: null },
      },
    });
  }

  /** The kernel's best route for a prefix, by a neighbour or by this VM itself. */
  async kernel(prefix: string, by: IpAddress | null): Promise<void> {
    const nextHops = [{ neighbour: by, gateway: by }];
    this.wanted.set(prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 });
    this.reconciler.notify([prefix]);
    await this.clock.advance(1_000);
  }

  /** The neighbour is a router now, and writes a route of its own. */
  neighbourWrites(prefix: string): void {
    this.standing.push(routeOf(prefix, neighbour, signOf(neighbour)));
  }

  async run(play: () => Promise<void>): Promise<void> {
    using _log = captureLog();
    const stop = new AbortController();
    const ended = this.reconciler.run(stop.signal, stop.signal);
    await this.clock.advance(1_000);
    await play();
    stop.abort();
    await this.clock.advance(1_000);
    await ended;
  }

  #change({ prefix, from, to }: Change): void {
    const gone = new Set(from?.ids ?? (from?.id === undefined ? [] : [from.id]));
    this.standing = this.standing.filter(({ id }) => !gone.has(id ?? ""));
    for (const hop of to ?? []) {
      this.written.push(`${prefix.text} ${hop}`);
      this.standing.push(routeOf(prefix.text, parseAddress(hop), signOf(self)));
    }
  }
}

function routeOf(prefix: string, hop: IpAddress, writer: Sign): CloudRoute {
  return {
    prefix: parsePrefix(prefix),
    nextHops: [hop.text],
    owner,
    writer,
    id: `${writer.id} ${prefix} ${hop.text}`,
  };
}

Deno.test("a router reads again before it leads a prefix to a neighbour, which may be a router by now and writes it itself", async () => {
  const scene = new Scene();
  await scene.run(async () => {
    await scene.kernel(first, null);
    scene.neighbourWrites(first);
    await scene.kernel(first, neighbour);
    assert.deepEqual(scene.written, [`${first} ${self.text}`], "it wrote nothing for the neighbour");
    assert.deepEqual(scene.standing.map(({ nextHops }) => nextHops.join()), [neighbour.text]);
  });
});

Deno.test("a router of a group reads again before it deletes by what preparing has read", async () => {
  const mine = routeOf(first, self, signOf(self));
  const scene = new Scene(true, [mine, routeOf(second, neighbour, signOf(neighbour))]);
  // The neighbour has taken the prefix over since.
  const theirs = routeOf(first, neighbour, signOf(neighbour));
  scene.standing = [{ ...theirs, id: mine.id ?? "" }];
  await scene.run(() => Promise.resolve());
  assert.deepEqual(scene.standing.map(({ nextHops }) => nextHops.join()), [neighbour.text]);
  assert.equal(scene.reads, 1);
});

/** How often a router reads for two prefixes by one neighbour, one after the other. */
async function readsOf(scene: Scene): Promise<readonly [first: number, second: number]> {
  let reads: readonly [number, number] = [0, 0];
  await scene.run(async () => {
    const start = scene.reads;
    await scene.kernel(first, neighbour);
    const between = scene.reads;
    await scene.kernel(second, neighbour);
    reads = [between - start, scene.reads - between];
  });
  assert.deepEqual(scene.written, [`${first} ${neighbour.text}`, `${second} ${neighbour.text}`]);
  return reads;
}

Deno.test("a router reads once for a neighbour that is no router, and not again for the next prefix by it", async () => {
  const [one, other] = await readsOf(new Scene(false));
  assert.deepEqual(await readsOf(new Scene()), [one + 1, other]);
});
