/** Whether Google lets this VM forward packets of others. */

import type { Finding } from "../cloud.ts";
import { requirement } from "../kit/doctor.ts";
import type { ComputeApi } from "./api.ts";
import type { LoadBalancer } from "./load_balancer.ts";
import { forwardingAnswer } from "./schemas.ts";
import type { Vm } from "./vm.ts";

/** Asks for it anew. @throws {CloudError} if the instance cannot be read. */
export async function readForwarding(
  api: Pick<ComputeApi, "send">,
  { name, project, zone }: Pick<Vm, "name" | "project" | "zone">,
  signal: AbortSignal,
): Promise<boolean> {
  const { canIpForward } = await api.send({
    action: `read whether instance ${name} may forward packets`,
    permission: "compute.instances.get",
    path: `projects/${project}/zones/${zone}/instances/${name}`,
    query: { fields: "canIpForward" },
    answer: forwardingAnswer,
  }, signal);
  return canIpForward;
}

/** What is said of it. A load balancer changes nothing about it: all its backends must be allowed to forward. */
export function forwardingFinding(
  { name, canIpForward }: Pick<Vm, "name" | "canIpForward">,
  ilb: Pick<LoadBalancer, "id"> | null,
): Finding {
  const of = ilb === null ? "" : `, and ${ilb.id} may send it packets like any backend`;
  return requirement("IP forwarding", canIpForward, {
    met: `Instance ${name} may forward packets (canIpForward)`,
    unmet: `Google drops what instance ${name} forwards: canIpForward is false${of}`,
    remedy:
      "canIpForward cannot be changed later: create the VM anew with gcloud's --can-ip-forward (Terraform: " +
      "can_ip_forward = true)",
  });
}
