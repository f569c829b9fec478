/** How many routes a table takes: Service Quotas, and what counts as one. */

import assert from "node:assert/strict";
import { add, endMoto, prepared, rigTest, signal, write } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest(
  "write() learns the limit from a full table where Service Quotas does not tell it",
  async ({ rig, open }) => {
    rig.front.faults.quotaPublished = false;
    rig.front.rules.limit = 4;
    const cloud = open();
    const at = await prepared(cloud);
    assert.deepEqual(at.state.quotas.map((quota) => [quota.used, quota.limit]), [[2, null], [1, null]]);
    const self = rig.vpc.router.interfaceId;
    assert.equal(await write(cloud, at, add("192.168.1.0/24", self)), null);
    assert.equal(await write(cloud, at, add("192.168.2.0/24", self)), null);
    const error = await write(cloud, at, add("192.168.3.0/24", self));
    assert.equal(error?.kind, "quota");
    assert.equal(error?.limit, 4);
    const state = await cloud.read(at.table, signal);
    assert.deepEqual(state.quotas.map((quota) => [quota.used, quota.limit]), [[4, 4], [1, null]]);
  },
);

rigTest("read() knows the limit from Service Quotas, asked once", async ({ rig, open }) => {
  rig.front.rules.limit = 777;
  const cloud = open();
  const { table, state } = await prepared(cloud);
  await cloud.read(table, signal);
  assert.deepEqual(state.quotas.map((quota) => quota.limit), [777, 777]);
  assert.equal(rig.front.count("GetServiceQuota"), 1);
});

rigTest(
  "read() counts a customer's prefix list by its most entries and keeps it out of the routes",
  async ({ rig, open }) => {
    const created = await rig.admin("CreateManagedPrefixList", {
      PrefixListName: "branches",
      MaxEntries: "20",
      AddressFamily: "IPv4",
    });
    const id = /<prefixListId>([^<]+)/.exec(created)?.[1] ?? assert.fail(created);
    const cloud = open();
    const { table } = await prepared(cloud);
    rig.front.addEndpointRoute(table.id, { prefixListId: id, endpointId: "tgw-1" });
    const state = await cloud.read(table, signal);
    assert.equal(state.quotas[0]?.used, 22);
    assert.equal(state.routes.length, 3);
    await cloud.read(table, signal);
    assert.equal(rig.front.count("DescribeManagedPrefixLists"), 1);
  },
);
