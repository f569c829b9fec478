/** A VM that is a router: the executable in a network namespace of its own, with the rig as its cloud. */

import type { OpenstackRig } from "../../fakes/openstack_rig.ts";
import { Namespace } from "../namespace.ts";

/** How long anything may take before a test gives it up. */
const patienceMs = 60_000;

/** What a command of the executable printed and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `plan -output json` prints, as far as the tests look at it. */
export interface PlanDocument {
  readonly changes: readonly unknown[];
  readonly foreign: number;
  readonly quota: { readonly used: number; readonly limit: number | null };
}

/** See the head of this file. */
export class RouterVm implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly #rig: OpenstackRig;
  readonly #binary: string;
  readonly #relay: AsyncDisposable;
  #state: string;
  #running: Deno.ChildProcess | null = null;
  #log: Promise<string> = Promise.resolve("");

  private constructor(
    rig: OpenstackRig,
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

  /** Makes the namespace with the address that the rig's port has. */
  static async create(rig: OpenstackRig, binary: string): Promise<RouterVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", "10.0.0.20/24");
    const relay = await rig.relayInto(namespace);
    return new RouterVm(rig, binary, namespace, relay, await Deno.makeTempDir());
  }

  /** No routes in the kernel, nothing in the cloud, nothing remembered. */
  async reset(): Promise<void> {
    await this.kill();
    await this.namespace.ip("route flush proto bgp");
    await this.#rig.reset();
    await Deno.remove(this.#state, { recursive: true });
    this.#state = await Deno.makeTempDir();
  }

  /** `ip route replace PREFIX via GATEWAY proto bgp` for each. */
  async announce(prefixes: readonly string[], gateway = "10.0.0.5"): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route replace ${prefix} via ${gateway} proto bgp`));
  }

  /** Takes the routes away again. */
  async withdraw(prefixes: readonly string[]): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route del ${prefix} proto bgp`));
  }

  /** Starts `run -event` with the flags. */
  start(...flags: readonly string[]): void {
    const child = this.namespace.spawn(this.#commandLine("run", ["-event", ...flags]), {
      env: this.#rig.environment(),
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
    return await this.#end("SIGTERM");
  }

  /** Ends the executable where it stands. */
  async kill(): Promise<void> {
    if (this.#running !== null) await this.#end("SIGKILL");
  }

  /** Runs a command of the executable to its end. */
  async command(name: string, ...flags: readonly string[]): Promise<Ended> {
    const child = this.namespace.spawn(this.#commandLine(name, flags), {
      env: this.#rig.environment(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** The document of `plan -output json`. */
  async plan(): Promise<PlanDocument> {
    const { stdout, stderr } = await this.command("plan", "-output", "json");
    if (stdout === "") throw new Error(`Cannot plan: ${stderr}`);
    return JSON.parse(stdout);
  }

  /** Ends the executable and gives the last lines of its log. */
  async lastLog(): Promise<string> {
    await this.kill();
    return (await this.#log).split("\n").slice(-20).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#relay[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.#state, { recursive: true });
  }

  #commandLine(command: string, flags: readonly string[]): string[] {
    return [this.#binary, command, "-cloud", "openstack", "-state", this.#state, ...flags];
  }

  async #end(signal: Deno.Signal): Promise<{ readonly code: number; readonly log: string }> {
    const child = this.#running;
    if (child === null) throw new Error("Cannot end the executable: it does not run");
    this.#running = null;
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended on its own; its exit code and log say why.
      if (!(error instanceof TypeError)) throw error;
    }
    const { code } = await child.status;
    return { code, log: await this.#log };
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
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
