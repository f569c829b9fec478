/**
 * Measures what one command costs on a router with a full Internet table: time against the C program's dump of the same table, and peak
 * memory. Needs gcc, iproute2, python3 and namespaces.
 *
 * `deno run --allow-all tests/bench/command_cost.ts [ROUTES]` prints all commands.
 */

import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { type Figure, figuresText } from "./figure.ts";

/** What a command may cost. */
export interface CommandLimit {
  /** Command and flags, without those of the embedded cloud. */
  readonly command: readonly string[];
  /** Times what the C program takes, both as whole processes. */
  readonly times: number;
  /** Peak resident memory, MB. */
  readonly megabytes: number;
}

/** Routes of the table that the commands below want. */
const wantedRoutes = 256;
const include = ["-include", "198.18.0.0/15+"];

/** The commands, with a million kernel routes of which 256 are wanted. */
export const commandLimits: readonly CommandLimit[] = [
  { command: ["routes", "-count"], times: 1.6, megabytes: 130 },
  { command: ["plan", ...include], times: 4, megabytes: 160 },
  { command: ["plan", "-protocol", "static"], times: 6, megabytes: 160 },
  { command: ["plan", ...include, "-output", "json"], times: 6, megabytes: 160 },
  { command: ["explain", ...include, "198.18.7.0/24"], times: 4, megabytes: 130 },
  { command: ["routes"], times: 15, megabytes: 200 },
  { command: ["routes", "-output", "json"], times: 15, megabytes: 200 },
];

/** What a program has cost. */
export interface Cost {
  /** The least of all rounds, from start to end. */
  readonly ms: number;
  /** User and system time, the least of all rounds. */
  readonly cpuMs: number;
  /** The most of all rounds. */
  readonly megabytes: number;
}

/** Deno does not tell a child's peak memory, Python does (wait4(2)). Standard output is read and thrown away. */
const measureScript = `
import json, os, sys, time
ms, cpu, peak = [], [], []
for _ in range(int(sys.argv[1])):
    read, write = os.pipe()
    start = time.monotonic()
    child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
    os.close(write)
    while os.read(read, 1 << 20): pass
    os.close(read)
    _, status, use = os.wait4(child, 0)
    ms.append((time.monotonic() - start) * 1000)
    cpu.append((use.ru_utime + use.ru_stime) * 1000)
    peak.append(use.ru_maxrss / 1024)
    if os.waitstatus_to_exitcode(status) not in (0, 2): sys.exit("it ended with status %d" % status)
print(json.dumps({"ms": min(ms), "cpuMs": min(cpu), "megabytes": max(peak)}))
`;

/** Runs a program several times inside a namespace. */
export async function costOf(
  namespace: Namespace,
  program: readonly string[],
  rounds: number,
): Promise<Cost> {
  return JSON.parse(await namespace.must(["python3", "-c", measureScript, `${rounds}`, ...program])) as Cost;
}

/** Puts the routes into a namespace: BGP's, and {@linkcode wantedRoutes} static ones. */
export async function fillTable(namespace: Namespace, routes: number): Promise<void> {
  await namespace.veth("a0", "a1", "10.0.0.1/16");
  const lines = function* (): Generator<string> {
    for (let index = 0; index < routes; index++) {
      const isWanted = index >= routes - wantedRoutes;
      const of = isWanted ? index - (routes - wantedRoutes) : index;
      const first = isWanted ? "198.18" : `${11 + (of >> 16)}.${(of >> 8) & 255}`;
      const gateway = `10.0.${(of % 300) >> 8}.${2 + of % 200}`;
      yield `route add ${first}.${of & 255}.0/24 via ${gateway} proto ${
        isWanted ? "static" : "bgp"
      } metric 20`;
    }
  };
  await namespace.batch([...lines()]);
}

/** One command against the C program, which runs just before it: a machine is not the same from minute to minute. */
export async function measureCommand(
  namespace: Namespace,
  program: string,
  binary: string,
  limit: CommandLimit,
  folder: string,
): Promise<Figure> {
  const [name = "", ...flags] = limit.command;
  const cloud = name === "routes"
    ? []
    : ["-cloud", "local", "-local-file", `${folder}/cloud.json`, "-self", "10.0.0.1/16"];
  const c = await costOf(namespace, [program], 5);
  const own = await costOf(namespace, [binary, name, ...cloud, ...flags], 3);
  return {
    what: limit.command.join(" "),
    value: `${own.ms.toFixed(0)} ms, ${(own.ms / c.ms).toFixed(2)} x C (CPU ${
      (own.cpuMs / c.cpuMs).toFixed(2)
    } x), peak ${own.megabytes.toFixed(0)} MB`,
    limit: `${limit.times} x, ${limit.megabytes} MB`,
  };
}

/** Measures all commands. @param routes how many the kernel has. */
export async function commandFigures(routes = 1_000_000): Promise<readonly Figure[]> {
  const binary = await binaryPath();
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/dump`;
    const source = new URL("kernel_dump.c", import.meta.url).pathname;
    const { success } = await new Deno.Command("gcc", { args: ["-O2", "-o", program, source] }).output();
    if (!success) throw new Error("Cannot compile kernel_dump.c: is gcc there?");
    await using namespace = await Namespace.create();
    await fillTable(namespace, routes);
    const figures: Figure[] = [];
    for (const limit of commandLimits) {
      await Deno.writeTextFile(`${folder}/cloud.json`, '{"version": 0, "quota": 1000, "routes": []}');
      figures.push(await measureCommand(namespace, program, binary, limit, folder));
    }
    return figures;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const figures = await commandFigures(Number(Deno.args[0] ?? 1_000_000));
  await Deno.stdout.write(new TextEncoder().encode(figuresText(figures)));
}
