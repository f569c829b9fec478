/**
 * A router that was rebuilt with another interface, on a table that was handed over and whose routes carry no mark: what its dead
 * predecessor has left there is foreign until the user names the predecessor and the cloud says that it is gone.
 */

import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTraits } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Ledger } from "../../../src/sync/ledger.ts";
import { memoryStore } from "../../../src/sync/ledger_store.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { owner, someTable, tableState } from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { smallVm } from "../../fakes/policies.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

/** A wanted prefix, one that nobody wants, and a wanted one that an operator leads elsewhere. */
const [wanted, stale, operators] = ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"] as const;
/** This VM's address and its predecessor's other one. */
const [self, old] = ["10.0.0.4", "10.0.0.9"] as const;
const byInterface: CloudTraits = { ...plainTraits, ownership: "ledger", readingShowsDead: true };
const byAddress: CloudTraits = {
  ...plainTraits,
  ownership: "ledger",
  uniquePrefix: false,
  nextHopsPerRoute: 8,
  routesNameAddresses: true,
};

interface Play {
  readonly traits: CloudTraits;
  /** `-peer`. */
  readonly named: readonly string[];
  readonly adopt?: boolean;
  /** Interfaces by address, as the cloud knows them. */
  readonly interfaces?: Readonly<Record<string, string>>;
  /** What does not exist any more; an error: why the cloud does not say. */
  gone: ReadonlySet<string> | CloudError;
}

class Scene {
  readonly clock = new VirtualClock(() => 0.5);
  standing: CloudRoute[] = [];
  asks = 0;
  readonly #kernel = new WantedRoutes();
  readonly #next: string;

  constructor(readonly play: Play) {
    const { traits } = play;
    const [before, after] = traits === byInterface ? ["eni-old", "eni-new"] : [old, self];
    this.#next = after;
    const dead = traits === byInterface ? { blackhole: true } : {};
    this.standing = [
      { prefix: parsePrefix(wanted), nextHops: [before], owner: null, ...dead },
      { prefix: parsePrefix(stale), nextHops: [before], owner: null, ...dead },
      { prefix: parsePrefix(operators), nextHops: ["igw-1"], owner: null, ...dead },
    ];
  }

  get texts(): readonly string[] {
    return this.standing.map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`).sort();
  }

  async run(body: (reconciler: Reconciler) => Promise<void>): Promise<void> {
    const { traits, named, interfaces, adopt = false } = this.play;
    const opened = await Ledger.open(memoryStore(null), { cloud: "aws", table: someTable.id, owner });
    const reconciler = new Reconciler({
      isActive: () => true,
      cloud: { traits, describe: (hop) => hop },
      connection: () => ({
        read: () => Promise.resolve({ ...tableState(this.standing), table: { ...someTable, ours: false } }),
        write: (_table, changes) => {
          changes.forEach((change) => this.#write(change));
          return Promise.resolve({ outcomes: changes.map((change) => ({ change, error: null })) });
        },
        resolve: (neighbours) =>
          Promise.resolve(neighbours.map(({ gateway }) => interfaces?.[gateway.text] ?? null)),
        forget: () => undefined,
        findDead: (peers) => {
          const { gone } = this.play;
          if (gone instanceof CloudError) return Promise.reject(gone);
          const dead = peers.filter(({ nextHops }) => nextHops.every((hop) => gone.has(hop)));
          return Promise.resolve(dead.map(({ address }) => ({ address, cause: "it is gone" })));
        },
        findGone: (hops) => {
          this.asks++;
          const { gone } = this.play;
          if (gone instanceof CloudError) return Promise.reject(gone);
          return Promise.resolve(new Set(hops).intersection(gone));
        },
      }),
      table: { ...someTable, ours: false },
      owner,
      identity: () => ({
        ...smallVm,
        instance: "vm",
        self: { 4: this.#next, 6: null },
        attachments: smallVm.attachments.map((each) => ({ ...each, addresses: [parseAddress(self)] })),
      }),
      wanted: this.#kernel,
      // A new disk.
      ledger: { ledger: opened.ledger, proven: false },
      clock: this.clock,
      budget: new ApiBudget({ traits }, this.clock),
      settings: {
        coalesceMs: 10,
        withdrawDelayMs: 250,
        auditMs: 300_000,
        guard: { maxWithdraw: 1, holdMs: 8_000 },
        adopt,
        group: {
          peers: named.map((text) => ({ address: parseAddress(text), rank: null })),
          rank: null,
          activeAddress: null,
        },
      },
    });
    const stop = new AbortController();
    const ended = reconciler.run(stop.signal, stop.signal);
    await this.clock.advance(100);
    // The routing daemon has learnt the prefixes only now.
    for (const prefix of [wanted, operators]) {
      const nextHops = [{ neighbour: null, gateway: null }];
      this.#kernel.set(prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 });
    }
    reconciler.notify([wanted, operators]);
    await this.clock.advance(60_000);
    await body(reconciler);
    stop.abort();
    await this.clock.advance(1_000);
    await ended;
  }

  #write({ prefix, from, to }: Change): void {
    const replaced = from?.nextHops ?? [];
    this.standing = this.standing.filter((route) =>
      route.prefix.text !== prefix.text || !route.nextHops.every((hop) => replaced.includes(hop))
    );
    if (to !== null) this.standing.push({ prefix, nextHops: to, owner: null });
  }
}

/** The table with the wanted prefix there. */
const with_ = (hop: string, before: string): readonly string[] =>
  [`${operators} igw-1`, `${wanted} ${hop}`, `${stale} ${before}`].sort();
const [taken, left] = [with_("eni-new", "eni-old"), with_("eni-old", "eni-old")];

for (const [named, address] of [["its other address", old], ["the address that is its own now", self]]) {
  Deno.test(`a rebuilt router takes what points at a deleted interface and is wanted once its predecessor is named by ${named}`, async () => {
    using log = captureLog();
    const play: Play = {
      traits: byInterface,
      named: [address ?? ""],
      gone: new Set(["eni-old"]),
    };
    const scene = new Scene(play);
    await scene.run(async (reconciler) => {
      assert.deepEqual(scene.texts, taken);
      assert.deepEqual(reconciler.status.conflicts, [operators]);
      const { asks } = scene;
      await scene.clock.advance(3_600_000);
      assert.deepEqual(scene.texts, taken);
      assert.ok(scene.asks <= asks + 60, "what is not gone is asked for once a minute at most");
    });
    assert.ok(log.lines.some((line) => line.includes("1 route of table")), log.lines.join("\n"));
  });
}

const unproven: readonly (readonly [string, Play])[] = [
  ["nobody names the predecessor", { traits: byInterface, named: [], gone: new Set(["eni-old"]) }],
  ["the interface is only detached", { traits: byInterface, named: [old], gone: new Set() }],
  ["the cloud does not say", {
    traits: byInterface,
    named: [old],
    gone: new CloudError("denied", "Cannot find network interfaces: no"),
  }],
  ["the named router is there", {
    traits: byInterface,
    named: [old],
    interfaces: { [old]: "eni-of-a-peer" },
    gone: new Set(["eni-old"]),
  }],
];
for (const [why, play] of unproven) {
  Deno.test(`a rebuilt router leaves what its predecessor may have left as foreign where ${why}`, async () => {
    using _log = captureLog();
    const scene = new Scene(play);
    await scene.run((reconciler) => {
      assert.deepEqual(scene.texts, left);
      assert.deepEqual(reconciler.status.conflicts.toSorted(), [operators, wanted].sort());
      return Promise.resolve();
    });
  });
}

Deno.test("a rebuilt router takes its predecessor's routes once the interface is deleted", async () => {
  using _log = captureLog();
  const play: Play = { traits: byInterface, named: [old], gone: new Set() };
  const scene = new Scene(play);
  await scene.run(async () => {
    assert.deepEqual(scene.texts, left);
    play.gone = new Set(["eni-old"]);
    await scene.clock.advance(400_000);
    assert.deepEqual(scene.texts, taken);
  });
});

Deno.test("a rebuilt router takes over what is wanted with -adopt, without any name", async () => {
  using _log = captureLog();
  const scene = new Scene({ traits: byInterface, named: [], adopt: true, gone: new Set() });
  await scene.run(() => {
    assert.deepEqual(scene.texts, [`${operators} eni-new`, `${wanted} eni-new`, `${stale} eni-old`]);
    return Promise.resolve();
  });
});

Deno.test("a rebuilt router takes all that points at its predecessor's address once it is named and the cloud says that nobody has it", async () => {
  using _log = captureLog();
  const play: Play = { traits: byAddress, named: [old], gone: new Set() };
  const scene = new Scene(play);
  await scene.run(async () => {
    const both = `${wanted} ${self}`;
    const before = [`${operators} igw-1`, `${stale} ${old}`, `${wanted} ${old}`];
    assert.deepEqual(scene.texts, [...before, both].sort());
    play.gone = new Set([old]);
    await scene.clock.advance(700_000);
    assert.deepEqual(scene.texts, [`${operators} igw-1`, both]);
  });
});
