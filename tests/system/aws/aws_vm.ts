/** A router VM on EC2: the executable in a network namespace that looks as the rig's router does, the rig as its cloud. */

import type { AwsRig } from "../../fakes/aws_rig.ts";
import { relayInto } from "../../fakes/namespace_relay.ts";
import { Namespace } from "../namespace.ts";

/** How long anything may take before a test gives it up. */
const patienceMs = 60_000;

/** What a command of the executable printed and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** See the head of this file. */
export class AwsVm implements AsyncDisposable {
  #running: Deno.ChildProcess | null = null;
  #log: Promise<string> = Promise.resolve("");
  #variables: Readonly<Record<string, string>> = {};

  private constructor(
    readonly rig: AwsRig,
    readonly namespace: Namespace,
    private readonly binary: string,
    private readonly relay: AsyncDisposable,
    private readonly state: string,
  ) {}

  /** Makes the namespace: `eth0` in subnet A, and a second leg `wan0` whose neighbours are no VMs. */
  static async create(rig: AwsRig, binary: string): Promise<AwsVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", "10.0.1.10/24");
    await namespace.veth("wan0", "peer0", "172.31.0.1/24");
    await namespace.ip("route add default via 10.0.1.1 dev eth0 proto dhcp");
    const relay = await relayInto(namespace, [rig.front.port, Number(new URL(rig.metadata.url).port)]);
    return new AwsVm(rig, namespace, binary, relay, await Deno.makeTempDir());
  }

  /** Routes as a daemon writes them. */
  async announce(prefixes: readonly string[], gateway = "172.31.0.5"): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route replace ${prefix} via ${gateway} proto bgp`));
  }

  /** Takes the routes away again. */
  async withdraw(prefixes: readonly string[]): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route del ${prefix} proto bgp`));
  }

  /** Further variables for what is started from now on. */
  with(variables: Readonly<Record<string, string>>): this {
    this.#variables = { ...this.#variables, ...variables };
    return this;
  }

  /** Starts `run` with the flags. */
  start(...flags: readonly string[]): void {
    const child = this.namespace.spawn(this.#commandLine("run", flags), {
      env: { ...this.rig.environment, ...this.#variables },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    this.#running = child;
    this.#log = new Response(child.stderr).text();
  }

  /** Resident memory of the running executable, in bytes. */
  async residentBytes(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#running?.pid}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) * 1024;
  }

  /** Tells the executable to stop and waits for it. @returns its exit code and its log. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<{ readonly code: number; readonly log: string }> {
    const child = this.#running;
    if (child === null) throw new Error("Cannot end the executable: it does not run");
    this.#running = null;
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended by itself: its log says why.
      if (!(error instanceof TypeError)) throw error;
    }
    const { code } = await child.status;
    return { code, log: await this.#log };
  }

  /** Runs a command of the executable to its end. */
  async command(name: string, ...flags: readonly string[]): Promise<Ended> {
    const child = this.namespace.spawn(this.#commandLine(name, flags), {
      env: { ...this.rig.environment, ...this.#variables },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
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
    const wanted = JSON.stringify([...expected].sort());
    const look = async (): Promise<boolean> => JSON.stringify(await this.summary(tableId)) === wanted;
    try {
      await until("routes", look);
    } catch {
      const log = this.#running === null ? "" : (await this.stop()).log.slice(-3_000);
      throw new Error(
        `Waited in vain for ${wanted}; there are ${JSON.stringify(await this.summary(tableId))}\n${log}`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running !== null) await this.stop("SIGKILL");
    await this.relay[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.state, { recursive: true });
  }

  #commandLine(command: string, flags: readonly string[]): string[] {
    return [this.binary, command, "-cloud", "aws", "-state", this.state, ...flags];
  }
}

/**
 * Waits until a look gives what is expected.
 *
 * @param what for the error's sentence.
 * @param withinMs how long it may take, in milliseconds.
 */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  withinMs: number = patienceMs,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!await look()) {
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs / 1000} s in vain: ${what}`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
