/** A router beside a peer of which the cloud says, when it is asked, whether it is dead; time stands still until a test moves it. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, DeadPeer } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { cloudRoute, owner, someTable, tableState } from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { smallVm } from "../../fakes/policies.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

const [self, peer] = ["10.0.0.4", "10.0.0.5"] as const;
const [first, second] = ["198.51.100.0/24", "203.0.113.0/24"] as const;

class Scene {
  readonly clock = new VirtualClock(() => 0.5);
  readonly standing = new Map<string, CloudRoute>();
  readonly #wanted = new WantedRoutes();
  /** Why the peer is dead, as the cloud knows it. */
  cause: string | null = null;
  /** Why the cloud does not say. */
  error: CloudError | null = null;
  asks = 0;
  /** Adds that met another router's route. */
  refused = 0;
  readonly reconciler: Reconciler;

  /** @param atPeer the prefixes that stand at the peer. */
  constructor(atPeer: readonly string[], readingShowsDead = true) {
    for (const prefix of atPeer) this.put(prefix, peer);
    this.reconciler = new Reconciler({
      isActive: () => true,
      cloud: { traits: { ...plainTraits, readingShowsDead }, describe: (hop) => hop },
      connection: () => ({
        read: () => Promise.resolve(tableState([...this.standing.values()])),
        write: (_table, changes) => {
          const outcomes = changes.map((change) => ({ change, error: this.#write(change) }));
          return Promise.resolve({ outcomes });
        },
        resolve: (neighbours) => Promise.resolve(neighbours.map(({ gateway }) => gateway.text)),
        forget: () => undefined,
        findDead: () => this.#findDead(),
      }),
      table: someTable,
      owner,
      identity: () => ({ ...smallVm, instance: "vm", self: { 4: self, 6: null } }),
      wanted: this.#wanted,
      ledger: null,
      clock: this.clock,
      budget: new ApiBudget({ traits: plainTraits }, this.clock),
      settings: {
        coalesceMs: 10,
        withdrawDelayMs: 250,
        auditMs: 300_000,
        guard: { maxWithdraw: 1, holdMs: 8_000 },
        adopt: false,
        group: { peers: [{ address: parseAddress(peer), rank: null }], rank: null, activeAddress: null },
      },
    });
  }

  get texts(): readonly string[] {
    return [...this.standing.values()].map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`).sort();
  }

  put(prefix: string, hop: string): void {
    this.standing.set(prefix, cloudRoute(prefix, hop));
  }

  /** This router's kernel has an uplink of its own for a prefix, or goes by another router. */
  kernel(prefix: string, by: string | null = null): void {
    const gateway = by === null ? null : parseAddress(by);
    const nextHops = [{ neighbour: gateway, gateway }];
    this.#wanted.set(prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 });
    this.reconciler.notify([prefix]);
  }

  async run(play: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const ended = this.reconciler.run(stop.signal, stop.signal);
    await this.clock.advance(1_000);
    await play();
    stop.abort();
    await this.clock.advance(1_000);
    await ended;
  }

  #write({ action, prefix, to }: Change): CloudError | null {
    if (action === "add" && this.standing.has(prefix.text)) {
      this.refused++;
      return new CloudError("conflict", `Cannot add ${prefix.text}: a route stands there`);
    }
    if (to === null) this.standing.delete(prefix.text);
    else this.put(prefix.text, to.join());
    return null;
  }

  #findDead(): Promise<readonly DeadPeer[]> {
    this.asks++;
    if (this.error !== null) return Promise.reject(this.error);
    return Promise.resolve(this.cause === null ? [] : [{ address: parseAddress(peer), cause: this.cause }]);
  }
}

Deno.test("Reconciler asks the cloud when its kernel comes to want what a peer has, and takes it over from a dead one", async () => {
  using log = captureLog();
  const scene = new Scene([first]);
  scene.cause = "instance i-1 is stopped";
  await scene.run(async () => {
    assert.equal(scene.asks, 0);
    scene.kernel(first);
    await scene.clock.advance(100);
    assert.deepEqual(scene.texts, [`${first} ${self}`]);
  });
  assert.ok(
    log.lines.includes("warning: Peer 10.0.0.5 is dead: instance i-1 is stopped"),
    log.lines.join("\n"),
  );
});

Deno.test("Reconciler asks the cloud when its kernel changes just before an audit reads the table", async () => {
  using _log = captureLog();
  const scene = new Scene([first]);
  scene.cause = "instance i-1 is stopped";
  await scene.run(async () => {
    await scene.clock.advance(298_995);
    scene.kernel(first);
    await scene.clock.advance(2_000);
    assert.deepEqual([scene.texts, scene.asks > 0], [[`${first} ${self}`], true]);
  });
});

Deno.test("Reconciler asks again some seconds after its kernel changed: the cloud may notice a death later", async () => {
  using _log = captureLog();
  const scene = new Scene([first]);
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(5_000);
    scene.cause = "instance i-1 is stopped";
    await scene.clock.advance(30_000);
    assert.deepEqual(scene.texts, [`${first} ${self}`]);
  });
});

Deno.test("Reconciler asks the cloud for no peer while nothing changes and a reading would show it", async () => {
  using _log = captureLog();
  const scene = new Scene([first]);
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(60_000);
    const { asks } = scene;
    await scene.clock.advance(3_600_000);
    assert.equal(scene.asks, asks);
    assert.deepEqual(scene.texts, [`${first} ${peer}`]);
  });
});

Deno.test("Reconciler asks the cloud at each audit for a peer whose prefix it wants too, where no reading shows a death", async () => {
  using _log = captureLog();
  const scene = new Scene([first, second], false);
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(60_000);
    const { asks } = scene;
    await scene.clock.advance(1_200_000);
    assert.equal(scene.asks, asks + 4);
    scene.cause = "VM r1 is deallocated";
    await scene.clock.advance(300_000);
    assert.deepEqual(scene.texts, [`${first} ${self}`]);
  });
});

Deno.test("Reconciler deletes what a dead peer has and nobody wants after the hold alone", async () => {
  using _log = captureLog();
  const prefixes = Array.from({ length: 12 }, (_, index) => `10.${index}.0.0/16`);
  const scene = new Scene([first, ...prefixes]);
  scene.cause = "instance i-1 is stopped";
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(600_000);
    assert.deepEqual(scene.texts, [`${first} ${self}`]);
  });
});

for (const kind of ["denied", "unavailable"] as const) {
  Deno.test(`Reconciler takes nothing from a peer of which the cloud does not say that it is dead (${kind}), and says so once`, async () => {
    using log = captureLog();
    const scene = new Scene([first], false);
    scene.error = new CloudError(kind, "Cannot find instances: no", { action: "ec2:DescribeInstances" });
    await scene.run(async () => {
      scene.kernel(first);
      await scene.clock.advance(1_800_000);
      assert.deepEqual(scene.texts, [`${first} ${peer}`]);
    });
    assert.equal(
      log.lines.filter((line) => line.includes("Cannot ask the cloud which peers are dead")).length,
      1,
    );
  });
}

Deno.test("Reconciler leaves to a peer that was dead what it writes once it lives again, though nothing was asked since", async () => {
  using log = captureLog();
  const scene = new Scene([first]);
  scene.cause = "instance i-1 is stopped";
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(60_000);
    assert.deepEqual(scene.texts, [`${first} ${self}`]);
    scene.cause = null;
    scene.put(second, peer);
    scene.kernel(second);
    await scene.clock.advance(400_000);
    assert.deepEqual(scene.texts, [`${first} ${self}`, `${second} ${peer}`]);
  });
  assert.ok(log.lines.some((line) => line.includes("peer 10.0.0.5 is alive again")), log.lines.join("\n"));
});

Deno.test("Reconciler asks the cloud at once for a peer that does not answer, and believes the cloud alone", async () => {
  using _log = captureLog();
  const scene = new Scene([first, second]);
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(60_000);
    const { asks } = scene;
    scene.reconciler.suspect();
    await scene.clock.advance(100);
    assert.equal(scene.asks, asks + 1);
    await scene.clock.advance(60_000);
    assert.deepEqual(scene.texts, [`${first} ${peer}`, `${second} ${peer}`], "no answer is no proof");
    assert.equal(scene.reconciler.peers.some(({ dead }) => dead !== null), false);
    scene.cause = "instance i-1 is stopped";
    scene.reconciler.suspect();
    await scene.clock.advance(100);
    assert.deepEqual(scene.texts.slice(0, 1), [`${first} ${self}`]);
    assert.deepEqual(scene.reconciler.peers.map(({ address, dead }) => [address, dead?.cause]), [
      [peer, "instance i-1 is stopped"],
    ]);
  });
});

Deno.test("Reconciler asks for a peer that does not answer also where it wants nothing that the peer has, and takes away what a dead one left", async () => {
  using _log = captureLog();
  const scene = new Scene([first]);
  await scene.run(async () => {
    scene.reconciler.suspect();
    await scene.clock.advance(100);
    assert.deepEqual([scene.asks, scene.texts], [1, [`${first} ${peer}`]]);
    await scene.clock.advance(60_000);
    scene.cause = "instance i-1 is stopped";
    scene.reconciler.suspect();
    await scene.clock.advance(60_000);
    assert.deepEqual(scene.texts, []);
  });
});

Deno.test("Reconciler asks nobody for a peer that does not answer and has no route", async () => {
  using _log = captureLog();
  const scene = new Scene([]);
  await scene.run(async () => {
    scene.reconciler.suspect();
    await scene.clock.advance(60_000);
    assert.equal(scene.asks, 0);
  });
});

Deno.test("Reconciler reads before it takes over a prefix that the peer has written since, and has no add refused", async () => {
  using _log = captureLog();
  const scene = new Scene([]);
  await scene.run(async () => {
    scene.kernel(first, peer);
    await scene.clock.advance(1_000);
    scene.put(first, peer);
    scene.kernel(first);
    await scene.clock.advance(100);
    assert.deepEqual(scene.texts, [`${first} ${self}`]);
  });
  assert.equal(scene.refused, 0);
});

Deno.test("Reconciler asks the cloud again a second after it was asked, and no more than every ten seconds while a prefix flaps", async () => {
  using _log = captureLog();
  const scene = new Scene([first]);
  await scene.run(async () => {
    scene.kernel(first);
    await scene.clock.advance(100);
    assert.equal(scene.asks, 1);
    await scene.clock.advance(900);
    scene.cause = "instance i-1 is stopped";
    scene.kernel(first, "10.0.0.6");
    await scene.clock.advance(100);
    assert.deepEqual(scene.texts, [`${first} 10.0.0.6`]);
    scene.cause = null;
    await scene.clock.advance(120_000);
    scene.put(first, peer);
    scene.put(second, peer);
    const { asks } = scene;
    for (let count = 0; count < 60; count++) {
      scene.kernel(second, count % 2 === 0 ? null : "10.0.0.6");
      await scene.clock.advance(1_000);
    }
    assert.ok(scene.asks - asks <= 10, `${scene.asks - asks} questions in a minute`);
  });
});
