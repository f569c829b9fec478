/**
 * Measures what one command costs on a router with a full Internet table: time against the C program's dump of the same table, and peak
 * memory. Needs gcc, iproute2, python3 and namespaces.
 */

import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { costsOf } from "./cost.ts";
import { spreadOf } from "./figure.ts";
import { cDump } from "./peers.ts";

/** What a command may cost. */
export interface CommandLimit {
  /** Command and flags, without those of the embedded cloud. */
  readonly command: readonly string[];
  /** Times what the C program takes, both as whole processes. */
  readonly times: number;
  /** Peak resident memory, MB. */
  readonly megabytes: number;
}

/** What a command costs; medians. */
export interface CommandFigure {
  readonly command: string;
  /** Milliseconds, from start to end. */
  readonly ms: number;
  /** Against the C program, which takes turns with it. */
  readonly timesC: number;
  readonly cpuTimesC: number;
  /** MB (10^6 bytes). */
  readonly peakMb: number;
  readonly limit: { readonly timesC: number; readonly peakMb: number };
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
): Promise<CommandFigure> {
  const [name = "", ...flags] = limit.command;
  const cloud = name === "routes"
    ? []
    : ["-cloud", "local", "-local-file", `${folder}/cloud.json`, "-self", "10.0.0.1/16"];
  const [c, own] = await costsOf(namespace, [[program], [binary, name, ...cloud, ...flags]], 5);
  if (c === undefined || own === undefined) throw new Error("Cannot measure: the script printed nothing");
  const median = (values: readonly number[]): number => spreadOf(values).median;
  return {
    command: limit.command.join(" "),
    ms: median(own.ms),
    timesC: median(own.ms) / median(c.ms),
    cpuTimesC: median(own.cpuMs) / median(c.cpuMs),
    peakMb: own.peakMb,
    limit: { timesC: limit.times, peakMb: limit.megabytes },
  };
}

/** Measures all commands. @param routes how many the kernel has. */
export async function commandFigures(routes = 1_000_000): Promise<readonly CommandFigure[]> {
  const binary = await binaryPath();
  const folder = await Deno.makeTempDir();
  try {
    const [program = ""] = await cDump();
    await using namespace = await Namespace.create();
    await fillTable(namespace, routes);
    const figures: CommandFigure[] = [];
    for (const limit of commandLimits) {
      await Deno.writeTextFile(`${folder}/cloud.json`, '{"version": 0, "quota": 1000, "routes": []}');
      figures.push(await measureCommand(namespace, program, binary, limit, folder));
    }
    return figures;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
