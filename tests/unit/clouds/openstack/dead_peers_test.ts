/** Dead routers where Nova may not be asked. */

import assert from "node:assert/strict";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { DeadPeers } from "../../../../src/clouds/openstack/dead_peers.ts";
import type { PeerPort } from "../../../../src/clouds/openstack/schemas.ts";
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

/** What is said of the one peer by a cloud that shows these ports one after the other. */
async function causes(...shown: readonly (PeerPort | null)[]): Promise<readonly (string | null)[]> {
  using _log = captureLog();
  const finder = new DeadPeers();
  const said: (string | null)[] = [];
  for (const each of shown) {
    const api = {
      peerPorts: () => Promise.resolve(each === null ? [] : [each]),
      serverStatus: () => Promise.reject(new CloudError("denied", "Cannot read server s1: no")),
    };
    said.push((await finder.find(api, ["net"], peers, signal))[0]?.cause ?? null);
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
