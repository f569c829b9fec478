import assert from "node:assert/strict";
import type { Neighbour } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { NeighbourLookup } from "../../../src/sync/neighbour_lookup.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";

const never = new AbortController().signal;
const neighbours: readonly Neighbour[] = [{ gateway: parseAddress("10.0.0.9"), family: 4 }];

/** A look-up that fails as told until it is healed, and what it asked and reported. */
function failing(kind: CloudErrorKind): {
  readonly lookup: NeighbourLookup;
  readonly clock: SteppingClock;
  readonly heal: () => void;
  readonly seen: string[];
} {
  const seen: string[] = [];
  const clock = new SteppingClock();
  let heals = false;
  const connection = {
    resolve: () => {
      seen.push("asked");
      return heals ? Promise.resolve(["eni-9"]) : Promise.reject(new CloudError(kind, "no"));
    },
  };
  const report = {
    lookUpFailed: () => void seen.push("failed"),
    lookUpWorked: () => void seen.push("worked"),
  };
  return {
    lookup: new NeighbourLookup(() => connection, clock, report),
    clock,
    heal: () => heals = true,
    seen,
  };
}

Deno.test("NeighbourLookup asks again at once after what may heal, and says that it worked", async () => {
  const { lookup, heal, seen } = failing("unavailable");
  assert.equal((await lookup.resolve(neighbours, never)).error?.kind, "unavailable");
  assert.equal(lookup.retryableAt, null);
  heal();
  assert.deepEqual([...(await lookup.resolve(neighbours, never)).ids], [["10.0.0.9 for IPv4", "eni-9"]]);
  assert.deepEqual(seen, ["asked", "failed", "asked", "worked"]);
});

Deno.test("NeighbourLookup leaves what only people can heal alone for a minute, and reports it once", async () => {
  const { lookup, clock, heal, seen } = failing("denied");
  await lookup.resolve(neighbours, never);
  assert.equal(lookup.retryableAt, 60_000);
  heal();
  assert.equal((await lookup.resolve(neighbours, never)).error?.kind, "denied", "it still stands");
  assert.deepEqual(seen, ["asked", "failed"]);
  await clock.sleep(60_000);
  assert.equal((await lookup.resolve(neighbours, never)).error, null);
  assert.equal(lookup.retryableAt, null);
  assert.deepEqual(seen, ["asked", "failed", "asked", "worked"]);
});
