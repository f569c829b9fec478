/** Dead routers where Nova may not be asked. */

import assert from "node:assert/strict";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { DeadPeers } from "../../../../src/clouds/openstack/dead_peers.ts";
import type { PeerPort, Subnet } from "../../../../src/clouds/openstack/schemas.ts";
import { parseAddress } from "../../../../src/routes/prefix.ts";
import { captureLog } from "../../../fakes/captured_log.ts";

const { signal } = new AbortController();
const address = parseAddress("10.0.0.30");
const peers = [{ address, nextHops: [address.text] }];
const port: PeerPort = {
  id: "p1",
  device_id: "s1",
  device_owner: "compute:nova",
  status: "ACTIVE",
  fixed_ips: [{ subnet_id: "n1", ip_address: address.text }],
};

const subnet: Subnet = { id: "n1", network_id: "net", cidr: "10.0.0.0/24", gateway_ip: null };

/** A network of another project's, so that a port that is not shown may be there. */
const foreignNetwork = {
  ownsNetwork: () => Promise.resolve(false),
  pairedAddresses: () => Promise.resolve([]),
};

/** What is said of the one peer by a cloud that shows these ports one after the other. */
async function causes(...shown: readonly (PeerPort | null)[]): Promise<readonly (string | null)[]> {
  using _log = captureLog();
  const finder = new DeadPeers();
  const said: (string | null)[] = [];
  for (const each of shown) {
    const api = {
      ...foreignNetwork,
      peerPorts: () => Promise.resolve(each === null ? [] : [each]),
      serverStatus: () => Promise.reject(new CloudError("denied", "Cannot read server s1: no")),
    };
    said.push((await finder.find(api, [subnet], peers, signal))[0]?.cause ?? null);
  }
  return said;
}

Deno.test("a port that was ACTIVE and is DOWN proves a death where Nova may not be asked, one that never was ACTIVE does not", async () => {
  const down = { ...port, status: "DOWN" };
  assert.deepEqual(await causes(port, down, port), [null, "port p1 is DOWN", null]);
  assert.deepEqual(await causes(down, down), [null, null]);
  assert.deepEqual(await causes(port, { ...down, id: "p2" }), [null, null]);
  assert.deepEqual(await causes(port, { ...port, status: "BUILD" }), [null, null]);
});

Deno.test("a port that lost its server, or is gone, proves a death only once it was seen with one", async () => {
  const bare = { ...port, device_id: "" };
  assert.deepEqual(await causes(bare, null), [null, null]);
  assert.deepEqual(await causes(port, bare, null), [
    null,
    "port p1 belongs to no server any more",
    "port p1 does not exist any more",
  ]);
});

/** What is said of a peer no port of which was ever shown. */
async function causeOfUnseen(
  at: string,
  network: { readonly owned: boolean | CloudError; readonly paired?: readonly string[] },
): Promise<string | null> {
  using _log = captureLog();
  const { owned, paired = [] } = network;
  const api = {
    peerPorts: () => Promise.resolve([]),
    serverStatus: () => Promise.reject(new Error("no server is known")),
    ownsNetwork: () => owned instanceof CloudError ? Promise.reject(owned) : Promise.resolve(owned),
    pairedAddresses: () => Promise.resolve([...paired]),
  };
  const unseen = [{ address: parseAddress(at), nextHops: [at] }];
  return (await new DeadPeers().find(api, [subnet], unseen, signal))[0]?.cause ?? null;
}

Deno.test("a port that was never seen is gone only where this login sees all ports that may have the address", async () => {
  assert.equal(await causeOfUnseen("10.0.0.30", { owned: true }), "no port has 10.0.0.30");
  assert.equal(await causeOfUnseen("10.0.0.30", { owned: false }), null, "a network of another project");
  assert.equal(await causeOfUnseen("10.0.9.30", { owned: true }), null, "another network");
  for (const pair of ["10.0.0.30", "10.0.0.0/25", "0.0.0.0/0"]) {
    assert.equal(await causeOfUnseen("10.0.0.30", { owned: true, paired: ["fd00::/8", pair] }), null, pair);
  }
  const denied = new CloudError("denied", "Cannot find whose the network is: no");
  assert.equal(await causeOfUnseen("10.0.0.30", { owned: denied }), null, "it may not be asked");
});
