/** Its own table is removed, although EC2 shows for some seconds what is not there any more. */

import assert from "node:assert/strict";
import type { Clock } from "../../../src/async/clock.ts";
import { systemClock } from "../../../src/async/system_clock.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { endMoto, prepared, rigTest, signal } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest(
  "remove() keeps a table with somebody's route in it, once EC2 has had time to forget its own",
  async ({ rig, open }) => {
    const { table } = await prepared(open());
    await rig.admin("CreateRoute", {
      RouteTableId: table.id,
      DestinationCidrBlock: "203.0.113.0/24",
      NetworkInterfaceId: rig.vpc.peer.interfaceId,
    });
    const pauses: number[] = [];
    const sleep = (ms: number): Promise<void> => Promise.resolve(void pauses.push(ms));
    using log = captureLog();
    await open({}, { sleep }).remove(signal);
    assert.deepEqual(pauses, [2_000, 2_000, 2_000, 2_000, 2_000]);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), null);
    assert.deepEqual((await rig.routes(table.id)).map((route) => route.destination), [
      "0.0.0.0/0",
      "203.0.113.0/24",
    ]);
    const stays =
      `warning: Route table ${table.id} stays: routes of others are in it and nowhere else (1): ` +
      `203.0.113.0/24 to ${rig.vpc.peer.interfaceId}`;
    assert.deepEqual(log.lines.filter((line) => /stays|Deleted/.test(line)), [stays]);
  },
);

rigTest(
  "remove() deletes its table though EC2 shows a withdrawn route for some seconds more",
  async ({ rig, open }) => {
    const { table } = await prepared(open());
    const route = { RouteTableId: table.id, DestinationCidrBlock: "203.0.113.0/24" };
    await rig.admin("CreateRoute", { ...route, NetworkInterfaceId: rig.vpc.router.interfaceId });
    let pauses = 0;
    const sleep = async (): Promise<void> => {
      if (++pauses === 2) await rig.admin("DeleteRoute", route);
    };
    await open({}, { sleep }).remove(signal);
    assert.equal(pauses, 2);
    await assert.rejects(rig.table(table.id), /InvalidRouteTableID/);
  },
);

rigTest("remove() stops waiting when its caller gives up", async ({ rig, open }) => {
  const { table } = await prepared(open());
  await rig.admin("CreateRoute", {
    RouteTableId: table.id,
    DestinationCidrBlock: "203.0.113.0/24",
    NetworkInterfaceId: rig.vpc.peer.interfaceId,
  });
  const controller = new AbortController();
  const sleep: Clock["sleep"] = (ms, inner) => {
    controller.abort(new Error("enough"));
    return systemClock.sleep(ms, inner);
  };
  await assert.rejects(open({}, { sleep }).remove(controller.signal), /enough/);
  assert.equal((await rig.routes(table.id)).length, 2);
});
