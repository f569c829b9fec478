/**
 * Many routers of one account, each with the real supervisor and reconcilers, on a virtual clock: how often do they call when all want
 * something at once, how long does it take them, and what do they leave to another client of the account?
 */

import { setImmediate } from "node:timers";
import type { CloudRoute } from "../../src/clouds/cloud.ts";
import { parsePrefix } from "../../src/routes/prefix.ts";
import { Ledger } from "../../src/sync/ledger.ts";
import { type LedgerStore, memoryStore } from "../../src/sync/ledger_store.ts";
import { Supervisor } from "../../src/sync/supervisor.ts";
import { alone } from "../fakes/groups.ts";
import { owner } from "../fakes/cloud_routes.ts";
import { type FakeKernelTable, kernelRoute } from "../fakes/kernel_routes.ts";
import { defaultPolicy, smallKernel } from "../fakes/policies.ts";
import { Account, type AccountShape, type CallCount, type CallName } from "./herd_account.ts";
import { HerdCloud } from "./herd_cloud.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** Routes that each router wants. */
const routesEach = 5;
/** Routers that are told to start at once do so within this time, in milliseconds. */
const startSpreadMs = 1_000;
const outageMs = 600_000;
/** How often a router alone goes through all, to know which calls are useful. */
const loneRuns = 7;
/** How often it is looked who is in step, and whether another client's calls would be taken. */
const stepMs = 250;
const longestMs = 2 * 3_600_000;

/** What happens to the herd. */
export const scenarios = ["first start", "restart", "outage", "steady"] as const;
/** One of them. */
export type Scenario = typeof scenarios[number];

/** What came of a scenario. */
export interface HerdResult {
  readonly shape: AccountShape["name"];
  readonly scenario: Scenario;
  /** When it began, in milliseconds of the clock. */
  readonly startedAt: number;
  /** Calls that were made, and those among them that were refused. */
  readonly calls: number;
  readonly refused: number;
  /** Milliseconds until 99 % of the routers, and all, were in step. */
  readonly mostMs: number;
  readonly allMs: number;
  /** By call. */
  readonly byCall: ReadonlyMap<CallName, CallCount>;
  /** Which share of the calls of another client would have been taken, of the kind of call that fared worst. */
  readonly othersAccepted: number;
}

/** The same beside what a router alone would have needed. */
export interface HerdFigures extends HerdResult {
  /** Calls made for each that a router alone makes. */
  readonly callsEachUseful: number;
  /** The least time in which the useful calls can be made, in milliseconds. */
  readonly floorMs: number;
  /**
   * The most that {@linkcode othersAccepted} can be, where 99 % are in step after 1.3 times the floor, if routers know nothing of one
   * another before the first of their calls is refused; see {@linkcode Account.othersBound}.
   */
  readonly othersBound: number;
}

/** What a time is to be at most, in shares of the floor. */
export const wantedShareOfFloor = 1.3;

/**
 * Runs all scenarios.
 *
 * @param aloneIn the account in which a router alone shows which calls are useful: where the limits of `shape` are a share of the
 * real ones, so that fewer routers stand for more, a router alone would wait for them.
 */
export async function herdFigures(
  shape: AccountShape,
  count: number,
  { seed = 1, aloneIn = shape }: { readonly seed?: number; readonly aloneIn?: AccountShape } = {},
): Promise<readonly HerdFigures[]> {
  const lone: (readonly HerdResult[])[] = [];
  for (let run = 1; run <= loneRuns; run++) lone.push(await runHerd(aloneIn, 1, run));
  // By chance a router looks after its tables meanwhile: the run with the fewest calls made only the useful ones.
  const fewestCalls = (scenario: Scenario): HerdResult => {
    const [fewest] = lone.flat().filter((result) => result.scenario === scenario)
      .sort((left, right) => left.calls - right.calls || left.allMs - right.allMs);
    if (fewest === undefined) throw new Error(`No router went through "${scenario}" alone`);
    return fewest;
  };
  const all = await runHerd(shape, count, seed);
  const hour = fewestCalls("steady");
  return all.map((result) => {
    const alone = fewestCalls(result.scenario);
    // Those that are in step audit their tables as ever while the others wait.
    const audits = result.scenario === "steady" ? 0 : hour.calls / hour.allMs * result.allMs;
    const accepted = result.calls - result.refused;
    const useful = new Map([...alone.byCall].map(([name, { made }]) => [name, made * count]));
    const account = new Account(shape, () => 0);
    const awaited = without(useful, besideStart(result.scenario, shape.forwarding, count));
    const floorMs = account.floorMs(awaited, result.startedAt) + alone.allMs;
    const wantedMs = wantedShareOfFloor * floorMs;
    return {
      ...result,
      callsEachUseful: result.calls / Math.min(accepted, (alone.calls + audits) * count),
      floorMs,
      othersBound: account.othersBound(awaited, result.startedAt, wantedMs),
    };
  });
}

/** Calls that each router makes at a start, and nobody waits for. */
function besideStart(
  scenario: Scenario,
  calls: readonly CallName[],
  count: number,
): ReadonlyMap<CallName, number> {
  const isStart = scenario === "first start" || scenario === "restart";
  return new Map(isStart ? calls.map((name) => [name, count]) : []);
}

function without(
  calls: ReadonlyMap<CallName, number>,
  others: ReadonlyMap<CallName, number>,
): ReadonlyMap<CallName, number> {
  return new Map([...calls].map(([name, made]) => [name, Math.max(0, made - (others.get(name) ?? 0))]));
}

async function runHerd(shape: AccountShape, count: number, seed: number): Promise<readonly HerdResult[]> {
  const herd = new Herd(shape, count, seed);
  const results: HerdResult[] = [];
  for (const scenario of scenarios) results.push(await herd.play(scenario));
  await herd.end();
  return results;
}

/** One router, over all its starts. */
class Router {
  readonly kernel: FakeKernelTable;
  readonly routes = new Map<string, CloudRoute>();
  readonly #store: LedgerStore = memoryStore(null);
  readonly #herd: Herd;
  readonly #name: string;
  #supervisor: Supervisor | null = null;
  #stop = new AbortController();

  constructor(herd: Herd, index: number) {
    this.#herd = herd;
    this.#name = `table-${index}`;
    this.kernel = smallKernel(
      Array.from(
        { length: routesEach },
        (_, route) => kernelRoute(`198.18.${route}.0/24`, { via: "192.0.2.1" }),
      ),
    );
  }

  async start(afterMs: number): Promise<void> {
    const { account, clock } = this.#herd;
    await clock.sleep(afterMs, new AbortController().signal);
    this.#stop = new AbortController();
    const table = { id: this.#name, name: this.#name, ours: false };
    const cloud = new HerdCloud(account, clock, table, this.routes);
    this.#supervisor = new Supervisor({
      cloud,
      kernel: this.kernel,
      policy: defaultPolicy,
      owner,
      settings: {
        coalesceMs: 10,
        withdrawDelayMs: 250,
        auditMs: 300_000,
        guard: { maxWithdraw: 0.3, holdMs: 120_000 },
        adopt: false,
        group: alone,
      },
      clock,
      peekTable: () => Promise.resolve(null),
      openTable: async () => {
        if (cloud.traits.ownership === "mark") return null;
        const { ledger } = await Ledger.open(this.#store, { cloud: "aws", table: table.id, owner });
        return { ledger, proven: false };
      },
      unexpected: (where, error) => {
        throw new Error(`A defect ${where}`, { cause: error });
      },
    });
    this.ended = this.#supervisor.run(this.#stop.signal, this.#stop.signal);
  }

  ended: Promise<void> = Promise.resolve();

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#supervisor = null;
    await new Promise((resolve) => void setImmediate(() => resolve(null)));
  }

  /** The kernel sends one of the routes by way of another machine. */
  change(): void {
    this.kernel.set("198.18.0.0/24", kernelRoute("198.18.0.0/24", { via: "10.0.0.7" }));
    this.#supervisor?.kernelChanged({
      prefixes: [parsePrefix("198.18.0.0/24")],
      receivedAt: this.#herd.clock.now(),
      interfacesChanged: false,
    });
  }

  get inStep(): boolean {
    const statuses = this.#supervisor?.statuses ?? [];
    return statuses.length > 0 && statuses.every(({ inStep }) => inStep) && this.routes.size === routesEach;
  }
}

/** All routers, their account, and the other client. */
class Herd {
  readonly clock: VirtualClock;
  readonly account: Account;
  readonly #routers: readonly Router[];
  readonly #random: () => number;

  constructor(shape: AccountShape, count: number, seed: number) {
    this.#random = randomOf(seed);
    this.clock = new VirtualClock(this.#random);
    this.account = new Account(shape, () => this.clock.now());
    this.#routers = Array.from({ length: count }, (_, index) => new Router(this, index));
  }

  async play(scenario: Scenario): Promise<HerdResult> {
    switch (scenario) {
      case "first start":
        await this.#untilHalfMinute();
        this.#startAll();
        return await this.#measure(scenario, "in step");
      case "restart":
        for (const router of this.#routers) await router.stop();
        await this.clock.advance(120_000);
        await this.#untilHalfMinute();
        this.#startAll();
        return await this.#measure(scenario, "in step");
      case "outage":
        this.account.isDown = true;
        await this.#untilHalfMinute();
        await this.clock.advance(outageMs / 2);
        for (const router of this.#routers) router.change();
        await this.clock.advance(outageMs / 2);
        this.account.isDown = false;
        return await this.#measure(scenario, "in step");
      case "steady":
        await this.clock.advance(600_000);
        return await this.#measure(scenario, "an hour");
    }
  }

  async end(): Promise<void> {
    for (const router of this.#routers) await router.stop();
    await this.clock.advance(10_000);
    await Promise.all(this.#routers.map(({ ended }) => ended));
  }

  /** Half of a quota's minute is gone when something happens, as it is on average: what is left of it decides a lot. */
  async #untilHalfMinute(): Promise<void> {
    await this.clock.advance((90_000 - this.clock.now() % 60_000) % 60_000);
  }

  #startAll(): void {
    for (const router of this.#routers) void router.start(this.#random() * startSpreadMs);
  }

  async #measure(scenario: Scenario, until: "in step" | "an hour"): Promise<HerdResult> {
    this.account.forgetCounts();
    const startedAt = this.clock.now();
    let waiting = until === "in step" ? this.#routers : [];
    const enough = this.#routers.length / 100;
    let mostMs = 0;
    const elapsedMs = (): number => this.clock.now() - startedAt;
    do {
      await this.clock.advance(stepMs);
      this.account.probe();
      waiting = waiting.filter((router) => !router.inStep);
      if (mostMs === 0 && waiting.length <= enough) mostMs = elapsedMs();
      if (elapsedMs() > longestMs) throw new Error(`${waiting.length} routers do not get in step`);
    } while (waiting.length > 0 || (until === "an hour" && elapsedMs() < 3_600_000));
    const counts = [...this.account.calls.values()];
    const sum = (of: (count: CallCount) => number): number => counts.reduce((all, one) => all + of(one), 0);
    return {
      shape: this.account.shape.name,
      scenario,
      startedAt,
      calls: sum(({ made }) => made),
      refused: sum(({ refused }) => refused),
      mostMs,
      allMs: elapsedMs(),
      byCall: new Map([...this.account.calls].map(([name, count]) => [name, { ...count }])),
      othersAccepted: Math.min(
        ...[...this.account.others.values()].map(({ made, refused }) => 1 - refused / made),
      ),
    };
  }
}

/** Chance that is the same each time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
