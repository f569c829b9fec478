/** A router VM on Compute Engine: the executable in a network namespace with a guest's /32, the rig as its cloud. */

import { addresses, type GcpRig } from "../../fakes/gcp/rig.ts";
import { Namespace } from "../namespace.ts";
import { RouterVm } from "../router_vm.ts";

/** See the head of this file. */
export class GcpVm extends RouterVm {
  /**
   * Makes the namespace: `eth0` as Google's guest agent sets it up, with a host address and a route to the
   * subnet's router alone, and a second leg `wan0` whose neighbours are no VMs.
   *
   * @param isSecond `router-b` in place of `router-a`.
   */
  static async create(rig: GcpRig, binary: string, isSecond = false): Promise<GcpVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", `${isSecond ? addresses.neighbour : addresses.router}/32`);
    await namespace.veth("wan0", "peer0", "172.31.0.1/24");
    await namespace.batch([
      `route add ${addresses.gateway} dev eth0 proto dhcp scope link`,
      `route add default via ${addresses.gateway} dev eth0 proto dhcp`,
      `address add ${isSecond ? addresses.neighbourIpv6 : addresses.routerIpv6}/128 dev eth0 nodad`,
    ]);
    const folder = await Deno.makeTempDir();
    return new GcpVm({
      cloud: "gcp",
      namespace,
      binary,
      folder,
      flags: ["-owner", "edge", "-state", folder],
      gateway: "172.31.0.5",
      environment: () => isSecond ? rig.environmentOfB : rig.environment,
      relay: await rig.relayInto(namespace),
    });
  }

  /** By way of the subnet's router routes must be onlink: the guest has a /32 only. */
  protected override via(gateway: string): string {
    const leg = gateway.startsWith("172.31.") ? "dev wan0" : "dev eth0 onlink";
    return `${super.via(gateway)} ${leg}`;
  }
}
