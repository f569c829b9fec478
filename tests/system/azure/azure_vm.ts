/** A router VM on Azure: the executable in a network namespace with the addresses of the rig's interface, the rig as its cloud. */

import { addresses, type AzureRig, ids } from "../../fakes/azure/rig.ts";
import type { FakeImds } from "../../fakes/azure/imds.ts";
import { Namespace } from "../namespace.ts";
import { RouterVm, type RouterVmParts } from "../router_vm.ts";
import { untilSame } from "../until.ts";

/** See the head of this file. */
export class AzureVm extends RouterVm {
  private constructor(readonly rig: AzureRig, parts: RouterVmParts) {
    super(parts);
  }

  /**
   * Makes the namespace with the addresses that the rig's interface has.
   *
   * @param other a further VM of the rig in place of the first.
   */
  static async create(rig: AzureRig, binary: string, other?: FakeImds): Promise<AzureVm> {
    const namespace = await Namespace.create();
    const address = other?.vm.interfaces[0]?.ipv4 ?? addresses.router;
    await namespace.veth("eth0", "fabric0", `${address}/24`);
    if (other === undefined) await namespace.ip(`address add ${addresses.router6}/64 dev eth0 nodad`);
    const folder = await Deno.makeTempDir();
    return new AzureVm(rig, {
      cloud: "azure",
      namespace,
      binary,
      folder,
      flags: ["-state", folder],
      gateway: addresses.other,
      environment: () => rig.environment(other),
      relay: await rig.reachableIn(namespace, other),
    });
  }

  /** No routes in the kernel, a fresh stage in the cloud, nothing remembered. */
  async reset(): Promise<void> {
    await this.forget();
    this.rig.reset();
  }

  /** The routes of the program's own table; empty while there is none. */
  routes(tableId: string = ids.ownTable): Record<string, string> {
    return this.rig.arm.state.has(tableId) ? this.rig.arm.state.routes(tableId) : {};
  }

  /** Waits until the program's own table has exactly these routes. */
  async untilRoutes(
    expected: Readonly<Record<string, string>>,
    tableId: string = ids.ownTable,
  ): Promise<void> {
    const listed = (routes: Readonly<Record<string, string>>): string[] =>
      Object.entries(routes).map(([prefix, hop]) => `${prefix} via ${hop}`);
    await untilSame(listed(expected), () => listed(this.routes(tableId)));
  }
}
