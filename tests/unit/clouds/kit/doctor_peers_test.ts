/** What `doctor` says of the other routers of a group. */

import assert from "node:assert/strict";
import type { Cloud, CloudConnection, Finding } from "../../../../src/clouds/cloud.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { checkCloud } from "../../../../src/clouds/kit/doctor.ts";
import { parseAddress } from "../../../../src/routes/prefix.ts";
import { smallVm } from "../../../fakes/policies.ts";

const [self] = smallVm.addresses;
const peer = parseAddress("10.0.0.5");

/** The finding about the peers; undefined: there is none. */
async function finding(
  findDead: CloudConnection["findDead"],
  routers = self === undefined ? [peer] : [self, peer],
  found: string | null = "eni-5",
): Promise<Finding | undefined> {
  const connection: Partial<CloudConnection> = {
    identity: { ...smallVm, instance: "vm" },
    check: () => Promise.resolve([]),
    resolve: (neighbours) => Promise.resolve(neighbours.map(() => found)),
    ...(findDead === undefined ? {} : { findDead }),
  };
  // Of a cloud nothing else is called here.
  const cloud = { identify: () => Promise.resolve(connection) } as unknown as Cloud;
  const findings = await checkCloud(cloud, { fix: false, peers: routers }, new AbortController().signal);
  return findings.find(({ name }) => name === "peers");
}

Deno.test("doctor says which peers the cloud takes for dead, and asks for no more than them", async () => {
  const asked: string[] = [];
  const alive = await finding((peers) => {
    asked.push(...peers.flatMap(({ address, nextHops }) => [address.text, ...nextHops]));
    return Promise.resolve([]);
  });
  assert.deepEqual(asked, ["10.0.0.5", "eni-5"]);
  assert.equal(alive?.status, "ok");
  const dead = await finding(() => Promise.resolve([{ address: peer, cause: "instance i-1 is stopped" }]));
  assert.deepEqual(dead, {
    name: "peers",
    status: "unknown",
    detail: "10.0.0.5 is dead: instance i-1 is stopped",
  });
});

Deno.test("doctor says that a peer's address is nobody's", async () => {
  assert.equal((await finding(() => Promise.resolve([]), [peer], null))?.status, "bad");
});

Deno.test("doctor names the permission that asking for peers takes, and does without it", async () => {
  const error = new CloudError("denied", "Cannot read it", { action: "compute.instances.list" });
  const found = await finding(() => Promise.reject(error));
  assert.equal(found?.status, "unknown");
  assert.match(found?.remedy ?? "", /compute\.instances\.list/);
});

Deno.test("doctor says nothing of peers where there are none, or where the cloud does not tell", async () => {
  assert.equal(await finding(() => Promise.resolve([]), self === undefined ? [] : [self]), undefined);
  assert.equal(await finding(undefined), undefined);
});
