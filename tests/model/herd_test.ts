/**
 * A herd of real supervisors on a virtual clock, against an account whose limits are a twentieth of the real ones: 50 routers stand for a
 * thousand. The figures of the thousand are those of `deno task bench:herd`.
 */

import assert from "node:assert/strict";
import { captureLog } from "../fakes/captured_log.ts";
import { herdFigures } from "./herd.ts";
import { type AccountShape, accountShapes, type Limit } from "./herd_account.ts";

const count = 50;
const share = count / 1_000;

/** How long it may take, in shares of the least time: of so few routers the very last counts, which waits longer than 99 % of many do. */
const longestInFloors: Readonly<Record<AccountShape["name"], number>> = { EC2: 2.6, ARM: 2, Google: 3.7 };

function shared(limit: Limit): Limit {
  return limit.kind === "bucket"
    ? { kind: "bucket", burst: limit.burst * share, perSecond: limit.perSecond * share }
    : { kind: "minute", perMinute: limit.perMinute * share };
}

for (const shape of accountShapes) {
  Deno.test(`${count} routers of one account of ${shape.name} neither starve one another nor the account`, async () => {
    using _log = captureLog();
    const limits = Object.fromEntries(
      Object.entries(shape.limits).map(([name, limit]) => [name, shared(limit)]),
    );
    const small: AccountShape = { ...shape, limits };
    for (
      const { scenario, callsEachUseful, othersAccepted, mostMs, floorMs } of await herdFigures(
        small,
        count,
        { aloneIn: shape },
      )
    ) {
      const figures = `${scenario}: ${callsEachUseful} calls, ${othersAccepted}, ${mostMs} of ${floorMs} ms`;
      assert.ok(callsEachUseful <= 3.3, figures);
      assert.ok(othersAccepted >= (scenario === "steady" ? 0.95 : 0.7), figures);
      // A minute's quota makes whoever is late wait for one more minute, however short the floor.
      const mostWantedMs = longestInFloors[shape.name] * Math.max(floorMs, 60_000);
      if (scenario !== "steady") assert.ok(mostMs <= mostWantedMs, figures);
    }
  });
}
