/** A router VM on OpenStack: the executable in a network namespace with the address of the rig's port, the rig as its cloud. */

import type { OpenstackRig } from "../../fakes/openstack/rig.ts";
import { Namespace } from "../namespace.ts";
import { RouterVm, type RouterVmParts } from "../router_vm.ts";

/** What `plan -output json` prints of a table, as far as the tests look at it. */
export interface PlanDocument {
  readonly changes: readonly unknown[];
  readonly foreign: number;
  readonly quota: { readonly used: number; readonly limit: number | null };
}

/** See the head of this file. */
export class OpenstackVm extends RouterVm {
  readonly #rig: OpenstackRig;

  private constructor(rig: OpenstackRig, parts: RouterVmParts) {
    super(parts);
    this.#rig = rig;
  }

  /** Makes the namespace with the address that the rig's port has. */
  static async create(rig: OpenstackRig, binary: string): Promise<OpenstackVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", "10.0.0.20/24");
    const folder = await Deno.makeTempDir();
    return new OpenstackVm(rig, {
      cloud: "openstack",
      namespace,
      binary,
      folder,
      flags: ["-state", folder],
      gateway: "10.0.0.5",
      environment: () => rig.environment(),
      relay: await rig.relayInto(namespace),
    });
  }

  /** No routes in the kernel, nothing in the cloud, nothing remembered. */
  async reset(): Promise<void> {
    await this.forget();
    await this.#rig.reset();
  }

  /** What `plan -output json` says of the one table. */
  async plan(): Promise<PlanDocument> {
    const { stdout, stderr } = await this.command("plan", "-output", "json");
    if (stdout === "") throw new Error(`Cannot plan: ${stderr}`);
    return JSON.parse(stdout).tables[0];
  }
}
