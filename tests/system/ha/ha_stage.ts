/**
 * The stage of the high-availability scenes: two routers between a cloud's fabric and an uplink. Each network is a bridge, so that a
 * router that dies takes no carrier away from the others, as with a VPN.
 *
 * ```
 *             ┌──eth0── router a ──wan0──┐
 *   fabric ── br0                        br1 ── upstream, which has the prefixes
 *             └──eth0── router b ──wan0──┘
 * ```
 *
 * The fabric sends a client's packets by what the cloud's table says and by nothing else.
 */

import { type CloudTable, FabricAgent } from "../../demo/fabric_agent.ts";
import { Namespace } from "../namespace.ts";
import type { HaCloud, Side } from "./ha_clouds.ts";

/** A client in the cloud, which is on the fabric's loopback, and a host that is reached by the first prefix. */
export const client = "10.0.2.30";
export const target = "100.64.0.1";
/** The upstream's address on the uplink. */
export const upstreamAddress = "172.31.0.1";
/** The routers' own addresses on the uplink. */
const uplinkAddresses = { a: "172.31.0.10", b: "172.31.0.20" } as const;

/** The two networks that a router is in, by the names of their bridges. */
const bridges = { fabric: "br0", uplink: "br1" } as const;
/** A router's interface in each. */
const interfaces = { fabric: "eth0", uplink: "wan0" } as const;
type Net = keyof typeof bridges;

/** See the head of this file. */
export class HaStage implements AsyncDisposable {
  #agent: FabricAgent | null = null;

  private constructor(
    private readonly cloud: Pick<HaCloud, "addresses" | "length">,
    readonly routers: Readonly<Record<Side, Namespace>>,
    readonly upstream: Namespace,
    readonly fabric: Namespace,
  ) {}

  /** Makes the namespaces and wires them. */
  static async create(cloud: Pick<HaCloud, "addresses" | "length">): Promise<HaStage> {
    const make = (): Promise<Namespace> => Namespace.create();
    const stage = new HaStage(cloud, { a: await make(), b: await make() }, await make(), await make());
    const { fabric, upstream, routers } = stage;
    for (const namespace of [fabric, upstream, routers.a, routers.b]) await forwardAnyWay(namespace);
    await fabric.batch([
      // Else a bridge has the lowest address of its ports, and another one when that is unplugged.
      "link add br0 address 02:00:00:00:00:01 type bridge",
      "link add br1 type bridge",
      "link set br0 up",
      "link set br1 up",
      `address add ${cloud.addresses.gateway}/24 dev br0`,
      `address add ${client}/32 dev lo`,
      `link add upstream type veth peer name wan0 netns ${upstream.pid}`,
      "link set upstream master br1 up",
    ]);
    await upstream.batch([
      `address add ${upstreamAddress}/24 dev wan0`,
      `address add ${target}/32 dev lo`,
      "link set wan0 up",
    ]);
    for (const side of ["a", "b"] as const) {
      for (const net of ["fabric", "uplink"] as const) {
        await fabric.ip(
          `link add ${portOf(side, net)} type veth peer name ${interfaces[net]} netns ${routers[side].pid}`,
        );
        await stage.plug(side, net);
      }
      await stage.boot(side);
    }
    return stage;
  }

  /** Starts the fabric's agent. */
  follow(readCloud: () => Promise<CloudTable>): void {
    this.#agent = new FabricAgent(this.fabric, readCloud);
  }

  /** What the fabric carries. */
  get carried(): CloudTable {
    return this.#agent?.carried ?? new Map();
  }

  /** Sets a router's interfaces up as DHCP and the operator do at its start; whatever daemons left is gone. */
  async boot(side: Side): Promise<void> {
    const namespace = this.routers[side];
    const { addresses, length } = this.cloud;
    await namespace.must([
      "sh",
      "-c",
      "ip route flush table main; ip address flush dev eth0; ip address flush dev wan0",
    ]);
    await namespace.must(["sh", "-c", "ip address flush dev lo; ip address add 127.0.0.1/8 dev lo"]);
    await namespace.batch([
      `address add ${addresses[side]}/${length} dev eth0`,
      `address add ${uplinkAddresses[side]}/24 dev wan0`,
      "link set eth0 up",
      "link set wan0 up",
      ...(length === 32 ? [`route add ${addresses.gateway} dev eth0 proto dhcp scope link`] : []),
      `route add default via ${addresses.gateway} dev eth0 proto dhcp`,
    ]);
  }

  /** Takes a router's cable out of a network; its interface keeps its carrier. */
  async unplug(side: Side, net: Net): Promise<void> {
    await this.fabric.ip(`link set ${portOf(side, net)} nomaster`);
  }

  /** Puts it in again. On the uplink the routers do not see each other: each has a tunnel of its own. */
  async plug(side: Side, net: Net): Promise<void> {
    await this.fabric.ip(`link set ${portOf(side, net)} master ${bridges[net]} up`);
    if (net === "uplink") await this.#isolate(side, net, true);
  }

  /** Lets the routers lose sight of each other in the cloud's network, or see each other again. */
  async split(isSplit: boolean): Promise<void> {
    for (const side of ["a", "b"] as const) await this.#isolate(side, "fabric", isSplit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    const { a, b } = this.routers;
    for (const namespace of [a, b, this.upstream, this.fabric]) await namespace[Symbol.asyncDispose]();
  }

  /** Isolated ports of a bridge reach all others but one another. */
  async #isolate(side: Side, net: Net, isIsolated: boolean): Promise<void> {
    await this.fabric.must([
      "bridge",
      ...["link", "set", "dev", portOf(side, net), "isolated", isIsolated ? "on" : "off"],
    ]);
  }
}

/** The fabric's end of a router's cable. */
function portOf(side: Side, net: Net): string {
  return `${net}-${side}`;
}

/** Packets may come one way and go another, and nobody is told of a shorter one. */
async function forwardAnyWay(namespace: Namespace): Promise<void> {
  for (const scope of ["all", "default"]) {
    await namespace.sysctl(`net/ipv4/conf/${scope}/rp_filter`, 0);
    await namespace.sysctl(`net/ipv4/conf/${scope}/send_redirects`, 0);
    await namespace.sysctl(`net/ipv4/conf/${scope}/accept_redirects`, 0);
  }
}
