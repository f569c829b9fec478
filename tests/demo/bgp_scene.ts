/** The scene of the BGP demo: the seed's steps on one cloud, each checked; the system tests play it too. */

import type { Namespace } from "../system/namespace.ts";
import { RouterVm } from "../system/router_vm.ts";
import { until } from "../system/until.ts";
import type { BgpCloud } from "./bgp_clouds.ts";
import { Daemon, type DaemonName, type Peer, type Speaker } from "./bgp_daemons.ts";
import { beyond, BgpStage, loopback } from "./bgp_stage.ts";

const routerSystem = 65_001;
const vmSystem = 65_002;

/** See the head of this file. */
export class BgpScene implements AsyncDisposable {
  private constructor(
    readonly cloud: BgpCloud,
    readonly stage: BgpStage,
    /** The program on the stage's router. */
    readonly program: RouterVm,
    private readonly relay: AsyncDisposable,
    private readonly tell: (line: string) => void,
  ) {}

  /** Sets the scene up: namespaces, fabric, and the way to the cloud's servers. */
  static async create(cloud: BgpCloud, binary: string, tell: (line: string) => void): Promise<BgpScene> {
    const stage = await BgpStage.create(cloud.addresses);
    const relay = await cloud.reach(stage.router);
    stage.follow(cloud.read);
    const folder = await Deno.makeTempDir();
    const program = new RouterVm({
      cloud: cloud.name,
      namespace: stage.router,
      binary,
      folder,
      flags: ["-state", folder],
      gateway: cloud.addresses.vm,
      environment: () => cloud.environment,
      relay: null,
    });
    return new BgpScene(cloud, stage, program, relay, tell);
  }

  /** Plays steps 3 to 7 with one kind of daemon, and the way back. @throws {Error} if a step does not do what it should. */
  async play(name: DaemonName): Promise<void> {
    const { stage, tell, cloud } = this;
    tell(`${cloud.name}, ${name}`);
    await using _router = await this.startRouter(name);
    await using _vm = await this.startVm(name, []);
    await stage.setLoopback(true);
    await this.untilInKernel(`${loopback}/32`, true);
    tell(`  BGP: ${loopback}/32 has reached the router's kernel`);
    if (await stage.ping() !== 0) {
      throw new Error(`The ping from ${loopback} is answered before the cloud knows it`);
    }
    tell(`  ping from ${loopback} to ${beyond}: no answer, the cloud does not know the prefix`);
    this.program.start();
    const startedAt = performance.now();
    await this.untilCarried(`${loopback}/32`, cloud.addresses.vm);
    const ms = Math.round(performance.now() - startedAt);
    tell(
      `  cloudroutesync starts; after ${ms} ms the cloud's table has ${loopback}/32 → ${cloud.addresses.vm}`,
    );
    await until("the ping is answered", async () => await stage.ping() === 1);
    tell("  ping: answered");
    await stage.setLoopback(false);
    await this.untilCarried(`${loopback}/32`, undefined);
    tell("  the loopback goes, and so does the route");
    await this.program.stop();
  }

  /** The router's daemon, which puts what it learns from the VM and from others into the kernel. */
  startRouter(name: DaemonName, others: readonly Peer[] = []): Promise<Daemon> {
    const vm = { address: this.cloud.addresses.vm, system: vmSystem };
    return Daemon.start(name, {
      namespace: this.stage.router,
      address: this.cloud.addresses.router,
      system: routerSystem,
      peers: [vm, ...others],
      networks: [],
      prepends: 0,
      installs: true,
    });
  }

  /** The VM's daemon, which announces its loopback and these networks. */
  startVm(name: DaemonName, networks: readonly string[]): Promise<Daemon> {
    return Daemon.start(name, this.vmSpeaker(networks));
  }

  /** How the VM's daemon is configured. */
  vmSpeaker(networks: readonly string[]): Speaker {
    return this.speaker(this.stage.vm, { address: this.cloud.addresses.vm, system: vmSystem }, networks);
  }

  /** How the daemon of a machine that announces to the router is configured. */
  speaker(namespace: Namespace, self: Peer, networks: readonly string[]): Speaker {
    const router = { address: this.cloud.addresses.router, system: routerSystem };
    return { ...self, namespace, peers: [router], networks, prepends: 0, installs: false };
  }

  /** Waits until the router's kernel has a prefix, or has it no more. */
  async untilInKernel(prefix: string, present: boolean): Promise<void> {
    await until(`${prefix} is ${present ? "" : "not "}in the router's kernel`, async () => {
      const routes = await this.stage.router.ip("route show");
      return routes.includes(`${prefix.replace(/\/32$/, "")} `) === present;
    });
  }

  /** Waits until the fabric carries a prefix to a next hop; undefined: no more. */
  async untilCarried(prefix: string, nextHop: string | undefined): Promise<void> {
    await until(
      () => `the fabric carries ${prefix} to ${nextHop ?? "nobody"} (${this.cloud.name})`,
      () => this.stage.carried.get(prefix) === nextHop,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.kill();
    await this.stage[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
    await Deno.remove(this.program.folder, { recursive: true });
  }
}
