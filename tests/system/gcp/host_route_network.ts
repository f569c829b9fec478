/**
 * A subnet as Google's guests see it: each has a /32, and ARP is answered by the subnet's router alone, which takes packets on.
 *
 * ```
 *   vm ──eth0── fabric (10.0.0.1, forwards) ──eth0── vm
 * ```
 */

import { setTimeout as sleep } from "node:timers/promises";
import { Namespace } from "../namespace.ts";

/** A VM of the subnet that speaks BGP to another one. */
export interface HostRouteVm {
  readonly address: string;
  readonly peer: string;
  readonly system: number;
  readonly peerSystem: number;
  /** What it announces, and its own address in there. */
  readonly prefix: string;
  readonly loopback: string;
}

const frrFolder = "/usr/lib/frr";

/** See the head of this file. */
export class HostRouteNetwork implements AsyncDisposable {
  readonly #fabric: Namespace;
  readonly #vms = new Map<HostRouteVm, Namespace>();
  readonly #daemons: Deno.ChildProcess[] = [];
  readonly #folders: string[] = [];

  private constructor(fabric: Namespace) {
    this.#fabric = fabric;
  }

  /** Makes the namespaces and wires them. */
  static async create(gateway: string, vms: readonly HostRouteVm[]): Promise<HostRouteNetwork> {
    const network = new HostRouteNetwork(await Namespace.create());
    await network.#fabric.sysctl("net/ipv4/ip_forward", 1);
    for (const [index, vm] of vms.entries()) {
      const namespace = await Namespace.create();
      network.#vms.set(vm, namespace);
      await network.#fabric.batch([
        `link add port${index} type veth peer name eth0 netns ${namespace.pid}`,
        `address add ${gateway}/32 dev port${index}`,
        `link set port${index} up`,
        `route add ${vm.address}/32 dev port${index}`,
      ]);
      await namespace.batch([
        `address add ${vm.address}/32 dev eth0`,
        "link set eth0 up",
        `route add ${gateway} dev eth0 proto dhcp scope link`,
        `route add default via ${gateway} dev eth0 proto dhcp`,
      ]);
    }
    return network;
  }

  /** Where a VM is. */
  namespaceOf(vm: HostRouteVm): Namespace {
    const namespace = this.#vms.get(vm);
    if (namespace === undefined) throw new Error(`There is no VM ${vm.address}`);
    return namespace;
  }

  /** Where a VM is, for somebody who takes it away in the end. */
  handOver(vm: HostRouteVm): Namespace {
    const namespace = this.namespaceOf(vm);
    this.#vms.delete(vm);
    return namespace;
  }

  /** Runs a script on a VM. */
  async sh(vm: HostRouteVm, script: string): Promise<void> {
    await this.namespaceOf(vm).must(["sh", "-c", script]);
  }

  /** Starts a daemon on a VM; its loopback gets the VM's address. */
  async start(vm: HostRouteVm, daemon: "frr" | "bird", configuration: string): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-gcp-bgp-" });
    this.#folders.push(folder);
    await Deno.writeTextFile(`${folder}/${daemon}.conf`, configuration);
    if (daemon === "frr") return await this.#startFrr(this.namespaceOf(vm), folder);
    await this.namespaceOf(vm).ip(`address add ${vm.loopback} dev lo`);
    this.#spawn(this.namespaceOf(vm), [
      "/usr/sbin/bird",
      ...["-f", "-c", `${folder}/bird.conf`, "-s", `${folder}/bird.ctl`, "-P", `${folder}/bird.pid`],
    ]);
  }

  /** FRR's own way: the daemons first, then vtysh hands each what is its part of frr.conf. */
  async #startFrr(namespace: Namespace, folder: string): Promise<void> {
    // FRR gives up root for the user that its package has made.
    await namespace.must(["chown", "-R", "frr:frr", folder]);
    for (const name of ["zebra", "staticd", "bgpd"]) {
      this.#spawn(namespace, [
        `${frrFolder}/${name}`,
        ...["-z", `${folder}/zserv.api`, "--vty_socket", folder, "-i", `${folder}/${name}.pid`],
        ...["-f", "/dev/null", "--log", "stdout"],
      ]);
      await untilThere(`${folder}/${name}.vty`);
    }
    await namespace.must(["vtysh", "--vty_socket", folder, "-f", `${folder}/frr.conf`]);
  }

  #spawn(namespace: Namespace, command: readonly string[]): void {
    this.#daemons.push(namespace.spawn(command, { stdin: "null", stdout: "null", stderr: "null" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) {
      daemon.kill();
      await daemon.status;
    }
    for (const namespace of [...this.#vms.values(), this.#fabric]) await namespace[Symbol.asyncDispose]();
    for (const folder of this.#folders) await Deno.remove(folder, { recursive: true });
  }
}

/** Waits for a daemon's socket. */
async function untilThere(path: string): Promise<void> {
  for (let tries = 0;; tries++) {
    const found = await Deno.stat(path).catch(() => null);
    if (found !== null) return;
    if (tries === 200) throw new Error(`Cannot start the daemon: ${path} is not there after 10 s`);
    await sleep(50);
  }
}
