/** A router on the embedded cloud: the executable in a network namespace of its own, and the file that plays the cloud. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { binaryMissing, binaryPath } from "../binary.ts";
import { type CommandResult, Namespace, namespacesMissing } from "../namespace.ts";

/** How long anything may take before a test gives it up, in milliseconds. */
const patienceMs = 30_000;

const missing = namespacesMissing() ?? await binaryMissing();

/** One route of the cloud's file. */
export interface FileRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly owner: string;
}

/** The cloud's file. */
export interface CloudFile {
  readonly version: number;
  readonly quota: number;
  readonly routes: readonly FileRoute[];
}

/** How a run ended. */
export interface RunEnd {
  readonly code: number;
  readonly log: string;
}

/** A test with a router of its own; when it fails its error tells the executables' logs. */
export function routerTest(name: string, run: (router: Router) => Promise<void>): void {
  Deno.test({
    name,
    ignore: missing !== null,
    async fn(): Promise<void> {
      await using router = await Router.create();
      await run(router).catch(async (cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${why}\nThe executable's log:\n${await router.lastLogs()}`, { cause });
      });
    },
  });
}

/** See the head of this file. It has eth0 with 10.0.0.2/24 and 2001:db8::2/64, a default route, and tun0 with 192.168.7.1/24. */
export class Router implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly folder: string;
  /** The cloud's file; it does not exist before the first write. */
  readonly file: string;
  readonly #binary: string;
  readonly #runs: Run[] = [];

  private constructor(namespace: Namespace, folder: string, binary: string) {
    this.namespace = namespace;
    this.folder = folder;
    this.file = `${folder}/cloud.json`;
    this.#binary = binary;
  }

  static async create(): Promise<Router> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric", "10.0.0.2/24");
    await namespace.veth("tun0", "far", "192.168.7.1/24");
    await namespace.batch([
      "address add 2001:db8::2/64 dev eth0 nodad",
      "route add default via 10.0.0.1",
    ]);
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-local-" });
    return new Router(namespace, folder, await binaryPath());
  }

  /** `ip ARGUMENTS`. */
  async ip(...lines: readonly string[]): Promise<void> {
    await this.namespace.batch(lines);
  }

  /** `ip route replace PREFIX via GATEWAY proto bgp` for each. */
  async announce(prefixes: readonly string[], gateway = "10.0.0.7"): Promise<void> {
    await this.ip(...prefixes.map((prefix) => `route replace ${prefix} via ${gateway} proto bgp`));
  }

  /** Takes the routes away again. */
  async withdraw(prefixes: readonly string[]): Promise<void> {
    await this.ip(...prefixes.map((prefix) => `route del ${prefix} proto bgp`));
  }

  /** Starts the executable with these arguments and nothing else. */
  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
    const child = this.namespace.spawn(["env", `--chdir=${this.folder}`, this.#binary, ...args], {
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const run = new Run(child);
    this.#runs.push(run);
    return run;
  }

  /** Starts `run -cloud local -event` on the file, with more flags. */
  start(...flags: readonly string[]): Run {
    return this.spawn(["run", "-cloud", "local", "-event", "-local-file", this.file, ...flags]);
  }

  /** Runs a command on the file to its end. */
  async command(name: string, ...flags: readonly string[]): Promise<CommandResult> {
    return await this.bare([...name.split(" "), "-cloud", "local", "-local-file", this.file, ...flags]);
  }

  /** Runs the executable to its end with these arguments and nothing else. */
  async bare(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return await this.spawn(args, env).result();
  }

  /** The document that a command prints with `-output json`, whatever its exit code. */
  async document(name: string, ...flags: readonly string[]): Promise<{ code: number; document: unknown }> {
    const { code, stdout, stderr } = await this.command(name, "-output", "json", ...flags);
    assert.notEqual(stdout, "", `${name} printed nothing: ${stderr}`);
    return { code, document: JSON.parse(stdout) };
  }

  /** Writes the file as an operator would. */
  async writeFile(routes: readonly FileRoute[], quota = 500, version = 1): Promise<void> {
    await Deno.writeTextFile(this.file, JSON.stringify({ version, quota, routes }));
  }

  async readFile(): Promise<CloudFile> {
    try {
      // The program validates what it writes, and the tests wrote the rest.
      return JSON.parse(await Deno.readTextFile(this.file)) as CloudFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { version: 0, quota: 500, routes: [] };
      throw error;
    }
  }

  /** The table as a record of next hops by prefix. */
  async table(): Promise<Record<string, string>> {
    const { routes } = await this.readFile();
    return Object.fromEntries(routes.map(({ prefix, nextHop }) => [prefix, nextHop]));
  }

  /** Waits until the table is exactly this. */
  async untilTable(expected: Readonly<Record<string, string>>): Promise<void> {
    const wanted = tableText(expected);
    let last = "";
    await until(`the table has ${wanted}`, async () => {
      last = tableText(await this.table());
      return last === wanted;
    }).catch((cause: unknown) => {
      throw new Error(`The table should have ${wanted} and has ${last}`, { cause });
    });
  }

  /** The last lines that the executables logged. */
  async lastLogs(): Promise<string> {
    for (const run of this.#runs) await run.kill();
    const logs = await Promise.all(this.#runs.map(async (run) => (await run.ended).log));
    return logs.join("---\n").split("\n").slice(-25).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#runs) await run.kill();
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** One process of the executable. */
export class Run {
  readonly pid: number;
  readonly ended: Promise<RunEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  #log = "";
  #over = false;

  constructor(child: Deno.ChildProcess) {
    this.pid = child.pid;
    this.#child = child;
    this.#stdout = new Response(child.stdout).text();
    this.ended = this.#end();
  }

  /** What it logged so far. */
  get log(): string {
    return this.#log;
  }

  /** Waits until it logs this. */
  async untilLog(pattern: RegExp): Promise<void> {
    await until(`the log says ${pattern}`, () => pattern.test(this.#log));
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<RunEnd> {
    this.#child.kill(signal);
    return await this.ended;
  }

  /** Ends it where it stands; does nothing if it has ended. */
  async kill(): Promise<void> {
    if (!this.#over) this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Waits for the end; what does not end by itself is killed, and its exit code tells so. */
  async result(): Promise<CommandResult> {
    const tooLong = setTimeout(() => this.#child.kill("SIGKILL"), 2 * patienceMs);
    const { code, log } = await this.ended;
    clearTimeout(tooLong);
    return { code, stdout: await this.#stdout, stderr: log };
  }

  async #end(): Promise<RunEnd> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) this.#log += text;
    const { code } = await this.#child.status;
    await this.#stdout;
    this.#over = true;
    return { code, log: this.#log };
  }
}

/** Waits until a look gives what is expected. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!await look()) {
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain: ${what}`);
    await sleep(20);
  }
}

/** Prefixes 100.64.0.0/24, 100.64.1.0/24, … */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `100.64.${index}.0/24`);
}

/** A table in which all prefixes have one next hop. */
export function tableOf(prefixes: readonly string[], nextHop = "10.0.0.7"): Record<string, string> {
  return Object.fromEntries(prefixes.map((prefix) => [prefix, nextHop]));
}

function tableText(table: Readonly<Record<string, string>>): string {
  return Object.entries(table).map(([prefix, hop]) => `${prefix} via ${hop}`).sort().join(", ") ||
    "no routes";
}
