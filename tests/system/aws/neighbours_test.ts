/** Which interface has a gateway: primary and secondary addresses, delegated prefixes. */

import assert from "node:assert/strict";
import { neighbours } from "../../fakes/neighbours.ts";
import { endMoto, rigTest, signal } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest(
  "resolve() finds primary and secondary addresses with one call, over pages",
  async ({ rig, open }) => {
    const cloud = open();
    const gateways = neighbours("10.0.1.20", "10.0.1.21", "10.0.1.10", "10.0.2.30");
    const found = await cloud.resolve(gateways, signal);
    const { peer, router, client } = rig.vpc;
    assert.deepEqual(found, [
      peer.interfaceId,
      peer.interfaceId,
      router.interfaceId,
      client.interfaceId,
    ]);
    assert.equal(rig.front.count("DescribeNetworkInterfaces"), 2, "three interfaces in pages of two");
    await cloud.resolve(gateways, signal);
    assert.equal(rig.front.count("DescribeNetworkInterfaces"), 2);
    assert.equal(cloud.describe(peer.interfaceId), `${peer.interfaceId} (10.0.1.20)`);
  },
);

rigTest(
  "resolve() finds gateways inside delegated prefixes, and asks for nobody's once",
  async ({ rig, open }) => {
    const cloud = open();
    const { peer } = rig.vpc;
    rig.front.delegated.add(peer.interfaceId, "10.0.1.64/28");
    rig.front.delegated.add(peer.interfaceId, "2001:db8:0:0:7::/80");
    const gateways = neighbours("10.0.1.70", "10.0.1.99", "2001:db8::7:0:0:9");
    assert.deepEqual(await cloud.resolve(gateways, signal), [peer.interfaceId, null, peer.interfaceId]);
    const asked = rig.front.count("DescribeInstances", "DescribeNetworkInterfaces");
    await cloud.resolve(gateways, signal);
    assert.equal(rig.front.count("DescribeInstances", "DescribeNetworkInterfaces"), asked);
  },
);
