/** A router VM on EC2: the executable in a network namespace that looks as the rig's router does, the rig as its cloud. */

import type { AwsRig } from "../../fakes/aws/rig.ts";
import { relayInto } from "../../fakes/namespace_relay.ts";
import { Namespace } from "../namespace.ts";
import { RouterVm, type RouterVmParts } from "../router_vm.ts";
import { untilSame } from "../until.ts";

/** See the head of this file. */
export class AwsVm extends RouterVm {
  private constructor(readonly rig: AwsRig, parts: RouterVmParts) {
    super(parts);
  }

  /** Makes the namespace: `eth0` in subnet A, and a second leg `wan0` whose neighbours are no VMs. */
  static async create(rig: AwsRig, binary: string): Promise<AwsVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", "10.0.1.10/24");
    await namespace.veth("wan0", "peer0", "172.31.0.1/24");
    await namespace.ip("route add default via 10.0.1.1 dev eth0 proto dhcp");
    const folder = await Deno.makeTempDir();
    return new AwsVm(rig, {
      cloud: "aws",
      namespace,
      binary,
      folder,
      flags: ["-state", folder],
      gateway: "172.31.0.5",
      environment: () => rig.environment,
      relay: await relayInto(namespace, [rig.front.port, Number(new URL(rig.metadata.url).port)]),
    });
  }

  /** The table that subnet A uses by an explicit association; empty if none. */
  async ownTable(): Promise<string> {
    return await this.rig.tableOfSubnet(this.rig.vpc.subnetA) ?? "";
  }

  /** The routes of a table (unless told: subnet A's) as `PREFIX router`, `PREFIX peer` or `PREFIX TARGET`, sorted. */
  async summary(tableId?: string): Promise<string[]> {
    const table = tableId ?? await this.ownTable();
    if (table === "") return [];
    const { router, peer, client } = this.rig.vpc;
    const names = new Map([
      [router.interfaceId, "router"],
      [peer.interfaceId, "peer"],
      [client.interfaceId, "client"],
    ]);
    const routes = await this.rig.routes(table);
    return routes.filter((route) => !route.target.startsWith("igw-"))
      .map(({ destination, target }) => `${destination} ${names.get(target) ?? target}`).sort();
  }

  /** Waits until the table holds just these. @throws what it holds instead. */
  async untilRoutes(expected: readonly string[], tableId?: string): Promise<void> {
    await untilSame(expected, () => this.summary(tableId));
  }
}
