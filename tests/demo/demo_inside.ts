/**
 * The show of `deno task demo`, inside its namespace: interfaces and routes by iproute2, the real program with
 * `-cloud local -event`, and a line for each kernel change with what the cloud's table did and how long it took.
 */

import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { type CloudTable, type Step, steps } from "./demo_steps.ts";

const mainModule = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** No step takes longer; the whole ends in under 20 s. */
const stepTimeoutMs = 5_000;

const stage =
  `A VM with eth0 (10.0.0.2/24) and a tunnel, in a network namespace of its own. iproute2 writes to the kernel what
routing daemons would; a JSON file is the cloud's route table; cloudroutesync runs between them. 10 s.
`;

const next = `
Next, on this machine (both only read):
  npx -y deno@2.9.6 task compile          makes dist/cloudroutesync
  dist/cloudroutesync routes              each kernel route, and why it is wanted or not
  dist/cloudroutesync plan -cloud local   what would change in an empty table
With FRR, BIRD and the test servers of four clouds (root): npx -y deno@2.9.6 task demo:bgp`;

async function show(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-demo-" });
  const file = `${folder}/cloud.json`;
  try {
    await prepare(file);
    tell(stage);
    tell(line("after", "who does what", "what changes in the cloud's table, and why"));
    const code = await play(file);
    const table = await readTable(file);
    const kept = table.get("10.99.0.0/16") === "10.0.0.250";
    tell(
      line(
        "",
        "systemd stops cloudroutesync",
        `nothing: ${table.size - 1} routes stay, and the operator's own`,
      ),
    );
    tell(next);
    return code === 0 && kept ? 0 : 1;
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the program through all steps. @returns its exit code. @throws {Error} with its log if it fails. */
async function play(file: string): Promise<number> {
  using kernel = new Kernel();
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", mainModule, "-cloud", "local", "-local-file", file, "-event"],
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
  }).spawn();
  const log = new Response(program.stderr).text();
  try {
    await until(file, (table) => table.has("192.0.2.0/24"));
    for (const step of steps) await perform(step, kernel, file);
    program.kill("SIGTERM");
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${await endedLog(program, log)}`);
  }
  return (await program.status).code;
}

/** Ends a program that may have ended, and returns its log. */
async function endedLog(program: Deno.ChildProcess, log: Promise<string>): Promise<string> {
  try {
    program.kill("SIGKILL");
  } catch (error) {
    // What Deno throws for a process that has ended.
    if (!(error instanceof TypeError)) throw error;
  }
  return await log;
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
  for (const command of setup) await new Deno.Command("ip", { args: command.split(" ") }).output();
  const foreign = { prefix: "10.99.0.0/16", nextHop: "10.0.0.250", owner: "operator" };
  await Deno.writeTextFile(file, JSON.stringify({ version: 1, quota: 500, routes: [foreign] }));
}

async function perform(step: Step, kernel: Kernel, file: string): Promise<void> {
  const before = await readTable(file);
  const startedAt = performance.now();
  await kernel.run(step.commands);
  if (step.watchMs !== undefined) await sleep(step.watchMs);
  const settled = await until(file, step.done);
  // How long was looked at what must not happen says nothing.
  const time = step.watchMs === undefined ? `${(performance.now() - startedAt).toFixed(0)} ms` : "";
  const did = [difference(before, settled), step.note].filter((part) => part !== "").join(": ");
  tell(line(time, `${step.who} ${step.what}`, did));
  await sleep(400);
}

function line(time: string, actor: string, program: string): string {
  return `${time.padStart(7)}  ${actor.padEnd(48)}  ${program}`;
}

function difference(before: CloudTable, after: CloudTable): string {
  const parts: string[] = [];
  for (const [prefix, hop] of after) {
    const old = before.get(prefix);
    if (old === undefined) parts.push(`+ ${prefix} → ${hop}`);
    else if (old !== hop) parts.push(`~ ${prefix} → ${hop}`);
  }
  for (const prefix of before.keys()) if (!after.has(prefix)) parts.push(`- ${prefix}`);
  const [first, ...others] = parts;
  if (first === undefined) return "nothing";
  return others.length === 0 ? first : `${first} and ${others.length} more`;
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
    await this.#writer.write(new TextEncoder().encode(commands.map((command) => `${command}\n`).join("")));
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

function tell(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await show());
