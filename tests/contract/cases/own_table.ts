/** The table of its own: what it takes over from the subnet's former one, whom it leaves alone, what `cleanup` leaves. */

import assert from "node:assert/strict";
import { prefixContainsAddress } from "../../../src/routes/prefix.ts";
import { longMs, MovedClock } from "../clock.ts";
import {
  add,
  done,
  failure,
  needed,
  never,
  only,
  outcomesOf,
  preparedInTime,
  type Ready,
  ready,
} from "../helpers.ts";
import type { Bench, OperatorsTable, SubnetControl } from "../rig.ts";

const [first, second] = ["203.0.113.0/29", "203.0.113.8/29"] as const;
const ours = "198.51.100.0/24";

export const ownTableCases = {
  async "prepare() gives the subnet a table with what its former one has, and remove() puts that one back"(
    bench: Bench,
  ): Promise<void> {
    const subnets = subnetsOf(bench);
    const former = await subnets.useOperatorsTable(first, second);
    const before = await bench.rig.snapshot();
    const { subject, table } = await ready(bench);
    assert.equal(table.ours, true);
    assert.equal(await subnets.tableOf(), table.id);
    assert.deepEqual(await bench.rig.routes(table.id), await bench.rig.routes(former.id));
    await subject.remove(never);
    assert.equal(await subnets.tableOf(), former.id);
    assert.deepEqual(await bench.rig.snapshot(), before);
  },

  async "prepare() follows what operators change in the former table, and touches no other route"(
    bench: Bench,
  ): Promise<void> {
    const { former, on } = await behindFormer(bench);
    const theirs = await bench.rig.routes(former.id);
    // A run that starts anew knows by the table itself what is a copy.
    only(await (await bench.open()).prepare(never));
    assert.deepEqual(
      await bench.rig.routes(on.table.id),
      [...theirs, `${ours} > ${bench.rig.self[4]}`].sort(),
    );
    assert.deepEqual(await bench.rig.routes(former.id), theirs);
  },

  async "prepare() of a start leaves copies for later, and the next call follows"(
    bench: Bench,
  ): Promise<void> {
    const { former, on } = await behindFormer(bench);
    const before = await bench.rig.routes(on.table.id);
    const subject = await bench.open();
    const writes = bench.rig.traffic.writes;
    const { copiesLater, reading } = only(await subject.prepareAndRead(never, "later"));
    assert.equal(copiesLater, true);
    assert.notEqual(reading, undefined, "what was read is told");
    assert.equal(bench.rig.traffic.writes, writes);
    assert.deepEqual(await bench.rig.routes(on.table.id), before);
    const after = only(await subject.prepareAndRead(never));
    assert.equal(after.copiesLater, undefined);
    assert.deepEqual(
      await bench.rig.routes(on.table.id),
      [...await bench.rig.routes(former.id), `${ours} > ${bench.rig.self[4]}`].sort(),
    );
  },

  async "prepare() gives the subnet our table again that was taken away since this VM was identified"(
    bench: Bench,
  ): Promise<void> {
    const { table } = await ready(bench);
    const subject = await bench.open();
    await subject.identify(never);
    const taken = await subnetsOf(bench).useOperatorsTable(first);
    assert.equal(await subnetsOf(bench).tableOf(), taken.id);
    const { reading, id } = only(await subject.prepareAndRead(never));
    assert.equal(id, table.id);
    assert.equal(await subnetsOf(bench).tableOf(), table.id);
    assert.equal(reading, undefined, "it is not as it was read");
  },

  async "prepare() of a new run completes what another left half made at any of its requests"(
    bench: Bench,
  ): Promise<void> {
    using clock = new MovedClock();
    const { rig } = bench;
    await subnetsOf(bench).useOperatorsTable(first);
    const whole = await ready(bench);
    const expected = await rig.routes(whole.table.id);
    const requests = rig.traffic.writes;
    assert.ok(requests > 1, "it is made by one request");
    for (let index = 0;; index++) {
      await rig.reset();
      const former = await subnetsOf(bench).useOperatorsTable(first);
      const subject = await bench.open();
      await subject.identify(never);
      const held = rig.traffic.holdNth(index);
      const controller = new AbortController();
      const end = subject.prepare(controller.signal).then(() => "made", () => "given up");
      const isHeld = await Promise.race([held.reached.then(() => true), end.then(() => false)]);
      if (!isHeld) break;
      controller.abort(new Error("killed"));
      assert.equal(await end, "given up");
      await rig.heal();
      await rig.traffic.settled();
      // While nothing is complete the subnet keeps a table that has its routes.
      const used = await subnetsOf(bench).tableOf() ?? assert.fail("the subnet has lost its table");
      assert.deepEqual(await rig.routes(used), await rig.routes(former.id), `after request ${index}`);
      const table = await preparedInTime(await bench.open(), clock, `after request ${index}`);
      assert.equal(await subnetsOf(bench).tableOf(), table.id);
      assert.deepEqual(await rig.routes(table.id), expected, `after request ${index}`);
      assert.deepEqual(await (await bench.open()).locate(never), [table]);
    }
  },

  async "prepare() with -no-associate refuses before it makes anything"(bench: Bench): Promise<void> {
    await subnetsOf(bench).useOperatorsTable(first);
    const before = await bench.rig.snapshot();
    const error = await failure((await bench.open({ noAssociate: true })).prepare(never));
    assert.equal(error.kind, "invalid", error.message);
    assert.match(error.message, /^Cannot .*-no-associate forbids/);
    assert.equal(bench.rig.traffic.writes, 0);
    assert.deepEqual(await bench.rig.snapshot(), before);
  },

  async "prepare() takes the subnet from no table of another owner"(bench: Bench): Promise<void> {
    const theirs = await bench.open({ owner: "edge-a" });
    const table = only(await theirs.prepare(never));
    const writes = bench.rig.traffic.writes;
    const error = await failure((await bench.open({ owner: "edge-b" })).prepare(never));
    assert.equal(error.kind, "invalid", error.message);
    assert.match(
      error.message,
      /^Cannot .* of owner edge-b: .* of owner edge-a; share that one with -route-table /,
    );
    assert.ok(error.message.endsWith(table.id), error.message);
    assert.equal(await subnetsOf(bench).tableOf(), table.id);
    assert.deepEqual(await theirs.prepare(never), [table]);
    assert.equal(bench.rig.traffic.writes, writes, "neither has anything to write");
  },

  async "prepare() takes the subnet from no table that another controller keeps, unless it is handed over"(
    bench: Bench,
  ): Promise<void> {
    const former = await subnetsOf(bench).useOperatorsTable(first);
    await former.keep();
    const error = await failure((await bench.open()).prepare(never));
    assert.equal(error.kind, "invalid", error.message);
    assert.match(
      error.message,
      /^Cannot take subnet .* from route table .*: its tag .* says that .* writes to it/,
    );
    assert.equal(bench.rig.traffic.writes, 0);
    const table = only(await (await bench.open({ routeTables: [former.id] })).prepare(never));
    assert.deepEqual([table.id, table.ours], [former.id, false]);
  },

  async "prepare() and locate() leave a table of another owner alone that has the same network"(
    bench: Bench,
  ): Promise<void> {
    const former = await subnetsOf(bench).useOperatorsTable(first);
    const other = await bench.open({ owner: "edge-a" });
    const theirs = only(await other.prepare(never));
    await former.takeSubnet();
    assert.deepEqual(await (await bench.open({ owner: "edge-b" })).locate(never), []);
    const before = await bench.rig.routes(theirs.id);
    const mine = only(await (await bench.open({ owner: "edge-b" })).prepare(never));
    assert.notEqual(mine.id, theirs.id);
    assert.deepEqual(await bench.rig.routes(theirs.id), before);
    assert.deepEqual(await other.locate(never), [theirs]);
  },

  async "remove() keeps a table with somebody's route in it, and gives the subnet back all the same"(
    bench: Bench,
  ): Promise<void> {
    const former = await subnetsOf(bench).useOperatorsTable(first);
    const { subject, table } = await ready(bench);
    const foreign = await bench.rig.addForeign(table.id, second);
    await subject.remove(never);
    assert.equal(await subnetsOf(bench).tableOf(), former.id);
    assert.ok((await bench.rig.routes(table.id)).includes(foreign), "the route is lost");
  },

  async "remove() keeps a table that another subnet uses, and names that subnet"(
    bench: Bench,
  ): Promise<void> {
    const former = await subnetsOf(bench).useOperatorsTable(first);
    const { subject, table } = await ready(bench);
    const name = await subnetsOf(bench).shareTable(table.id);
    const error = await failure(subject.remove(never));
    assert.match(error.message, /^Cannot delete route table /);
    assert.ok(error.message.includes(name), error.message);
    assert.equal(await subnetsOf(bench).tableOf(), former.id);
    assert.deepEqual(await bench.rig.routes(table.id), await bench.rig.routes(former.id));
  },

  async "remove() gives the subnet what a new one has where its former table is gone"(
    bench: Bench,
  ): Promise<void> {
    const former = await subnetsOf(bench).useOperatorsTable(first);
    const { subject } = await ready(bench);
    await former.remove();
    await subject.remove(never);
    assert.equal(await subnetsOf(bench).tableOf(), null);
  },

  async "read() names this VM's subnets that use the table, and those alone"(bench: Bench): Promise<void> {
    const { options: { routeTables = [] } } = await bench.rig.handOver();
    const { state, table, subject } = await ready(bench);
    const { addresses: [address] } = await subject.identify(never);
    const subnets = state.ownSubnets ?? [];
    assert.ok(
      address !== undefined && subnets.some((subnet) => prefixContainsAddress(subnet, address)),
      `${subnets.map(({ text }) => text)} has not ${address?.text}`,
    );
    const handed = await bench.open({ routeTables: [...routeTables, table.id] });
    const tables = await handed.prepare(never);
    const named = await Promise.all(
      tables.map(async (each) =>
        [each.id, ((await handed.read(each, never)).ownSubnets ?? []).length] as const
      ),
    );
    for (const [id, count] of named) assert.equal(count > 0, id === table.id, `${id}: ${count} subnets`);
  },

  async "read() says that the subnet does not use the table any more"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const former = await subnetsOf(bench).useOperatorsTable(first);
    const { subject, table, state } = await ready(bench);
    assert.deepEqual(state.problems, []);
    await former.takeSubnet();
    clock.advance(longMs);
    const { problems = [] } = await subject.read(table, never);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", /^Subnet .* does not use route table /);
    assert.ok(problems[0]?.includes(table.name), problems[0]);
  },

  async "write() keeps what the table took over from the former one"(bench: Bench): Promise<void> {
    await subnetsOf(bench).useOperatorsTable(first);
    const on = await ready(bench);
    const copied = await bench.rig.routes(on.table.id);
    const changes = [add(ours, bench.rig.self[4]), add(first, bench.rig.self[4])];
    const outcomes = await outcomesOf(on, changes, on.state);
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "conflict"]);
    assert.deepEqual(
      await bench.rig.routes(on.table.id),
      [...copied, `${ours} > ${bench.rig.self[4]}`].sort(),
    );
  },
};

/** Our table with a route of ours, whose former table was changed since. */
async function behindFormer(bench: Bench): Promise<{ former: OperatorsTable; on: Ready }> {
  const former = await subnetsOf(bench).useOperatorsTable(first);
  const on = await ready(bench);
  await done(on, add(ours, bench.rig.self[4]));
  await former.setPrefixes(second);
  return { former, on };
}

function subnetsOf({ rig }: Bench): SubnetControl {
  return needed(rig.subnets);
}
