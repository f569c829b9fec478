/** The comparison of two tables in process, as the first round after a start makes it: index, difference, fit. */

import assert from "node:assert/strict";
import { parsePrefix } from "../../src/routes/prefix.ts";
import type { CloudRoute, CloudTraits, TableState } from "../../src/clouds/cloud.ts";
import { type Difference, difference } from "../../src/sync/plan.ts";
import { fit, type FittedPlan } from "../../src/sync/fit.ts";
import { indexTable } from "../../src/sync/ownership.ts";
import type { Target } from "../../src/sync/planned_change.ts";
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
}

const owner = "cloudroutesync";

const traits: CloudTraits = {
  batch: 1000,
  atomic: true,
  parallel: 1,
  rate: null,
  nextHopsPerRoute: 1,
  ownership: "mark",
  uniquePrefix: true,
};

/** What is wanted against what is there, by how much they differ. */
export function plannerFigures(sizes: readonly number[], rounds: number): readonly PlannerFigure[] {
  return sizes.flatMap((routes) => {
    const same = routesOf(routes, 11, "10.0.0.7");
    const moved = routesOf(routes, 11, "10.0.0.8");
    const others = routesOf(routes, 101, "10.0.0.7");
    const cases: readonly (readonly [string, readonly CloudRoute[]])[] = [
      ["all alike", same],
      ["all replaced", moved],
      ["all added and deleted", others],
    ];
    return cases.map(([name, actual]) => {
      const times = Array.from({ length: rounds }, () => compareTables(same, actual));
      const { least, median } = spreadOf(times);
      return { routes, case: name, median, least };
    });
  });
}

function routesOf(count: number, firstOctet: number, nextHop: string): readonly CloudRoute[] {
  return Array.from({ length: count }, (_, index) => ({
    prefix: parsePrefix(`${firstOctet + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`),
    nextHops: [nextHop],
    owner,
  }));
}

/** @returns milliseconds. */
function compareTables(wanted: readonly CloudRoute[], actual: readonly CloudRoute[]): number {
  const targets = new Map<string, Target>(
    wanted.map(({ prefix, nextHops }) => [prefix.text, { prefix, nextHops, metric: 20 }]),
  );
  const state: TableState = {
    table: { id: "bench", name: "bench", ours: true },
    routes: actual,
    quotas: [{ families: [4, 6], used: actual.length, limit: 2 * wanted.length }],
    version: null,
  };
  const startedAt = performance.now();
  const index = indexTable(state, { owner, traits, claims: new Map(), peers: [], dead: new Set() });
  const prefixes = new Set([...targets.keys(), ...index.own.keys()]);
  const parts = difference(prefixes, {
    wanted: (key) => targets.get(key),
    index,
    traits,
    adopt: false,
    group: null,
  });
  const plan = fit(parts, state.quotas, (prefix) => targets.get(prefix.text)?.metric ?? 0);
  const took = performance.now() - startedAt;
  assertComplete(wanted.length, parts, plan);
  return took;
}

/** A fast comparison that forgets something would be no feat. */
function assertComplete(size: number, parts: Difference, plan: FittedPlan): void {
  const planned = parts.adds.length + parts.replaces.length + parts.deletes.length;
  assert.equal(plan.waves.flat().length, planned);
  assert.equal(parts.kept + parts.replaces.length + parts.adds.length, size);
}
