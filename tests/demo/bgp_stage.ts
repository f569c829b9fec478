/**
 * The stage of the BGP demo: a router VM, a VM that speaks BGP to it, and a cloud fabric that forwards by what the cloud's route table says
 * and by nothing else.
 *
 * ```
 *   router ──eth0── br0 (fabric, the subnet's own router) ──eth0── vm, with 198.51.100.100/32 on its loopback
 *                    │
 *                    └─ 203.0.113.53: a host beyond the subnet, whose answers the fabric must carry
 * ```
 */

import { Namespace } from "../system/namespace.ts";
import { type CloudTable, FabricAgent } from "./fabric_agent.ts";

/** The addresses of a stage; `length` is the subnet's. */
export interface StageAddresses {
  readonly router: string;
  readonly vm: string;
  readonly gateway: string;
  readonly length: number;
}

/** What the VM announces, and whom it pings. */
export const loopback = "198.51.100.100";
export const beyond = "203.0.113.53";

/** See the head of this file. */
export class BgpStage implements AsyncDisposable {
  readonly #joined: Namespace[] = [];
  #agent: FabricAgent | null = null;

  private constructor(
    readonly addresses: StageAddresses,
    readonly router: Namespace,
    readonly vm: Namespace,
    readonly fabric: Namespace,
  ) {}

  /** Makes the namespaces and wires them. */
  static async create(addresses: StageAddresses): Promise<BgpStage> {
    const { router, vm, gateway, length } = addresses;
    const stage = new BgpStage(
      addresses,
      await Namespace.create(),
      await Namespace.create(),
      await Namespace.create(),
    );
    await stage.fabric.batch([
      "link add br0 type bridge",
      "link set br0 up",
      `address add ${gateway}/${length} dev br0`,
      `address add ${beyond}/32 dev lo`,
    ]);
    await stage.fabric.sysctl("net/ipv4/ip_forward", 1);
    await stage.#plug(stage.router, router);
    await stage.#plug(stage.vm, vm);
    return stage;
  }

  /** Plugs in a further machine of the subnet. */
  async join(address: string): Promise<Namespace> {
    const namespace = await Namespace.create();
    this.#joined.push(namespace);
    await this.#plug(namespace, address);
    return namespace;
  }

  /** Starts the fabric's agent: it makes the fabric's routes what the cloud's table says. */
  follow(readCloud: () => Promise<CloudTable>): void {
    this.#agent = new FabricAgent(this.fabric, readCloud);
  }

  /** What the fabric carries: next-hop address by prefix, or several with commas between. */
  get carried(): CloudTable {
    return this.#agent?.carried ?? new Map();
  }

  /** Gives the VM its loopback address, or takes it away. */
  async setLoopback(present: boolean): Promise<void> {
    await this.vm.ip(`address ${present ? "add" : "del"} ${loopback}/32 dev lo`);
  }

  /** Takes a machine's carrier away at the fabric's end of its cable, or gives it back. */
  async setCarrier(address: string, present: boolean): Promise<void> {
    await this.fabric.ip(`link set ${portOf(address)} ${present ? "up" : "down"}`);
  }

  /** Sets the router's own link down or up. What the kernel forgets with it and DHCP would bring back comes back. */
  async setRouterLink(up: boolean): Promise<void> {
    await this.router.ip(`link set eth0 ${up ? "up" : "down"}`);
    if (up) await this.router.ip(this.#defaultRoute);
  }

  /** Pings from the VM's loopback address once a `gap` milliseconds. @returns how many of `count` were answered. */
  async ping(count = 1, gap = 200): Promise<number> {
    const args = ["ping", "-n", "-c", `${count}`, "-i", `${gap / 1000}`, "-W", "1", "-I", loopback, beyond];
    const { stdout } = await this.vm.run(args);
    return Number(/, (\d+) received/.exec(stdout)?.[1] ?? "0");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    for (const namespace of [this.router, this.vm, ...this.#joined, this.fabric]) {
      await namespace[Symbol.asyncDispose]();
    }
  }

  /** A cable from the fabric's bridge to `eth0` of a VM. */
  async #plug(namespace: Namespace, address: string): Promise<void> {
    const port = portOf(address);
    await this.fabric.batch([
      `link add ${port} type veth peer name eth0 netns ${namespace.pid}`,
      `link set ${port} master br0`,
      `link set ${port} up`,
    ]);
    await namespace.batch([
      `address add ${address}/${this.addresses.length} dev eth0`,
      "link set eth0 up",
      this.#defaultRoute,
    ]);
  }

  get #defaultRoute(): string {
    return `route add default via ${this.addresses.gateway} proto dhcp`;
  }
}

/** The fabric's end of a machine's cable. */
function portOf(address: string): string {
  return `port${address.split(".").at(-1)}`;
}
