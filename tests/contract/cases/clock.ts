/** A wall clock that is set, forward or back, freezes nothing and frightens nobody. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { dayMs, longMs, MovedClock } from "../clock.ts";
import { add, done, never, ready } from "../helpers.ts";
import type { Bench } from "../rig.ts";

export const clockCases = {
  async "a wall clock set back does not keep a VM from being found"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const { absent } = bench.rig.neighbours;
    const gateway = [parseAddress(absent)];
    const subject = await bench.open();
    await subject.identify(never);
    assert.equal((await subject.resolve(gateway, never)).get(absent), null);
    const id = await bench.rig.neighbours.add();
    clock.setWall(-dayMs);
    clock.advance(longMs);
    assert.equal((await subject.resolve(gateway, never)).get(absent), id);
  },

  async "a wall clock set back does not keep a limit that was raised from being known"(
    bench: Bench,
  ): Promise<void> {
    using clock = new MovedClock();
    await bench.rig.setLimit(15, true);
    const { subject, table } = await ready(bench);
    await bench.rig.setLimit(25, true);
    clock.setWall(-dayMs);
    clock.advance(longMs);
    const limits = (await subject.read(table, never)).quotas.map(({ limit }) => limit);
    assert.ok(limits.includes(25) && !limits.includes(15), `known limits: ${limits.join(", ")}`);
  },

  async "a wall clock set back does not keep a token from being renewed"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const { subject, table } = await ready(bench);
    clock.setWall(-dayMs);
    await bench.rig.revokeTokens();
    await subject.read(table, never).catch((error: unknown) => {
      assert.ok(error instanceof CloudError && error.kind === "unavailable", Deno.inspect(error));
    });
    await subject.read(table, never);
  },

  async "a wall clock set forward by a day disturbs nothing"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const on = await ready(bench);
    clock.setWall(dayMs);
    await on.subject.read(on.table, never);
    await done(on, add("198.51.100.0/24", bench.rig.self[4]));
    clock.setWall(-2 * dayMs);
    await on.subject.read(on.table, never);
    await done(on, add("198.51.101.0/24", bench.rig.self[4]));
  },
};
