/**
 * A world in which the program lives: a kernel, a cloud, a disk, an operator, and time. Instances of the program can be crashed
 * at any await point and started again with what is on the disk.
 */

import { alone } from "../fakes/groups.ts";
import assert from "node:assert/strict";
import type { Change } from "../../src/clouds/cloud.ts";
import { CloudError } from "../../src/clouds/cloud_error.ts";
import type { KernelRoute } from "../../src/kernel/kernel_table.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";
import { fewestHeld } from "../../src/sync/guard.ts";
import { Ledger } from "../../src/sync/ledger.ts";
import type { LedgerStore } from "../../src/sync/ledger_store.ts";
import { Supervisor } from "../../src/sync/supervisor.ts";
import { FakeKernelTable, interfaceAddress, link } from "../fakes/kernel_routes.ts";
import { defaultPolicy } from "../fakes/policies.ts";
import {
  contested,
  ModelCloud,
  ModelCloudClient,
  type ModelRoute,
  operator,
  quotaLimit,
  selfAddress,
  type Shape,
} from "./model_cloud.ts";
import { VirtualClock } from "./virtual_clock.ts";

export const holdMs = 120_000;
export const maxWithdraw = 0.3;
const withdrawDelayMs = 250;
const auditMs = 300_000;

/** What is on the disk of the VM, by owner. */
interface Disk {
  ledger: string | null;
  /** Whether a ledger was begun here: its sign remains even if the ledger is lost. */
  begun: boolean;
}

/** One running instance of the program. */
interface Instance {
  readonly supervisor: Supervisor;
  readonly stop: AbortController;
  readonly abandon: AbortController;
  readonly ended: Promise<void>;
  dead: boolean;
  /** Await points left before it crashes; null: it does not. */
  crashIn: number | null;
  /** Withdrawals that no hold had agreed to: when and what. */
  readonly unheld: { readonly at: number; readonly prefix: string }[];
  /** Most routes owned, by time. */
  readonly owned: { readonly at: number; readonly count: number }[];
}

/** See the head of this file. */
export class World {
  readonly clock: VirtualClock;
  readonly cloud: ModelCloud;
  readonly kernel = new Map<string, string>();
  readonly #table = new FakeKernelTable([], [link("eth0")], [interfaceAddress("eth0", `${selfAddress}/24`)]);
  readonly #disks = new Map<string, Disk>();
  readonly #instances = new Map<string, Instance>();
  /** Since when each prefix is not wanted. */
  readonly #unwantedSince = new Map<string, number>();
  /** What went wrong, for good. */
  readonly broken: string[] = [];
  ledgersLost = false;

  constructor(shape: Shape, random: () => number) {
    this.clock = new VirtualClock(random);
    this.cloud = new ModelCloud(shape, () => this.clock.now());
    this.cloud.routes.push({ prefix: longStanding, nextHop: selfAddress, maker: operator, mark: null });
  }

  /** Starts an instance, unless one of that owner runs. Only the first owner follows the kernel. */
  start(owner: string): void {
    if (this.#instances.get(owner)?.dead === false) return;
    this.#instances.set(owner, this.#newInstance(owner));
  }

  /** Kills an instance after some more await points; 0: at once. */
  crash(owner: string, afterPoints: number): void {
    const instance = this.#instances.get(owner);
    if (instance === undefined || instance.dead) return;
    instance.crashIn = afterPoints;
    if (afterPoints === 0) this.#kill(instance);
  }

  /** Stops an instance as SIGTERM does. */
  async stop(owner: string): Promise<void> {
    const instance = this.#instances.get(owner);
    if (instance === undefined || instance.dead) return;
    instance.stop.abort(new Error("told to stop"));
    await this.clock.advance(4_000);
    instance.abandon.abort(new Error("told to stop"));
    await this.clock.advance(1_000);
    this.#kill(instance);
  }

  /**
   * Loses the ledger of a stopped instance; from then on what points here counts as the program's, all else as an operator's. Where
   * none was begun nothing can be the program's.
   */
  loseLedger(owner: string): void {
    const instance = this.#instances.get(owner);
    if (instance !== undefined && !instance.dead) this.#kill(instance);
    const disk = this.#diskOf(owner);
    disk.ledger = null;
    if (this.cloud.shape.traits.ownership !== "ledger" || !disk.begun) return;
    for (const route of this.cloud.routes) {
      if (route.nextHop === selfAddress) route.maker = owner;
      else if (route.maker === owner) route.maker = operator;
    }
  }

  /** Breaks the end of a stopped instance's ledger, as a crash within an append does. */
  tearLedger(owner: string): void {
    const disk = this.#diskOf(owner);
    if (disk.ledger !== null) disk.ledger += '{"claim":"198.51.1';
  }

  /** Changes the kernel's table at one moment. A null gateway withdraws. */
  setKernel(changes: ReadonlyMap<string, string | null>): void {
    const prefixes = [...changes.keys()].map(parsePrefix);
    for (const [prefix, gateway] of changes) {
      if (gateway === null) {
        if (this.kernel.delete(prefix)) this.#unwantedSince.set(prefix, this.clock.now());
      } else {
        this.kernel.set(prefix, gateway);
        this.#unwantedSince.delete(prefix);
      }
    }
    this.#table.replace([...this.kernel].map(([prefix, gateway]) => kernelRoute(prefix, gateway)));
    for (const [owner, instance] of this.#instances) {
      if (instance.dead || owner !== "one") continue;
      instance.supervisor.kernelChanged({ prefixes, receivedAt: this.clock.now(), interfacesChanged: false });
    }
  }

  /** The operator adds or retargets a route of their own, or retargets or deletes one of ours. */
  operate(prefix: string, nextHop: string | null): void {
    this.cloud.remember();
    const unique = this.cloud.shape.traits.uniquePrefix;
    const there = this.cloud.routes.find((route) => route.prefix === prefix);
    if (nextHop === null) {
      this.cloud.routes = this.cloud.routes.filter((route) => route !== there);
    } else if (there !== undefined && (unique || there.maker === operator)) {
      // Where routes are pairs, retargeting one of ours makes a new pair, which is the operator's.
      there.nextHop = nextHop;
      if (!this.#isProvable(there)) there.maker = contested;
    } else {
      // Without marks nobody can tell a route that was deleted and made anew from one that was retargeted.
      const maker = unique && this.#claims("one", prefix) ? "one" : operator;
      this.cloud.routes.push({ prefix, nextHop, maker, mark: null });
    }
  }

  /** Whether a retargeted route can still be proven to be its maker's: by its mark, or by a claim that was confirmed. */
  #isProvable({ maker, prefix }: ModelRoute): boolean {
    if (this.cloud.shape.traits.ownership === "mark" || maker === operator) return true;
    return this.#claims(maker, prefix);
  }

  /** In doubt a route that somebody retargeted counts as foreign: the ledger must prove it. */
  #isKnown(route: ModelRoute): boolean {
    return this.cloud.shape.traits.ownership === "mark" ||
      [...gatewayHops, selfAddress].includes(route.nextHop) ||
      this.#claims(route.maker, route.prefix);
  }

  /** Whether an owner's ledger has a confirmed claim of a prefix. */
  #claims(owner: string, prefix: string): boolean {
    const lines = (this.#diskOf(owner).ledger ?? "").split("\n");
    const last = lines.findLast((line) => line.includes(`"${prefix}"`));
    return last?.startsWith('{"confirm"') ?? false;
  }

  /** The operator's routes, for comparison. */
  foreignRoutes(): readonly string[] {
    return this.cloud.routes.filter((route) => route.maker === operator).map((route) => JSON.stringify(route))
      .sort();
  }

  /** Faults end; time goes on until everything that waits for time has had it. */
  async heal(): Promise<void> {
    this.cloud.faults = [];
    this.cloud.permanent = null;
    for (const instance of this.#instances.values()) instance.crashIn = null;
    this.start("one");
    await this.clock.advance(holdMs + 2 * auditMs + 60_000);
  }

  /** Checks the end: the table is right, and nobody calls any more. */
  async checkEnd(): Promise<void> {
    const foreign = this.foreignRoutes();
    for (const [prefix, gateway] of this.kernel) {
      const there = this.cloud.routes.filter((route) => route.prefix === prefix);
      const ours = there.filter((route) => route.maker === "one" && this.#isKnown(route));
      if (ours.length === 0) {
        const roomless = this.cloud.routes.length >= quotaLimit;
        assert(there.length > 0 || roomless, `${prefix} is wanted, not there, and nothing stands in the way`);
        continue;
      }
      assert.deepEqual(
        ours.map((route) => route.nextHop),
        [nextHopOf(gateway)],
        `${prefix} points elsewhere`,
      );
    }
    const stale = this.cloud.routes.filter((route) =>
      route.maker === "one" && !this.kernel.has(route.prefix) && this.#isKnown(route)
    );
    assert.deepEqual(stale, [], "routes of ours stay that nobody wants");
    const { writes } = this.cloud;
    await this.clock.advance(auditMs - 1);
    assert.equal(this.cloud.writes, writes, "writes go on though nothing happens");
    assert.deepEqual(this.foreignRoutes(), foreign, "an idle program changed a foreign route");
    this.#checkBroken();
  }

  #checkBroken(): void {
    assert.deepEqual(this.broken, []);
  }

  /** Kills everything, so that nothing of this world outlives its test. */
  end(): void {
    for (const instance of this.#instances.values()) this.#kill(instance);
  }

  #kill(instance: Instance): void {
    instance.dead = true;
  }

  #newInstance(owner: string): Instance {
    const stop = new AbortController();
    const abandon = new AbortController();
    const instance: Instance = {
      supervisor: this.#newSupervisor(owner, () => instance),
      stop,
      abandon,
      ended: Promise.resolve(),
      dead: false,
      crashIn: null,
      unheld: [],
      owned: [],
    };
    const ended = instance.supervisor.run(stop.signal, abandon.signal).catch((error: unknown) => {
      // A cloud that goes on answering nonsense at the start ends the program; systemd starts it again.
      const expected = error instanceof CloudError && error.kind === "invalid";
      if (!instance.dead && !stop.signal.aborted && !expected) {
        this.broken.push(`the program died: ${String(error)}`);
      }
      this.#kill(instance);
    });
    return Object.assign(instance, { ended });
  }

  #newSupervisor(owner: string, self: () => Instance): Supervisor {
    const point = async (): Promise<void> => {
      const instance = self();
      if (instance.crashIn !== null && --instance.crashIn < 0) this.#kill(instance);
      if (instance.dead) await new Promise(() => {});
    };
    const witness = {
      point,
      sleep: async (ms: number, signal: AbortSignal) => {
        await this.clock.sleep(ms, signal);
        if (self().dead) await new Promise(() => {});
      },
      now: () => this.clock.now(),
      makes: (change: Change, standing: readonly ModelRoute[]) =>
        this.#judge(owner, self(), change, standing),
      broken: (what: string) => void this.broken.push(what),
    };
    const store = this.#storeOf(owner, point);
    return new Supervisor({
      cloud: new ModelCloudClient(this.cloud, owner, witness),
      kernel: owner === "one" ? this.#table : new FakeKernelTable(),
      policy: defaultPolicy,
      owner,
      settings: {
        coalesceMs: 10,
        withdrawDelayMs,
        auditMs,
        guard: { maxWithdraw, holdMs },
        adopt: false,
        group: alone,
      },
      clock: { now: () => this.clock.now(), random: () => this.clock.random(), sleep: witness.sleep },
      peekTable: () => Promise.resolve(null),
      openTable: async () => {
        if (this.cloud.shape.traits.ownership === "mark") return null;
        const { ledger } = await Ledger.open(store, { cloud: "model", table: "table", owner });
        return { ledger, proven: this.#diskOf(owner).begun };
      },
      unexpected: (_where, error) => {
        throw error;
      },
    });
  }

  #storeOf(owner: string, point: () => Promise<void>): LedgerStore {
    const disk = this.#diskOf(owner);
    return {
      read: async () => {
        await point();
        return disk.ledger;
      },
      append: async (text) => {
        await point();
        // A crash within the append leaves a part of it.
        disk.ledger = (disk.ledger ?? "") + text.slice(0, text.length / 2);
        await point();
        disk.ledger += text.slice(text.length / 2);
        await point();
      },
      replace: async (text) => {
        await point();
        disk.ledger = text;
        await point();
      },
      setAside: () => Promise.resolve("elsewhere"),
      leaveSign: async () => {
        await point();
        disk.begun = true;
        await point();
      },
    };
  }

  #diskOf(owner: string): Disk {
    const disk = this.#disks.get(owner) ?? { ledger: null, begun: false };
    this.#disks.set(owner, disk);
    return disk;
  }

  /** The invariants, at the moment of each change. */
  #judge(owner: string, instance: Instance, change: Change, standing: readonly ModelRoute[]): void {
    const prefix = change.prefix.text;
    for (const route of standing) {
      if (route.maker !== owner && route.maker !== contested) {
        this.broken.push(`${owner} ${change.action}s ${prefix}, which is ${route.maker}'s`);
      }
    }
    const now = this.clock.now();
    if (owner !== "one") return;
    instance.owned.push({
      at: now,
      count: this.cloud.routes.filter((route) => route.maker === owner).length,
    });
    if (change.action !== "delete") return;
    const since = this.#unwantedSince.get(prefix);
    // What was wanted again while the call was under way is not the program's fault.
    if (since === undefined) return;
    if (now - since < holdMs) this.#checkGuard(instance, prefix, now);
  }

  #checkGuard(instance: Instance, prefix: string, now: number): void {
    instance.unheld.push({ at: now, prefix });
    const recent = instance.unheld.filter(({ at, prefix: gone }) =>
      now - at < holdMs && !this.kernel.has(gone)
    );
    const lost = new Set(recent.map(({ prefix: gone }) => gone)).size;
    const most = Math.max(...instance.owned.filter(({ at }) => now - at < holdMs).map(({ count }) => count));
    if (lost >= fewestHeld && lost > maxWithdraw * most) {
      this.broken.push(`${lost} of ${most} routes were withdrawn within a hold`);
    }
  }
}

/** A route of the operator's to this VM that stood before the program came, and that the kernel never wants. */
const longStanding = "203.0.113.0/24";
/** Next hops that only the program writes; the operator has others. */
const gatewayHops = ["10.0.0.7", "10.0.0.8"];

/** What a kernel gateway means in the cloud: a neighbour inside 10.0.0.0/24, else this VM. */
export function nextHopOf(gateway: string): string {
  return gateway.startsWith("10.0.0.") ? gateway : selfAddress;
}

function kernelRoute(prefix: string, gateway: string): KernelRoute {
  return {
    prefix: parsePrefix(prefix),
    table: 254,
    protocol: 186,
    type: 1,
    scope: 0,
    tos: 0,
    metric: 20,
    nextHopId: null,
    source: null,
    preference: 0,
    preferredSource: null,
    legs: [{
      gateway: parseAddress(gateway),
      interfaceIndex: 2,
      interfaceName: "eth0",
      weight: 1,
      dead: false,
      linkDown: false,
      onLink: false,
      encapsulation: null,
    }],
  };
}
