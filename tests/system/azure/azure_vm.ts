/** A VM that is a router: the executable in a network namespace of its own, with the rig as its Azure. */

import { addresses, type AzureRig, ids } from "../../fakes/azure_rig.ts";
import { Namespace } from "../namespace.ts";

/** How long anything may take before a test gives it up, in milliseconds. */
const patienceMs = 60_000;

/** What a command of the executable printed and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** See the head of this file. */
export class AzureVm implements AsyncDisposable {
  #state: string;
  #running: Deno.ChildProcess | null = null;
  #log: Promise<string> = Promise.resolve("");

  private constructor(
    readonly rig: AzureRig,
    readonly namespace: Namespace,
    private readonly binary: string,
    private readonly relay: AsyncDisposable,
    state: string,
  ) {
    this.#state = state;
  }

  /** Makes the namespace with the addresses that the rig's interface has. */
  static async create(rig: AzureRig, binary: string): Promise<AzureVm> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric0", `${addresses.router}/24`);
    await namespace.ip(`address add ${addresses.router6}/64 dev eth0 nodad`);
    const relay = await rig.reachableIn(namespace);
    return new AzureVm(rig, namespace, binary, relay, await Deno.makeTempDir());
  }

  /** No routes in the kernel, a fresh stage in the cloud, nothing remembered. */
  async reset(): Promise<void> {
    await this.kill();
    await this.namespace.ip("route flush proto bgp");
    await this.namespace.ip("-6 route flush proto bgp");
    this.rig.reset();
    await Deno.remove(this.#state, { recursive: true });
    this.#state = await Deno.makeTempDir();
  }

  /** `ip route replace PREFIX via GATEWAY proto bgp` for each. */
  async announce(prefixes: readonly string[], gateway: string = addresses.other): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route replace ${prefix} via ${gateway} proto bgp`));
  }

  /** Takes the routes away again. */
  async withdraw(prefixes: readonly string[]): Promise<void> {
    await this.namespace.batch(prefixes.map((prefix) => `route del ${prefix} proto bgp`));
  }

  /** Starts `run -event` with the flags. */
  start(...flags: readonly string[]): void {
    const child = this.namespace.spawn(this.#commandLine("run", ["-event", ...flags]), {
      env: this.rig.environment(),
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
      env: this.rig.environment(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** The routes of the program's own table; empty while there is none. */
  routes(tableId: string = ids.ownTable): Record<string, string> {
    return this.rig.arm.state.has(tableId) ? this.rig.arm.state.routes(tableId) : {};
  }

  /** Waits until the program's own table has exactly these routes. */
  async untilRoutes(
    expected: Readonly<Record<string, string>>,
    tableId: string = ids.ownTable,
  ): Promise<void> {
    const text = (routes: Readonly<Record<string, string>>): string =>
      JSON.stringify(Object.entries(routes).sort());
    await until(
      () => text(this.routes(tableId)) === text(expected),
      () => `the table has ${text(this.routes(tableId))} instead of ${text(expected)}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.relay[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.#state, { recursive: true });
  }

  #commandLine(command: string, flags: readonly string[]): string[] {
    return [this.binary, command, "-cloud", "azure", "-state", this.#state, ...flags];
  }

  async #end(signal: Deno.Signal): Promise<{ readonly code: number; readonly log: string }> {
    const child = this.#running;
    if (child === null) throw new Error("Cannot end the executable: it does not run");
    this.#running = null;
    child.kill(signal);
    const { code } = await child.status;
    return { code, log: await this.#log };
  }
}

/**
 * Waits until a look gives true.
 *
 * @param otherwise says what there is instead, for the error's sentence.
 */
export async function until(look: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!await look()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${patienceMs / 1000} s in vain: ${otherwise()}`);
    }
    await new Promise((wake) => setTimeout(wake, 10));
  }
}
