/** Whether Neutron lets this VM's ports send what they forward, looked at again and again: `doctor` says more (`port_security.ts`). */

import { hostPrefix, type Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity, Finding } from "../cloud.ts";
import type { Neutron } from "./api.ts";
import { reachableSubnets } from "./identity.ts";
import { adviseForwarding } from "./port_security.ts";
import type { Port } from "./schemas.ts";
import type { Vm } from "./vm.ts";

/** Doctor reads the groups too, and so knows what the pairs would open. */
const remedy =
  "run cloudroutesync doctor: it names the address pairs that the port needs, and what they open";

/** The ports of this VM that routes may point at. */
export function forwardingPorts(
  vm: Pick<Vm, "ownPorts" | "routerPorts">,
): readonly Port[] {
  const reachable = reachableSubnets(vm);
  return vm.ownPorts.filter((port) => port.fixed_ips.some((fixed) => reachable.has(fixed.subnet_id)));
}

/** The prefixes of which a port forwards packets: those routed to this VM by it, and addresses that it shares. */
export function forwardedBy(
  port: Port,
  vm: Pick<Vm, "self">,
  { self }: Pick<CloudIdentity, "self">,
  ownPrefixes: readonly Prefix[],
): Prefix[] {
  const addresses = new Set(port.fixed_ips.map(({ ip_address: text }) => text));
  const wanted = ownPrefixes.filter(({ family }) => addresses.has(self[family] ?? ""));
  const shared = vm.self.filter(({ address }) => !addresses.has(address.text));
  return [...wanted, ...shared.map(({ address }) => hostPrefix(address))];
}

/** Reads the ports anew, by one call. @throws {CloudError} if they cannot be read. */
export async function forwardingFindings(
  neutron: Pick<Neutron, "ports">,
  vm: Vm,
  identity: CloudIdentity,
  ownPrefixes: readonly Prefix[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ids = forwardingPorts(vm).map(({ id }) => id);
  if (ids.length === 0) return [];
  return (await neutron.ports(ids, signal)).map((port) => {
    const sources = forwardedBy(port, vm, identity, ownPrefixes);
    // Which groups the pairs open is doctor's question: here it is asked whether packets pass.
    const { finding } = adviseForwarding({ port, sources, remoteGroups: [] });
    return finding.status === "bad" ? { ...finding, remedy } : finding;
  });
}
