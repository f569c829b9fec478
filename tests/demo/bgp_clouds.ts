/** The clouds of the BGP demo: their test servers, and how the fabric reads what their tables really say. */

import { addresses as azureAddresses, AzureRig, ids as azureIds } from "../fakes/azure/rig.ts";
import { motoMissing } from "../fakes/aws/moto.ts";
import { opensslMissing } from "../fakes/certificates.ts";
import { AwsRig, type RigInstance } from "../fakes/aws/rig.ts";
import { addresses as gcpAddresses, GcpRig } from "../fakes/gcp/rig.ts";
import { relayInto } from "../fakes/namespace_relay.ts";
import { openstackMissing, type OpenstackRig, startOpenstack } from "../fakes/openstack/rig.ts";
import type { Namespace } from "../system/namespace.ts";
import type { StageAddresses } from "./bgp_stage.ts";

/** A cloud to play on. */
export interface BgpCloud extends AsyncDisposable {
  readonly name: "aws" | "azure" | "gcp" | "openstack";
  readonly addresses: StageAddresses;
  readonly environment: Readonly<Record<string, string>>;
  /** Makes the cloud's servers reachable in the router's namespace. */
  readonly reach: (router: Namespace) => Promise<AsyncDisposable>;
  /** The table as it stands: next-hop address by prefix (several with commas between), for what points at a VM of the stage. */
  readonly read: () => Promise<ReadonlyMap<string, string>>;
}

/** Opens a cloud's test servers. */
export async function openBgpCloud(name: BgpCloud["name"]): Promise<BgpCloud> {
  switch (name) {
    case "aws":
      return awsCloud(await AwsRig.start());
    case "azure":
      return azureCloud(await AzureRig.start());
    case "gcp":
      return gcpCloud(GcpRig.start());
    case "openstack":
      return openstackCloud(await startOpenstack());
  }
}

/** Why a cloud's test servers cannot be started here, or null. */
export function serversMissing(name: BgpCloud["name"]): string | null {
  switch (name) {
    case "aws":
      return motoMissing();
    case "azure":
      return opensslMissing();
    case "gcp":
      return null;
    case "openstack":
      return openstackMissing();
  }
}

/** A running rig as a cloud to play on; it goes with the cloud. `others` are further VMs of the subnet. */
export function awsCloud(rig: AwsRig, others: readonly RigInstance[] = []): BgpCloud {
  const { router, peer, subnetA } = rig.vpc;
  const hosts = new Map(
    [router, peer, ...others].map(({ interfaceId, addresses }) => [interfaceId, addresses[0] ?? ""]),
  );
  return {
    name: "aws",
    addresses: { router: "10.0.1.10", vm: "10.0.1.20", gateway: "10.0.1.1", length: 24 },
    environment: rig.environment,
    reach: (namespace) => relayInto(namespace, [rig.front.port, Number(new URL(rig.metadata.url).port)]),
    read: async () => {
      const table = await rig.tableOfSubnet(subnetA);
      const routes = table === null ? [] : await rig.routes(table);
      return pairs(routes.map(({ destination, target }) => [destination, hosts.get(target)]));
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** A running rig as a cloud to play on; it goes with the cloud. */
export function azureCloud(rig: AzureRig): BgpCloud {
  const { router, other } = azureAddresses;
  rig.forwardPackets();
  return {
    name: "azure",
    addresses: { router, vm: other, gateway: "10.0.1.1", length: 24 },
    environment: rig.environment(),
    reach: (namespace) => rig.reachableIn(namespace),
    read: () => {
      const { state } = rig.arm;
      return Promise.resolve(
        pairs(state.has(azureIds.ownTable) ? Object.entries(state.routes(azureIds.ownTable)) : []),
      );
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** A running rig as a cloud to play on; it goes with the cloud. */
export function gcpCloud(rig: GcpRig): BgpCloud {
  const { router, neighbour, gateway } = gcpAddresses;
  return {
    name: "gcp",
    addresses: { router, vm: neighbour, gateway, length: 24 },
    environment: rig.environment,
    reach: (namespace) => rig.relayInto(namespace),
    read: () =>
      Promise.resolve(pairs(
        [...rig.project.routes.values()].map((
          { destRange, nextHopIp, nextHopInstance },
        ) => [destRange, nextHopIp ?? (nextHopInstance === undefined ? undefined : router)]),
      )),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** A running rig as a cloud to play on; it goes with the cloud. */
export function openstackCloud(rig: OpenstackRig): BgpCloud {
  return {
    name: "openstack",
    addresses: { router: "10.0.0.20", vm: "10.0.0.30", gateway: "10.0.0.1", length: 24 },
    environment: rig.environment(),
    reach: (namespace) => rig.relayInto(namespace),
    read: async () => {
      const hops = Map.groupBy(await rig.routes(), ({ destination }) => destination);
      return pairs([...hops].map(([prefix, routes]) => [
        prefix,
        routes.map(({ nexthop }) => nexthop).join(),
      ]));
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** Leaves out the default route and what points at no VM of the stage. */
function pairs(
  routes: Iterable<readonly [prefix: string, hop: string | undefined]>,
): ReadonlyMap<string, string> {
  const table = new Map<string, string>();
  for (const [prefix, hop] of routes) if (hop !== undefined && prefix !== "0.0.0.0/0") table.set(prefix, hop);
  return table;
}
