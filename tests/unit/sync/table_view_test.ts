import assert from "node:assert/strict";
import type { CloudRoute, TableState } from "../../../src/clouds/cloud.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { FirstReading } from "../../../src/sync/first_reading.ts";
import { Ledger } from "../../../src/sync/ledger.ts";
import { memoryStore } from "../../../src/sync/ledger_store.ts";
import { TableView } from "../../../src/sync/table_view.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import {
  addChange,
  cloudRoute,
  owner,
  replaceChange,
  someTable,
  tableState,
} from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { smallVm } from "../../fakes/policies.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";

const never = new AbortController().signal;
const here = cloudRoute("10.1.0.0/16", "eni-self", null);

/** A view of a cloud without marks whose readings lack, for the first seconds, a route that points at this VM. */
async function viewOf(
  proven: boolean,
  wanted: ReadonlyMap<string, WantedRoute> = new Map(),
  standing: readonly CloudRoute[] = [here],
  firstReading?: FirstReading,
): Promise<{ readonly view: TableView; readonly clock: SteppingClock; readonly ledger: Ledger }> {
  const clock = new SteppingClock();
  const { ledger } = await Ledger.open(memoryStore(null), { cloud: "aws", table: someTable.id, owner });
  const view = new TableView({
    cloud: { traits: { ...plainTraits, ownership: "ledger" } },
    connection: () => ({
      read: (): Promise<TableState> => Promise.resolve(tableState(clock.now() < 5_000 ? [] : standing)),
    }),
    table: someTable,
    owner,
    identity: () => ({ ...smallVm, instance: "vm", self: { 4: "eni-self", 6: null } }),
    wanted,
    ledger: { ledger, proven },
    clock,
    ...(firstReading === undefined ? {} : { firstReading }),
  });
  return { view, clock, ledger };
}

Deno.test("TableView waits until no reading is stale before it begins a lost ledger of an earlier life", async () => {
  using log = captureLog();
  const { view, clock } = await viewOf(true);
  await view.read(new AbortController().signal);
  assert.deepEqual([...view.index.own.keys()], [here.prefix.text]);
  assert.deepEqual(clock.sleeps, [10_000]);
  assert.match(
    log.lines[0] ?? "",
    /^warning: The ledger .* is gone; .*; a new one is begun in 10 s .*, and no action is needed$/,
  );
  await view.read(new AbortController().signal);
  assert.equal(clock.sleeps.length, 1, "once");
});

Deno.test("TableView begins a ledger by nothing that was read before", async () => {
  for (const proven of [true, false]) {
    using _log = captureLog();
    const ahead = new FirstReading(
      { at: 0, state: () => Promise.resolve(tableState([cloudRoute("10.9.0.0/16", "eni-self", null)])) },
      () => true,
    );
    const { view } = await viewOf(proven, new Map(), [here], ahead);
    await view.read(new AbortController().signal);
    assert.equal(view.wasReadAhead, false);
    assert.equal(ahead.take(0), null, "it is gone");
  }
});

Deno.test("TableView begins its first ledger at once", async () => {
  const { view, clock } = await viewOf(false);
  await view.read(new AbortController().signal);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("TableView takes no route that it cannot prove for its own, though it made the table", async () => {
  const { view, clock } = await viewOf(false);
  await clock.sleep(6_000);
  await view.read(new AbortController().signal);
  assert.equal(view.state?.table.ours, true);
  assert.deepEqual([...view.index.foreign.keys()], [here.prefix.text]);
});

Deno.test("TableView says that a ledger which is not there may be lost, where the table has routes to this VM", async () => {
  using log = captureLog();
  const { view, clock } = await viewOf(false);
  await clock.sleep(6_000);
  await view.read(new AbortController().signal);
  assert.deepEqual(log.lines, [
    "warning: Table rtb-1 has routes to this VM and there was no ledger in memory: this is the first run here, or the " +
    "state folder was lost (keep it on a disk that stays, -state names it); 1 other " +
    `stays foreign until the kernel wants exactly it; delete it if an earlier run wrote it: ${here.prefix.text}`,
  ]);
});

/** A route that the kernel wants by way of a gateway in the network, or of this VM. */
function wantedRoute({ prefix }: CloudRoute, gateway: string | null): WantedRoute {
  const neighbour = gateway === null ? null : parseAddress(gateway);
  return { prefix, nextHops: [{ neighbour, gateway: neighbour }], metric: 20, protocol: 186 };
}

Deno.test("TableView takes what a lost ledger left foreign once the kernel wants it just so, and nothing else", async () => {
  using log = captureLog();
  const unwanted = cloudRoute("10.2.0.0/16", "eni-self", null);
  const byNeighbour = cloudRoute("10.3.0.0/16", "eni-self", null);
  const elsewhere = cloudRoute("10.4.0.0/16", "eni-2", null);
  const standing = [here, unwanted, byNeighbour, elsewhere];
  const wanted = new Map<string, WantedRoute>();
  const { view, clock, ledger } = await viewOf(false, wanted, standing);
  await clock.sleep(6_000);
  await view.read(new AbortController().signal);
  await view.heal(never);
  assert.equal(view.index.own.size, 0, "the routing daemon has learnt nothing yet");
  for (const route of [here, elsewhere]) wanted.set(route.prefix.text, wantedRoute(route, null));
  wanted.set(byNeighbour.prefix.text, wantedRoute(byNeighbour, "10.0.0.9"));
  await view.heal(never);
  assert.deepEqual([...view.index.own.keys()], [here.prefix.text]);
  assert.deepEqual(ledger.claims.get(here.prefix.text), { nextHops: ["eni-self"], confirmed: true });
  assert.equal(
    log.lines.at(-1),
    "info: Table rtb-1: 1 route to this VM taken over as this program's own, since the kernel wants exactly the same",
  );
});

Deno.test("TableView leaves a route to this VM that somebody makes later to whoever made it, though the kernel wants it", async () => {
  const wanted = new Map<string, WantedRoute>();
  const standing: CloudRoute[] = [];
  const { view, clock } = await viewOf(false, wanted, standing);
  await clock.sleep(6_000);
  await view.read(new AbortController().signal);
  standing.push(here);
  wanted.set(here.prefix.text, wantedRoute(here, null));
  await view.read(new AbortController().signal);
  await view.heal(never);
  assert.deepEqual([...view.index.foreign.keys()], [here.prefix.text]);
});

Deno.test("TableView claims again what it claimed before where what it was to write is refused", async () => {
  const { view, ledger } = await viewOf(false);
  await view.read(new AbortController().signal);
  const known = "10.0.0.0/16", half = "10.2.0.0/16", fresh = "10.3.0.0/16";
  await ledger.confirm([{ prefix: known, nextHops: ["eni-1"] }]);
  await ledger.claim([{ prefix: half, nextHops: ["eni-1"] }]);
  const before = await view.claim([[replaceChange(known), replaceChange(half)], [addChange(fresh)]], never);
  assert.deepEqual(ledger.claims.get(known), { nextHops: ["eni-1", "eni-2"], confirmed: false });
  await view.disclaim([...before]);
  assert.deepEqual(Object.fromEntries(ledger.claims), {
    [known]: { nextHops: ["eni-1"], confirmed: true },
    [half]: { nextHops: ["eni-1"], confirmed: false },
  });
});

Deno.test("TableView reads nothing when it is told to stop while it waits", async () => {
  using _log = captureLog();
  const { view } = await viewOf(true);
  await assert.rejects(view.read(AbortSignal.abort(new Error("told to stop"))), /told to stop/);
  assert.equal(view.reads, 0);
});

Deno.test("TableView takes a peer for living that wrote since the cloud said that it is dead", async () => {
  const { view } = await viewOf(false);
  const address = parseAddress("10.0.0.5");
  const before = cloudRoute("10.2.0.0/16", "eni-peer", null);
  await view.adopt(tableState([before]), new AbortController().signal);
  await view.share([{ address, rank: null, nextHops: ["eni-peer"] }], new Set([address.text]), never);
  await view.adopt(tableState([before]), new AbortController().signal);
  assert.deepEqual([...view.index.dead], [address.text]);
  await view.adopt(
    tableState([before, cloudRoute("10.3.0.0/16", "eni-peer", null)]),
    new AbortController().signal,
  );
  assert.deepEqual([...view.index.dead], []);
});

Deno.test("TableView takes what another router has handed over for its own, and no other route to this VM", async () => {
  const byOperator = cloudRoute("10.2.0.0/16", "eni-self", null);
  const standing = [cloudRoute(here.prefix.text, "eni-peer", null)];
  const { view, clock, ledger } = await viewOf(false, new Map(), standing);
  await clock.sleep(6_000);
  const peer = { address: parseAddress("10.0.0.5"), rank: null, nextHops: ["eni-peer"] };
  await view.share([peer], new Set(), never);
  await view.read(new AbortController().signal);
  assert.deepEqual([...view.index.peers.keys()], [here.prefix.text]);
  standing.splice(0, 1, here, byOperator);
  await view.read(new AbortController().signal);
  assert.deepEqual([...view.index.own.keys()], [here.prefix.text]);
  assert.deepEqual([...view.index.foreign.keys()], [byOperator.prefix.text]);
  assert.deepEqual(ledger.claims.get(here.prefix.text), { nextHops: ["eni-self"], confirmed: true });
});
