/** A router VM on Compute Engine: the executable in a network namespace with a guest's /32, the rig as its cloud. */

import { addresses, type GcpRig } from "../../fakes/gcp_rig.ts";
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
export class GcpVm implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly #rig: GcpRig;
  readonly #binary: string;
  readonly #relay: AsyncDisposable;
  readonly #state: string;
  #running: Deno.ChildProcess | null = null;
  #log: Promise<string> = Promise.resolve("");

  private constructor(
    rig: GcpRig,
    binary: string,
    namespace: Namespace,
    relay: AsyncDisposable,
    state: string,
  ) {
    this.#rig = rig;
    this.#binary = binary;
    this.namespace = namespace;
    this.#relay = relay;
    this.#state = state;
  }

  /**
   * Makes the namespace: `eth0` as Google's guest agent sets it up, with a host address and a route to the
   * subnet's router alone, and a second leg `wan0` whose neighbours are no VMs.
   */
  static async create(rig: GcpRig, binary: string): Promise<GcpVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", `${addresses.router}/32`);
    await namespace.veth("wan0", "peer0", "172.31.0.1/24");
    await namespace.batch([
      `route add ${addresses.gateway} dev eth0 proto dhcp scope link`,
      `route add default via ${addresses.gateway} dev eth0 proto dhcp`,
      `address add ${addresses.routerIpv6}/128 dev eth0 nodad`,
    ]);
    const relay = await rig.relayInto(namespace);
    return new GcpVm(rig, binary, namespace, relay, await Deno.makeTempDir());
  }

  /** Routes as a daemon writes them. By way of the subnet's router they must be onlink: the guest has a /32 only. */
  async announce(prefixes: readonly string[], gateway = "172.31.0.5"): Promise<void> {
    const leg = gateway.startsWith("172.31.") ? "dev wan0" : "dev eth0 onlink";
    await this.namespace.batch(
      prefixes.map((prefix) => `route replace ${prefix} via ${gateway} ${leg} proto bgp`),
    );
  }

  /** Takes the routes away again. */
  async withdraw(prefixes: readonly string[]): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route del ${prefix} proto bgp`));
  }

  /** Starts `run -event` with the flags. */
  start(...flags: readonly string[]): void {
    const child = this.namespace.spawn(this.#commandLine("run", ["-event", ...flags]), {
      env: this.#rig.environment,
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
  async stop(): Promise<{ readonly code: number; readonly log: string }> {
    const child = this.#running;
    if (child === null) throw new Error("Cannot end the executable: it does not run");
    this.#running = null;
    child.kill("SIGTERM");
    const { code } = await child.status;
    return { code, log: await this.#log };
  }

  /** Runs a command of the executable to its end. */
  async command(name: string, ...flags: readonly string[]): Promise<Ended> {
    const child = this.namespace.spawn(this.#commandLine(name, flags), {
      env: this.#rig.environment,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running !== null) await this.stop();
    await this.#relay[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.#state, { recursive: true });
  }

  #commandLine(command: string, flags: readonly string[]): string[] {
    return [this.#binary, command, "-cloud", "gcp", "-owner", "edge", "-state", this.#state, ...flags];
  }
}

/**
 * Waits until a look gives what is expected.
 *
 * @param what for the error's sentence.
 */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!await look()) {
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain: ${what}`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
