/**
 * A whole Azure on loopback: Azure Resource Manager over https with an authority of its own, the metadata service with
 * tokens, and the stage: a VM in one resource group, its virtual network in another.
 */

import http from "node:http";
import https from "node:https";
import type { AnyCloudOptions } from "../cloud_options.ts";
import { azure } from "../../../src/clouds/azure/description.ts";
import { Transport } from "../../../src/clouds/kit/transport.ts";
import { cloudOptions } from "../cloud_options.ts";
import type { Namespace } from "../../system/namespace.ts";
import { FakeArm } from "./arm.ts";
import { type Json, propertiesOf } from "./arm_state.ts";
import { makeCertificates } from "../certificates.ts";
import { FakeImds } from "./imds.ts";
import { FakeLogin } from "./login.ts";

export const subscription = "11111111-1111-4111-8111-111111111111";
export const location = "westeurope";
const group = `/subscriptions/${subscription}/resourceGroups/router-group`;
const networkGroup = `/subscriptions/${subscription}/resourceGroups/network-group`;

/** Ids of what is on the stage. */
export const ids = {
  network: `${networkGroup}/providers/Microsoft.Network/virtualNetworks/vnet1`,
  subnet: `${networkGroup}/providers/Microsoft.Network/virtualNetworks/vnet1/subnets/clients`,
  vm: `${group}/providers/Microsoft.Compute/virtualMachines/router`,
  nic: `${group}/providers/Microsoft.Network/networkInterfaces/router-nic`,
  /** The VM beside this one, and one that may come. */
  otherVm: `${networkGroup}/providers/Microsoft.Compute/virtualMachines/other`,
  lateVm: `${networkGroup}/providers/Microsoft.Compute/virtualMachines/late`,
  /** Where the interfaces of other machines are. */
  otherNics: `${networkGroup}/providers/Microsoft.Network/networkInterfaces`,
  /** The table that the program makes for the default owner. */
  ownTable: `${group}/providers/Microsoft.Network/routeTables/cloudroutesync-route-table`,
  /** A table that operators may have given to the subnet. */
  formerTable: `${networkGroup}/providers/Microsoft.Network/routeTables/operators-table`,
} as const;

/** Addresses on the stage. */
export const addresses = {
  router: "10.0.1.4",
  router6: "fd00:1::4",
  other: "10.0.1.20",
  scaleSet: "10.0.1.30",
  /** The frontend of an internal load balancer. */
  loadBalancer: "10.0.1.50",
} as const;

/** Everything that a subnet can have, with a property that no API version knows yet. */
export const subnetProperties: Json = {
  addressPrefixes: ["10.0.1.0/24", "fd00:1::/64"],
  networkSecurityGroup: { id: `${networkGroup}/providers/Microsoft.Network/networkSecurityGroups/nsg1` },
  natGateway: { id: `${networkGroup}/providers/Microsoft.Network/natGateways/nat1` },
  serviceEndpoints: [{ service: "Microsoft.Storage", locations: ["westeurope"] }],
  serviceEndpointPolicies: [{
    id: `${networkGroup}/providers/Microsoft.Network/serviceEndpointPolicies/sep1`,
  }],
  delegations: [{ name: "d1", properties: { serviceName: "Microsoft.Web/serverFarms", actions: ["a"] } }],
  privateEndpointNetworkPolicies: "RouteTableEnabled",
  privateLinkServiceNetworkPolicies: "Enabled",
  defaultOutboundAccess: false,
  propertyOfTheFuture: { nested: [1, { deep: true }] },
};

/** The servers and the stage. */
export class AzureRig implements AsyncDisposable {
  /** Metadata services of further VMs. */
  readonly #others: FakeImds[] = [];
  /** Trusts the rig's authority. */
  readonly #transport: Transport;

  private constructor(
    readonly folder: string,
    readonly authorityFile: string,
    authority: string,
    readonly imds: FakeImds,
    readonly arm: FakeArm,
    readonly login: FakeLogin,
  ) {
    this.#transport = new Transport([authority], undefined, null, azure.apiWords);
  }

  /** Starts all of it. */
  static async start(): Promise<AzureRig> {
    const folder = await Deno.makeTempDir({ prefix: "azure-rig-" });
    const certificates = await makeCertificates(folder);
    const imds = new FakeImds({
      name: "router",
      subscription,
      resourceGroup: "router-group",
      resourceId: ids.vm,
      location,
      environment: "AzurePublicCloud",
      interfaces: [
        {
          macAddress: "000D3A000001",
          ipv4: addresses.router,
          subnet: "10.0.1.0/24",
          ipv6: addresses.router6,
        },
      ],
    });
    const login = new FakeLogin(certificates);
    const arm = new FakeArm(certificates, (token) => rig.#accepts(token));
    const rig: AzureRig = new AzureRig(
      folder,
      certificates.authorityFile,
      certificates.authority,
      imds,
      arm,
      login,
    );
    rig.#setTheStage();
    return rig;
  }

  #accepts(token: string): boolean {
    return [this.imds, ...this.#others, this.login].some((server) => server.accepts(token));
  }

  /** A further VM in the subnet, with a metadata service of its own. @param number 5 to 9, for its address 10.0.1.N. */
  addVm(name: string, number: number): FakeImds {
    const mac = `000D3A0000${number.toString().padStart(2, "0")}`;
    const ipv4 = `10.0.1.${number}`;
    const imds = new FakeImds({
      ...this.imds.vm,
      name,
      resourceId: ids.vm.replace(/router$/, name),
      interfaces: [{ macAddress: mac, ipv4, subnet: "10.0.1.0/24" }],
    });
    this.#others.push(imds);
    const id = ids.vm.replace(/router$/, name);
    this.placeMachine(id, "running");
    const nic = networkInterface(mac.replace(/..(?!$)/g, "$&-"), [ipv4], { virtualMachine: { id } });
    this.arm.state.place(ids.nic.replace("router-nic", `${name}-nic`), nic);
    return imds;
  }

  /** Sets the stage anew. Servers and tokens stay. */
  reset(): void {
    this.arm.reset();
    this.imds.tokenLifetime = 86_400;
    this.imds.hasIdentity = true;
    this.imds.tokenRefusal = null;
    this.imds.status = 200;
    this.imds.tokenRequests.length = 0;
    this.#setTheStage();
  }

  /**
   * Lets the SDK in this very process find the token endpoint, which it looks for in the environment, and fail where it would
   * send something by Node's own clients.
   */
  useHere(): void {
    Deno.env.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", this.imds.url);
    const refuse = (): never => {
      throw new Error("Cannot send this: it does not go through the transport");
    };
    for (const module of [http, https]) Object.assign(module, { request: refuse, get: refuse });
  }

  /** What the program's environment must say. @param imds the VM's metadata service. */
  environment(imds: FakeImds = this.imds): Record<string, string> {
    return {
      CLOUDROUTESYNC_AZURE_ENDPOINT: this.arm.url,
      CLOUDROUTESYNC_IMDS_ENDPOINT: imds.url,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: imds.url,
      SSL_CERT_FILE: this.authorityFile,
    };
  }

  /** Options for `openAzure`. */
  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    return cloudOptions({
      families: [4, 6],
      azureEndpoint: this.arm.url,
      imdsEndpoint: this.imds.url,
      transport: this.#transport,
      ...changed,
    });
  }

  /** Gives the subnet a table of its operators, with a default route to a firewall. */
  placeFormerTable(routes: readonly Json[] = [route("default", "0.0.0.0/0", "10.0.9.9")]): void {
    this.arm.state.place(ids.formerTable, {
      type: "Microsoft.Network/routeTables",
      location,
      tags: { team: "network" },
      properties: { disableBgpRoutePropagation: true, resourceGuid: "guid", routes },
    });
    this.placeSubnet({ routeTable: { id: ids.formerTable } });
  }

  /** Puts a VM there, or changes its power state: `running`, `deallocated`, … */
  placeMachine(id: string, powerState: string): void {
    this.arm.state.place(id, {
      type: "Microsoft.Compute/virtualMachines",
      location,
      properties: { powerState },
    });
  }

  /** A VM with an interface of its own comes. */
  addMachine(address: string): void {
    this.placeMachine(ids.lateVm, "running");
    const more = { virtualMachine: { id: ids.lateVm } };
    this.arm.state.place(`${ids.otherNics}/late-nic`, networkInterface("00-0D-3A-00-00-05", [address], more));
  }

  /** And goes, with its interface. */
  removeMachine(): void {
    this.arm.state.remove(ids.lateVm);
    this.arm.state.remove(`${ids.otherNics}/late-nic`);
  }

  placeSubnet(more: Json = {}): void {
    this.arm.state.place(ids.subnet, {
      properties: { ...subnetProperties, ...more, ipConfigurations: this.#ipConfigurations() },
    });
  }

  /**
   * Makes both servers reachable inside a namespace, at the same addresses as outside.
   *
   * @returns what ends that.
   */
  async reachableIn(namespace: Namespace, imds: FakeImds = this.imds): Promise<AsyncDisposable> {
    const relays = await Promise.all(
      [this.arm.port, imds.port].map((port) => this.#relay(namespace, port)),
    );
    return {
      async [Symbol.asyncDispose](): Promise<void> {
        await Promise.all(relays.map((stop) => stop()));
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transport[Symbol.dispose]();
    await Promise.allSettled(
      [this.arm, this.imds, ...this.#others, this.login].map((server) => server[Symbol.asyncDispose]()),
    );
    await Deno.remove(this.folder, { recursive: true });
  }

  /** Carries a port over a Unix socket, which namespaces do not divide. */
  async #relay(namespace: Namespace, port: number): Promise<() => Promise<void>> {
    const path = `${this.folder}/${port}-${crypto.randomUUID().slice(0, 8)}.socket`;
    const listener = Deno.listen({ transport: "unix", path });
    const accept = (async () => {
      for await (const client of listener) carry(client, port);
    })();
    const script = new URL("../relay.ts", import.meta.url).pathname;
    const child = namespace.spawn([Deno.execPath(), "run", "-A", script, `${port}`, path], { stdin: "null" });
    for (let attempt = 0; attempt < 100; attempt++) {
      const { stdout } = await namespace.run(["ss", "-Hltn", `sport = :${port}`]);
      if (stdout.includes("LISTEN")) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return async () => {
      child.kill("SIGKILL");
      await child.status;
      listener.close();
      await accept.catch(() => {});
    };
  }

  /** Lets the router's network interface forward, as an operator does before a router is of use. */
  forwardPackets(): void {
    const nic = this.arm.state.show(ids.nic);
    this.arm.state.place(ids.nic, {
      ...nic,
      properties: { ...propertiesOf(nic), enableIPForwarding: true },
    });
  }

  #setTheStage(): void {
    const { state } = this.arm;
    state.place(ids.network, {
      type: "Microsoft.Network/virtualNetworks",
      location,
      properties: { addressSpace: { addressPrefixes: ["10.0.0.0/16", "fd00:1::/48"] } },
    });
    this.placeSubnet();
    state.place(
      ids.nic,
      networkInterface("00-0D-3A-00-00-01", [addresses.router, addresses.router6], {
        enableIPForwarding: false,
        dnsSettings: { internalDomainNameSuffix: "x" },
        virtualMachine: { id: ids.vm },
      }),
    );
    this.placeMachine(ids.vm, "running");
    state.place(
      `${networkGroup}/providers/Microsoft.Network/networkInterfaces/other-nic`,
      networkInterface(
        "00-0D-3A-00-00-02",
        [addresses.other],
        { virtualMachine: { id: ids.otherVm } },
      ),
    );
    this.placeMachine(ids.otherVm, "running");
    state.place(
      `${networkGroup}/providers/Microsoft.Network/networkInterfaces/endpoint-nic`,
      networkInterface(
        "00-0D-3A-00-00-03",
        ["10.0.1.40"],
        { privateEndpoint: { id: `${networkGroup}/providers/Microsoft.Network/privateEndpoints/pe1` } },
      ),
    );
    state.place(
      `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/set1/networkInterfaces/set1-nic`,
      networkInterface("00-0D-3A-00-00-04", [addresses.scaleSet]),
    );
  }

  #ipConfigurations(): Json[] {
    return [
      `${ids.nic}/ipConfigurations/ipconfig1`,
      `${networkGroup}/providers/Microsoft.Network/networkInterfaces/other-nic/ipConfigurations/ipconfig1`,
      `${networkGroup}/providers/Microsoft.Network/networkInterfaces/endpoint-nic/ipConfigurations/ipconfig1`,
      `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/set1/virtualMachines/0/networkInterfaces/set1-nic/ipConfigurations/ipconfig1`,
      `${networkGroup}/providers/Microsoft.Network/loadBalancers/lb1/frontendIPConfigurations/f1`,
    ].map((id) => ({ id }));
  }
}

/** A route by way of an appliance, as operators write one. */
export function route(name: string, addressPrefix: string, nextHopIpAddress: string): Json {
  return { name, properties: { addressPrefix, nextHopType: "VirtualAppliance", nextHopIpAddress } };
}

function networkInterface(macAddress: string, own: readonly string[], more: Json = {}): Json {
  return {
    type: "Microsoft.Network/networkInterfaces",
    location,
    properties: {
      macAddress,
      primary: true,
      ...more,
      ipConfigurations: own.map((privateIPAddress, index) => ({
        name: `ipconfig${index + 1}`,
        properties: { privateIPAddress, primary: index === 0, subnet: { id: ids.subnet } },
      })),
    },
  };
}

async function carry(client: Deno.Conn, port: number): Promise<void> {
  try {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
  } catch {
    client.close(); // The server is down on purpose: the client sees a closed connection.
  }
}
