/** Which routers of a group are dead: their instance does not run, or their interface is gone or attached to none. */

import type { DeadPeer, PeerRouter } from "../cloud.ts";
import { deadPeersOf } from "../kit/dead_peers.ts";
import type { Ec2Api } from "./api.ts";

/**
 * States in which an instance forwards nothing, or is about to end
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html). `pending` is coming up.
 */
const endedStates: ReadonlySet<string> = new Set(["stopping", "stopped", "shutting-down", "terminated"]);

/** Asks for the routers' interfaces and their instances. @throws {CloudError} */
export async function findDeadPeers(
  api: Pick<Ec2Api, "findNetworkInterfaces" | "findInstances">,
  peers: readonly PeerRouter[],
  signal: AbortSignal,
): Promise<readonly DeadPeer[]> {
  const ids = [...new Set(peers.flatMap(({ nextHops }) => nextHops))];
  if (ids.length === 0) return [];
  const found = await api.findNetworkInterfaces([{ Name: "network-interface-id", Values: ids }], signal);
  const causes = new Map(ids.map((id) => [id, `interface ${id} does not exist`]));
  const instances = new Map<string, string>();
  for (const { NetworkInterfaceId: id, Attachment } of found) {
    causes.delete(id);
    if (Attachment === undefined || Attachment.Status === "detached") {
      causes.set(id, `interface ${id} is attached to no instance`);
    } else if (Attachment.InstanceId !== undefined) instances.set(id, Attachment.InstanceId);
  }
  const ended = await endedInstances(api, [...new Set(instances.values())], signal);
  return deadPeersOf(peers, (id) => causes.get(id) ?? ended.get(instances.get(id) ?? ""));
}

/** Those of the instances that have ended, with the sentence that says so. One that EC2 does not show proves nothing. */
async function endedInstances(
  api: Pick<Ec2Api, "findInstances">,
  ids: string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const found = await api.findInstances([{ Name: "instance-id", Values: ids }], signal);
  return new Map(
    found.flatMap(({ InstanceId: id, State }) =>
      endedStates.has(State?.Name ?? "") ? [[id, `instance ${id} is ${State?.Name}`]] : []
    ),
  );
}
