/** The comparison of two tables in process, as the first round after a start makes it: index and plan, in slices. */

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../src/async/clock.ts";
import { inSlices } from "../../src/async/slices.ts";
import { eachOf, type Steps } from "../../src/async/steps.ts";
import type { CloudRoute, CloudTraits, TableState } from "../../src/clouds/cloud.ts";
import { parsePrefix } from "../../src/routes/prefix.ts";
import { comparing, type Comparison } from "../../src/sync/comparison.ts";
import { indexing } from "../../src/sync/ownership.ts";
import { WantedRoutes } from "../../src/sync/wanted_routes.ts";
import { plainRules, plainTraits } from "../fakes/comparisons.ts";
import { smallVm } from "../fakes/policies.ts";
import { spreadOf } from "./figure.ts";

/** How long one comparison takes. */
export interface PlannerFigure {
  /** Routes wanted, and routes there. */
  readonly routes: number;
  /** How they differ. */
  readonly case: string;
  /** Milliseconds. */
  readonly median: number;
  readonly least: number;
  /** For how long the event loop was held at most in the median round, milliseconds: the garbage collector's pauses are part of it. */
  readonly longest: number;
}

const owner = "cloudroutesync";

const traits: CloudTraits = { ...plainTraits, batch: 1000, atomic: true };

/** What is wanted against what is there, by how much they differ. */
export async function plannerFigures(
  sizes: readonly number[],
  rounds: number,
): Promise<readonly PlannerFigure[]> {
  const figures: PlannerFigure[] = [];
  for (const routes of sizes) {
    const same = routesOf(routes, 11, "10.0.0.7");
    // Made when it is their turn: what the garbage collector has to look through holds up the event loop too.
    const cases: readonly (readonly [string, () => readonly CloudRoute[]])[] = [
      ["all alike", () => same],
      ["all replaced", () => routesOf(routes, 11, "10.0.0.8")],
      ["all added and deleted", () => routesOf(routes, 101, "10.0.0.7")],
    ];
    for (const [name, make] of cases) {
      const actual = make();
      const times: number[] = [];
      const held: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const clock = new SliceClock();
        times.push(await compareTables(same, actual, clock));
        held.push(clock.longest);
      }
      const { least, median } = spreadOf(times);
      figures.push({ routes, case: name, median, least, longest: spreadOf(held).median });
    }
  }
  return figures;
}

/** The real clock, which takes note of how long the event loop was held. */
class SliceClock implements Clock {
  #longest = 0;
  #heldSince = NaN;

  get longest(): number {
    return this.#longest;
  }

  now(): number {
    return performance.now();
  }

  random(): number {
    return Math.random();
  }

  /** The event loop is held from now on. */
  hold(): void {
    this.#heldSince = this.now();
  }

  /** It is not any more. */
  leave(): void {
    this.#longest = Math.max(this.#longest, this.now() - this.#heldSince);
  }

  async sleep(): Promise<void> {
    this.leave();
    await setImmediate();
    this.hold();
  }
}

function routesOf(count: number, firstOctet: number, nextHop: string): readonly CloudRoute[] {
  return Array.from({ length: count }, (_, index) => ({
    prefix: parsePrefix(`${firstOctet + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`),
    nextHops: [nextHop],
    owner,
  }));
}

/** @returns milliseconds. */
async function compareTables(
  routes: readonly CloudRoute[],
  actual: readonly CloudRoute[],
  clock: SliceClock,
): Promise<number> {
  const nextHops = [{ neighbour: null, gateway: null }];
  const wanted = new WantedRoutes(
    routes.map(({ prefix }) => [prefix.text, { prefix, nextHops, metric: 20, protocol: 186 }]),
  );
  const state: TableState = {
    table: { id: "bench", name: "bench", ours: true },
    routes: actual,
    quotas: [{ families: [4, 6], used: actual.length, limit: 2 * routes.length }],
    version: null,
  };
  const startedAt = performance.now();
  clock.hold();
  const comparison = await inSlices(comparingTables(wanted, state), clock, new AbortController().signal);
  clock.leave();
  const took = performance.now() - startedAt;
  assertComplete(routes.length, comparison);
  return took;
}

function* comparingTables(wanted: WantedRoutes, state: TableState): Steps<Comparison> {
  const index = yield* indexing(state, { owner, traits, claims: new Map(), peers: [], dead: new Set() });
  const prefixes = new Set<string>();
  for (const keys of [wanted.keys(), index.own.keys()]) {
    yield* eachOf(keys, (prefix) => prefixes.add(prefix));
  }
  return yield* comparing({
    prefixes,
    ...plainRules(),
    wanted: wanted.moment(),
    identity: { ...smallVm, instance: "bench", self: { 4: "10.0.0.7", 6: null } },
    resolution: { ids: new Map(), error: null },
    index,
    quotas: state.quotas,
    traits,
    guardSettings: { maxWithdraw: 1, holdMs: 0 },
  });
}

/** A fast comparison that forgets something would be no feat. */
function assertComplete(size: number, { difference, fitted }: Comparison): void {
  const { adds, replaces, deletes, kept } = difference;
  assert.equal(fitted.waves.flat().length, adds.length + replaces.length + deletes.length);
  assert.equal(kept + replaces.length + adds.length, size);
}
