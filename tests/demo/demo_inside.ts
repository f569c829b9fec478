/**
 * The show of `deno task demo`, inside its namespace: interfaces and routes by iproute2, the real program with
 * `-cloud local -event`, and a line for each kernel change with what the cloud's table did and how long it took.
 */

import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

const mainModule = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** No step takes longer; the whole ends in under 20 s. */
const stepTimeoutMs = 5_000;

/** The cloud's table: next hop by prefix. */
type CloudTable = ReadonlyMap<string, string>;

/** One step of the show. */
interface Step {
  /** What is done to the kernel, as `ip` commands without the word `ip`. */
  readonly commands: readonly string[];
  /** Whether the table is as it should be. */
  readonly done: (table: CloudTable) => boolean;
  readonly note: string;
  /** How long to watch before looking, milliseconds: for what must not happen. */
  readonly watchMs?: number;
}

const pods = Array.from({ length: 20 }, (_, index) => `100.64.${index}.0/24`);

const steps: readonly Step[] = [
  {
    commands: ["route add 198.51.100.0/24 via 10.0.0.7 proto bgp metric 20"],
    done: (table) => table.get("198.51.100.0/24") === "10.0.0.7",
    note: "a neighbour VM announces a prefix",
  },
  {
    commands: ["route replace 198.51.100.0/24 via 10.0.0.8 proto bgp metric 20"],
    done: (table) => table.get("198.51.100.0/24") === "10.0.0.8",
    note: "it moves to another VM: replaced in place",
  },
  {
    commands: ["route add 203.0.113.0/24 via 192.168.7.9 proto bgp metric 20"],
    done: (table) => table.get("203.0.113.0/24") === "10.0.0.2",
    note: "a gateway that only this VM knows: next hop this VM",
  },
  {
    commands: pods.map((prefix) => `route add ${prefix} via 10.0.0.7 proto bird`),
    done: (table) => pods.every((prefix) => table.get(prefix) === "10.0.0.7"),
    note: "20 pod networks at once: one write",
  },
  {
    commands: ["route del 100.64.3.0/24"],
    done: (table) => !table.has("100.64.3.0/24"),
    note: "a withdrawal waits until the kernel has been quiet for 250 ms",
  },
  {
    commands: ["link set tun0 down"],
    done: (table) => !table.has("203.0.113.0/24"),
    note: "a link goes down: the kernel drops the route without a word",
  },
  {
    commands: ["link set tun0 up", "route add 203.0.113.0/24 via 192.168.7.9 proto bgp metric 20"],
    done: (table) => table.get("203.0.113.0/24") === "10.0.0.2",
    note: "the link and the route come back",
  },
  {
    commands: pods.slice(0, 12).map((prefix) =>
      prefix === "100.64.3.0/24" ? "route show" : `route del ${prefix}`
    ),
    done: (table) => pods.filter((prefix) => table.has(prefix)).length === 19,
    watchMs: 2_000,
    note: "11 of 22 routes would go at once: held for 120 s, nothing is withdrawn in the 2 s watched",
  },
];

async function show(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-demo-" });
  const file = `${folder}/cloud.json`;
  try {
    await prepare(file);
    using kernel = new Kernel();
    const program = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", mainModule, "-cloud", "local", "-local-file", file, "-event"],
      stdin: "null",
      stdout: "inherit",
      stderr: "null",
    }).spawn();
    try {
      await until(file, (table) => table.has("192.0.2.0/24"));
      tell("cloudroutesync is up; the route that was there before it is in the cloud's table.\n");
      tell(`${"ms".padStart(6)}  ${"kernel".padEnd(62)}  what happened in the cloud's table`);
      for (const step of steps) await perform(step, kernel, file);
    } finally {
      program.kill("SIGTERM");
    }
    const { code } = await program.status;
    const table = await readTable(file);
    tell(
      `\nSIGTERM: the program ended with exit code ${code}; its ${
        table.size - 1
      } routes stay, and so does the operator's.`,
    );
    return code === 0 && table.get("10.99.0.0/16") === "10.0.0.250" ? 0 : 1;
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes the VM's interfaces, a first route, and a cloud table in which an operator has a route of their own. */
async function prepare(file: string): Promise<void> {
  const setup = [
    "link set lo up",
    "link add eth0 type veth peer name fabric",
    "link add tun0 type veth peer name far",
    ...["fabric", "far", "eth0", "tun0"].map((name) => `link set ${name} up`),
    "addr add 10.0.0.2/24 dev eth0",
    "addr add 192.168.7.1/24 dev tun0",
    "route add default via 10.0.0.1",
    "route add 192.0.2.0/24 via 10.0.0.7 proto bgp metric 20",
  ];
  for (const line of setup) await new Deno.Command("ip", { args: line.split(" ") }).output();
  const foreign = { prefix: "10.99.0.0/16", nextHop: "10.0.0.250", owner: "operator" };
  await Deno.writeTextFile(file, JSON.stringify({ version: 1, quota: 500, routes: [foreign] }));
}

async function perform(step: Step, kernel: Kernel, file: string): Promise<void> {
  const before = await readTable(file);
  const startedAt = performance.now();
  await kernel.run(step.commands);
  if (step.watchMs !== undefined) await sleep(step.watchMs);
  const settled = await until(file, step.done);
  const ms = (performance.now() - startedAt).toFixed(1);
  const [first = "", ...others] = step.commands;
  const command = others.length === 0 ? first : `${first} (+ ${others.length})`;
  tell(`${ms.padStart(6)}  ${command.padEnd(62)}  ${difference(before, settled)}`);
  tell(`${" ".repeat(8)}${step.note}`);
  await sleep(400);
}

function difference(before: CloudTable, after: CloudTable): string {
  const parts: string[] = [];
  for (const [prefix, hop] of after) {
    const old = before.get(prefix);
    if (old === undefined) parts.push(`+ ${prefix} → ${hop}`);
    else if (old !== hop) parts.push(`~ ${prefix} ${old} → ${hop}`);
  }
  for (const prefix of before.keys()) if (!after.has(prefix)) parts.push(`- ${prefix}`);
  const [first, ...others] = parts;
  if (first === undefined) return "nothing";
  return others.length === 0 ? first : `${first} (+ ${others.length})`;
}

/** Reads the table over and over until it is as wanted. */
async function until(file: string, done: (table: CloudTable) => boolean): Promise<CloudTable> {
  const deadline = performance.now() + stepTimeoutMs;
  while (performance.now() < deadline) {
    const table = await readTable(file);
    if (done(table)) return table;
    await sleep(1);
  }
  throw new Error(`The table did not become right within ${stepTimeoutMs / 1000} s`);
}

async function readTable(file: string): Promise<CloudTable> {
  const { routes } = JSON.parse(await Deno.readTextFile(file)) as {
    // The demo wrote the first version itself, and the program validates what it writes.
    routes: readonly { readonly prefix: string; readonly nextHop: string }[];
  };
  return new Map(routes.map(({ prefix, nextHop }) => [prefix, nextHop]));
}

/** One `ip -batch` for all steps, so that no time is spent on starting processes. */
class Kernel implements Disposable {
  readonly #process = new Deno.Command("ip", { args: ["-batch", "-"], stdin: "piped", stdout: "null" })
    .spawn();
  readonly #writer = this.#process.stdin.getWriter();

  async run(commands: readonly string[]): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(commands.map((line) => `${line}\n`).join("")));
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

function tell(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await show());
