/**
 * A router VM: the executable in a network namespace of its own, with a test's servers as its cloud. What the clouds' VMs share; each
 * adds how its namespace looks and how its table reads.
 */

import type { CommandResult, Namespace } from "./namespace.ts";
import { Run, type RunEnd } from "./run.ts";

/** What a cloud's VM is made of. */
export interface RouterVmParts {
  /** As `-cloud` takes it. */
  readonly cloud: string;
  readonly namespace: Namespace;
  readonly binary: string;
  /** Where it runs; it is removed with the VM. */
  readonly folder: string;
  /** Further flags of every command. */
  readonly flags: readonly string[];
  /** The gateway of routes for which a test names none. */
  readonly gateway: string;
  /** How the cloud is reached. */
  readonly environment: () => Readonly<Record<string, string>>;
  /** What makes the cloud's servers reachable in the namespace; null if nothing need do so. */
  readonly relay: AsyncDisposable | null;
}

/** See the head of this file. */
export class RouterVm implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly folder: string;
  /** What everything is started through, such as `setpriv …`; nothing unless a test says so. */
  through: readonly string[] = [];
  readonly #parts: RouterVmParts;
  #variables: Readonly<Record<string, string>> = {};
  /** All processes since the last {@linkcode forget}. */
  #runs: Run[] = [];
  #running: Run | null = null;

  constructor(parts: RouterVmParts) {
    this.#parts = parts;
    this.namespace = parts.namespace;
    this.folder = parts.folder;
  }

  /** `ip route replace PREFIX via GATEWAY proto bgp` for each, as a daemon writes them. */
  async announce(prefixes: readonly string[], gateway: string = this.#parts.gateway): Promise<void> {
    const via = this.via(gateway);
    await this.namespace.batch(prefixes.map((prefix) => `route replace ${prefix} ${via} proto bgp`));
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

  /** Starts the executable with these arguments and nothing else. */
  spawn(args: readonly string[], env: Readonly<Record<string, string>> = this.#environment()): Run {
    const { binary, folder } = this.#parts;
    const child = this.namespace.spawn([...this.through, "env", `--chdir=${folder}`, binary, ...args], {
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const run = new Run(child);
    this.#runs.push(run);
    return run;
  }

  /** Starts `run -event` with the flags. */
  start(...flags: readonly string[]): Run {
    return this.#run(["-event", ...flags]);
  }

  /** Starts `run` with the flags, without events. */
  startPolling(...flags: readonly string[]): Run {
    return this.#run(flags);
  }

  /** Runs a command of the executable to its end. */
  async command(name: string, ...flags: readonly string[]): Promise<CommandResult> {
    return await this.spawn(this.#arguments(name, flags)).result();
  }

  /** What {@linkcode start} started has logged so far. */
  get log(): string {
    return this.#started().log;
  }

  /** Resident memory of what {@linkcode start} started, in bytes. */
  async residentBytes(): Promise<number> {
    return await this.#started().residentBytes();
  }

  /** Tells what {@linkcode start} started to stop, and waits for it. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<RunEnd> {
    const run = this.#started();
    this.#running = null;
    return await run.stop(signal);
  }

  /** Ends everything where it stands. */
  async kill(): Promise<void> {
    this.#running = null;
    for (const run of this.#runs) await run.kill();
  }

  /** As after a first boot: nothing runs, no route of a daemon is in the kernel, nothing is remembered. */
  async forget(): Promise<void> {
    await this.kill();
    this.#runs = [];
    for (const family of ["-4", "-6"]) await this.namespace.ip(`${family} route flush proto bgp`);
    await Deno.remove(this.folder, { recursive: true });
    await Deno.mkdir(this.folder);
  }

  /** Runs a test's body; when it fails, its error tells the executable's log too. */
  async telling(body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${why}\nThe executable's log:\n${await this.#lastLogs()}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#parts.relay?.[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }

  /** How `ip route` is told of a gateway. */
  protected via(gateway: string): string {
    return `via ${gateway}`;
  }

  /** The last lines that the executables logged; ends them. */
  async #lastLogs(): Promise<string> {
    await this.kill();
    return this.#runs.map((run) => run.log).join("---\n").split("\n").slice(-25).join("\n");
  }

  #run(flags: readonly string[]): Run {
    return this.#running = this.spawn(this.#arguments("run", flags));
  }

  #started(): Run {
    if (this.#running === null) throw new Error("Cannot look for the executable: it was not started");
    return this.#running;
  }

  #environment(): Readonly<Record<string, string>> {
    return { ...this.#parts.environment(), ...this.#variables };
  }

  #arguments(command: string, flags: readonly string[]): string[] {
    return [...command.split(" "), "-cloud", this.#parts.cloud, ...this.#parts.flags, ...flags];
  }
}

/** Prefixes 100.64.0.0/24, 100.64.1.0/24, …, which lie in nobody's network. */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `100.${64 + (index >> 8)}.${index & 255}.0/24`);
}
