/**
 * A herd of real supervisors on a virtual clock, against an account whose limits are a twentieth of the real ones: 50 routers stand for a
 * thousand. The figures of the thousand are those of `deno task bench:herd`.
 */

import assert from "node:assert/strict";
import { captureLog } from "../fakes/captured_log.ts";
import { type HerdFigures, herdFigures, scenarios } from "./herd.ts";
import { type AccountShape, accountShapes, type Limit } from "./herd_account.ts";

const count = 50;
const share = count / 1_000;

/** What one history comes to is chance: of so few routers some are unlucky. What counts is the mean of so many. */
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

/** How long it may take, in shares of the least time: of so few routers the very last counts, which waits longer than 99 % of many do. */
const longestInFloors: Readonly<Record<AccountShape["name"], number>> = { EC2: 2.6, ARM: 2.4, Google: 3.7 };

function shared(limit: Limit): Limit {
  return limit.kind === "bucket"
    ? { kind: "bucket", burst: limit.burst * share, perSecond: limit.perSecond * share }
    : { kind: "minute", perMinute: limit.perMinute * share };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

for (const shape of accountShapes) {
  Deno.test(`${count} routers of one account of ${shape.name} neither starve one another nor the account`, async () => {
    using _log = captureLog();
    const limits = Object.fromEntries(
      Object.entries(shape.limits).map(([name, limit]) => [name, shared(limit)]),
    );
    const small: AccountShape = { ...shape, limits };
    const histories: (readonly HerdFigures[])[] = [];
    for (const seed of seeds) histories.push(await herdFigures(small, count, { seed, aloneIn: shape }));
    for (const scenario of scenarios) {
      const all = histories.flat().filter((figures) => figures.scenario === scenario);
      const calls = mean(all.map(({ callsEachUseful }) => callsEachUseful));
      const others = mean(all.map(({ othersAccepted }) => othersAccepted));
      // A minute's quota makes whoever is late wait for one more minute, however short the floor.
      const floors = mean(all.map(({ mostMs, floorMs }) => mostMs / Math.max(floorMs, 60_000)));
      const figures = `${scenario}: ${calls} calls, others ${others}, ${floors} of the least time`;
      assert.ok(calls <= 3.3, figures);
      assert.ok(others >= (scenario === "steady" ? 0.95 : 0.67), figures);
      if (scenario !== "steady") assert.ok(floors <= longestInFloors[shape.name], figures);
    }
  });
}
