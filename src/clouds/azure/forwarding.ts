/** Whether Azure lets this VM's interface forward packets of others. */

import type { Finding } from "../cloud.ts";
import type { ArmClient } from "./api.ts";
import { nameInId } from "./resource_id.ts";
import { readResource, writeResource } from "./resources.ts";
import { type ArmInterface, interfaceSchema } from "./schemas.ts";
import type { Vm } from "./vm.ts";

/** Looks at this VM's interface. @throws {CloudError} if it cannot be read. */
export async function forwardingOf(
  arm: ArmClient,
  vm: Pick<Vm, "interfaceId" | "inScaleSet">,
  signal: AbortSignal,
): Promise<{ readonly finding: Finding; readonly raw: ArmInterface }> {
  const name = nameInId(vm.interfaceId, "networkInterfaces");
  const request = {
    action: `read network interface ${name}`,
    id: vm.interfaceId,
    ...(vm.inScaleSet ? { apiVersion: "2018-10-01" } : {}),
  };
  const raw = await readResource(arm, request, interfaceSchema, signal);
  const finding = { name: "IP forwarding" };
  if (raw.properties.enableIPForwarding === true) {
    return {
      raw,
      finding: { ...finding, status: "ok", detail: `Network interface ${name} forwards packets` },
    };
  }
  const detail = `Network interface ${name} drops the packets of others: IP forwarding is off`;
  const remedy = vm.inScaleSet
    ? "set enableIPForwarding in the scale set's network profile and upgrade its instances"
    : `run doctor -fix, or: az network nic update --ids ${vm.interfaceId} --ip-forwarding true`;
  return { raw, finding: { ...finding, status: "bad", detail, remedy } };
}

/** Switches it on for an interface as it was read. */
export async function enableForwarding(
  arm: ArmClient,
  raw: ArmInterface,
  signal: AbortSignal,
): Promise<void> {
  await writeResource(arm, {
    action: `switch on IP forwarding of network interface ${raw.name}`,
    id: raw.id,
    body: { ...raw, properties: { ...raw.properties, enableIPForwarding: true } },
    ifMatch: raw.etag ?? undefined,
  }, signal);
}
