/**
 * Four routers that add and remove their own next hops of the same routes at once, a thousand times: each with the real loop, on virtual
 * time. No router's leg is ever taken away by another, and in the end each has what its kernel wants.
 */

import assert from "node:assert/strict";
import { type IpAddress, parseAddress, parsePrefix } from "../../src/routes/prefix.ts";
import { ApiBudget } from "../../src/sync/api_budget.ts";
import { Ledger } from "../../src/sync/ledger.ts";
import { memoryStore } from "../../src/sync/ledger_store.ts";
import { Reconciler } from "../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../src/sync/wanted_routes.ts";
import { captureLog } from "../fakes/captured_log.ts";
import { owner, someTable } from "../fakes/cloud_routes.ts";
import { smallVm } from "../fakes/policies.ts";
import { AzureSets, GoogleSets, OpenstackSets, prefixes, type SharedSets } from "./shared_sets.ts";
import { VirtualClock } from "./virtual_clock.ts";

const addresses = ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"].map(parseAddress);
const rounds = 1_000;
/** Long enough for a prefix that changes once a round to be none that flaps. */
const roundMs = 120_000;
/** Writes that a router may need where four write at once: its own, and one for each of the others that was quicker; one more for chance. */
const mostWrites = 5;

/** Numbers from 0 up to 1, the same each time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One router: its kernel and its loop. */
class Router {
  readonly wanted = new WantedRoutes();
  readonly reconciler: Reconciler;
  readonly address: IpAddress;

  constructor(address: IpAddress, sets: SharedSets, ledger: Ledger | null) {
    this.address = address;
    const access = sets.accessOf(address);
    const attachments = [{ addresses: [address], networks: [parsePrefix("10.0.0.0/16")] }];
    this.reconciler = new Reconciler({
      cloud: { traits: sets.traits, describe: (hop) => hop },
      connection: () => ({
        read: (_table, signal) => access.read(signal),
        write: (_table, changes, state, signal) => access.write(changes, state, signal),
        resolve: (neighbours) => Promise.resolve(neighbours.map(({ gateway }) => gateway.text)),
        forget: () => undefined,
        findDead: () => Promise.resolve([]),
      }),
      table: someTable,
      owner,
      identity: () => ({
        ...smallVm,
        addresses: [address],
        attachments,
        instance: address.text,
        self: { 4: address.text, 6: null },
        ...(access.sign === null ? {} : { sign: access.sign }),
      }),
      isActive: () => true,
      wanted: this.wanted,
      ledger: ledger === null ? null : { ledger, proven: true },
      clock: sets.clock,
      budget: new ApiBudget({ traits: sets.traits }, sets.clock),
      settings: {
        coalesceMs: 10,
        withdrawDelayMs: 250,
        auditMs: 300_000,
        guard: { maxWithdraw: 1, holdMs: 8_000 },
        adopt: false,
        group: {
          // Where marks name the routers nobody is told of the others.
          peers: ledger === null
            ? []
            : addresses.filter((other) => other !== address).map((other) => ({ address: other, rank: null })),
          rank: null,
          activeAddress: null,
        },
      },
    });
  }

  /** This router's kernel has an uplink for a prefix, or has none any more. */
  kernel(prefix: string, has: boolean): void {
    const nextHops = [{ neighbour: null, gateway: null }];
    if (has) this.wanted.set(prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 });
    else this.wanted.delete(prefix);
    this.reconciler.notify([prefix]);
  }
}

const clouds: readonly (readonly [string, (clock: VirtualClock) => SharedSets])[] = [
  ["azure", (clock) => new AzureSets(clock)],
  ["openstack", (clock) => new OpenstackSets(clock)],
  ["gcp", (clock) => new GoogleSets(clock)],
];

for (const [name, setsOf] of clouds) {
  Deno.test(`${name}: of four routers that write ${rounds} times at once none loses its next hop`, async () => {
    using _log = captureLog("fatal");
    const random = randomOf(20_261_129);
    const clock = new VirtualClock(random);
    const sets = setsOf(clock);
    const stop = new AbortController();
    const routers = await Promise.all(addresses.map(async (address) => {
      const { ledger } = await Ledger.open(memoryStore(null), { cloud: name, table: someTable.id, owner });
      return new Router(address, sets, sets.traits.ownership === "ledger" ? ledger : null);
    }));
    const loops = routers.map(({ reconciler }) => reconciler.run(stop.signal, stop.signal));
    await clock.advance(5_000);
    let most = 0;
    for (let round = 0; round < rounds; round++) {
      for (const calls of sets.calls.values()) calls.writes = 0;
      // In half of the rounds all four write at one moment, in the others within a few milliseconds.
      const spreadMs = round % 2 === 0 ? 0 : 60;
      for (const router of routers) {
        for (const prefix of prefixes) {
          const has = random() < 0.6;
          if (has !== router.wanted.has(prefix)) router.kernel(prefix, has);
        }
        if (spreadMs > 0) await clock.advance(random() * spreadMs);
      }
      await clock.advance(roundMs);
      for (const prefix of prefixes) {
        const wanted = routers.filter((router) => router.wanted.has(prefix)).map(({ address }) =>
          address.text
        );
        assert.deepEqual(sets.legs(prefix), wanted, `round ${round}, ${prefix}`);
      }
      assert.deepEqual(sets.lost, [], `round ${round}`);
      most = Math.max(most, ...[...sets.calls.values()].map(({ writes }) => writes));
    }
    stop.abort();
    await clock.advance(1_000);
    await Promise.all(loops);
    assert.ok(most <= mostWrites, `a router made ${most} writes in one round`);
  });
}
