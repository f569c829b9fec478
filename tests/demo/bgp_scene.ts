/** The scene of the BGP demo: the seed's steps on one cloud, each checked; the system tests play it too. */

import { setTimeout as sleep } from "node:timers/promises";
import type { BgpCloud } from "./bgp_clouds.ts";
import { Daemon, type DaemonName } from "./bgp_daemons.ts";
import { beyond, BgpStage, loopback } from "./bgp_stage.ts";

/** How long anything may take before it counts as never. */
const patienceMs = 30_000;
const routerSystem = 65_001;
const vmSystem = 65_002;

/** See the head of this file. */
export class BgpScene implements AsyncDisposable {
  #program: Deno.ChildProcess | null = null;

  private constructor(
    readonly cloud: BgpCloud,
    readonly stage: BgpStage,
    private readonly relay: AsyncDisposable,
    private readonly binary: string,
    private readonly state: string,
    private readonly tell: (line: string) => void,
  ) {}

  /** Sets the scene up: namespaces, fabric, and the way to the cloud's servers. */
  static async create(cloud: BgpCloud, binary: string, tell: (line: string) => void): Promise<BgpScene> {
    const stage = await BgpStage.create(cloud.addresses);
    const relay = await cloud.reach(stage.router);
    stage.follow(cloud.read);
    return new BgpScene(cloud, stage, relay, binary, await Deno.makeTempDir(), tell);
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
    this.startProgram();
    const startedAt = performance.now();
    await this.untilCarried(`${loopback}/32`, cloud.addresses.vm);
    const ms = Math.round(performance.now() - startedAt);
    tell(
      `  cloudroutesync starts; after ${ms} ms the cloud's table has ${loopback}/32 → ${cloud.addresses.vm}`,
    );
    await this.until("the ping is answered", async () => await stage.ping() === 1);
    tell("  ping: answered");
    await stage.setLoopback(false);
    await this.untilCarried(`${loopback}/32`, undefined);
    tell("  the loopback goes, and so does the route");
    await this.stopProgram();
  }

  /** The router's daemon, which puts what it learns into the kernel. */
  startRouter(name: DaemonName): Promise<Daemon> {
    const { router, vm } = this.cloud.addresses;
    return Daemon.start(name, {
      namespace: this.stage.router,
      address: router,
      system: routerSystem,
      peerAddress: vm,
      peerSystem: vmSystem,
      networks: [],
      installs: true,
    });
  }

  /** The VM's daemon, which announces its loopback and these networks. */
  startVm(name: DaemonName, networks: readonly string[]): Promise<Daemon> {
    const { router, vm } = this.cloud.addresses;
    return Daemon.start(name, {
      namespace: this.stage.vm,
      address: vm,
      system: vmSystem,
      peerAddress: router,
      peerSystem: routerSystem,
      networks,
      installs: false,
    });
  }

  /** Starts the program on the router. */
  startProgram(...flags: readonly string[]): void {
    const args = [this.binary, "run", "-cloud", this.cloud.name, "-event", "-state", this.state, ...flags];
    this.#program = this.stage.router.spawn(args, {
      env: { ...this.cloud.environment },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
  }

  /** Tells the program to stop. @returns its exit code. */
  async stopProgram(): Promise<number> {
    const program = this.#program;
    this.#program = null;
    if (program === null) return 0;
    program.kill("SIGTERM");
    return (await program.status).code;
  }

  /** Waits until the router's kernel has a prefix, or has it no more. */
  async untilInKernel(prefix: string, present: boolean): Promise<void> {
    await this.until(`${prefix} is ${present ? "" : "not "}in the router's kernel`, async () => {
      const routes = await this.stage.router.ip("route show");
      return routes.includes(`${prefix.replace(/\/32$/, "")} `) === present;
    });
  }

  /** Waits until the fabric carries a prefix to a next hop; undefined: no more. */
  async untilCarried(prefix: string, nextHop: string | undefined): Promise<void> {
    await this.until(
      `the fabric carries ${prefix} to ${nextHop ?? "nobody"}`,
      () => Promise.resolve(this.stage.carried.get(prefix) === nextHop),
    );
  }

  /** Waits for a condition. @throws {Error} if it does not come true. */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (await condition()) return;
      await sleep(50);
    }
    throw new Error(`Waited ${patienceMs / 1000} s in vain: ${what} (${this.cloud.name})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopProgram();
    await this.stage[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
    await Deno.remove(this.state, { recursive: true });
  }
}
