/** What becomes of single changes, in EC2's own words. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import type { CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { add, endMoto, prepared, replace, rigTest, routeOf, signal, withdraw, write } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest("write() creates, replaces and deletes with one call each, IPv4 and IPv6", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  const { router, peer } = rig.vpc;
  const before = rig.front.count();
  for (const prefix of ["192.168.7.0/24", "2001:db8:7::/48"]) {
    assert.equal(await write(cloud, at, add(prefix, router.interfaceId)), null);
    assert.equal(await write(cloud, at, replace(at.state, prefix, peer.interfaceId)), null);
    assert.deepEqual(
      (await rig.routes(at.table.id)).filter((route) => route.destination === prefix).map((route) =>
        route.target
      ),
      [peer.interfaceId],
    );
    assert.equal(await write(cloud, at, withdraw(at.state, prefix)), null);
  }
  assert.equal(rig.front.count(), before + 6);
  assert.deepEqual((await rig.routes(at.table.id)).map((route) => route.destination), ["0.0.0.0/0"]);
});

rigTest("write() says what EC2's refusals mean", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  const self = rig.vpc.router.interfaceId;
  const kind = async (change: Change): Promise<CloudErrorKind | undefined> =>
    (await write(cloud, at, change))?.kind;
  assert.equal(await kind(add("0.0.0.0/0", self)), "conflict", "a foreign route stands there");
  assert.equal(
    await kind(replace(at.state, "192.168.2.0/24", self)),
    undefined,
    "what is not there is created",
  );
  assert.equal(await kind(withdraw(at.state, "192.168.1.0/24")), undefined, "gone already is done");
  assert.equal(await kind(add("169.254.168.0/24", self)), "invalid");
  assert.equal(await kind(add("192.168.1.0/24", "igw-1")), "invalid", "only interfaces are written");
  await rig.admin("DeleteNetworkInterface", { NetworkInterfaceId: rig.vpc.client.interfaceId }).catch(
    () => {},
  );
  const gone = { ...at, table: { ...at.table, id: "rtb-00000000" } };
  assert.equal((await write(cloud, gone, add("192.168.1.0/24", self)))?.kind, "gone");
});

rigTest("read() shows a route to a deleted interface as a blackhole", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  const fields = { SubnetId: rig.vpc.subnetA };
  const doomed = /<networkInterfaceId>([^<]+)/.exec(await rig.admin("CreateNetworkInterface", fields))?.[1] ??
    "";
  assert.equal(await write(cloud, at, add("192.168.1.0/24", doomed)), null);
  await rig.admin("DeleteNetworkInterface", { NetworkInterfaceId: doomed });
  const state = await cloud.read(at.table, signal);
  assert.equal(routeOf(state, "192.168.1.0/24").blackhole, true);
  assert.equal(routeOf(state, "0.0.0.0/0").blackhole, undefined);
  assert.equal((await write(cloud, at, add("192.168.2.0/24", doomed)))?.kind, "conflict");
});

rigTest("a denied call names the action and keeps the encoded message to itself", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  rig.front.faults.denied.add("CreateRoute");
  const error = await write(cloud, at, add("192.168.1.0/24", rig.vpc.router.interfaceId));
  assert.equal(error?.kind, "denied");
  assert.equal(error?.action, "ec2:CreateRoute");
  assert.doesNotMatch(Deno.inspect(error), /4Gk0secret/);
});
