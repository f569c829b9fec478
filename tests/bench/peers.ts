/**
 * What else reads the kernel's routes: libraries and programs that a user could pick. Each is a folder below `peers/`, fetched and built
 * into the cache; what cannot be had is left out with a word.
 */

import { join } from "node:path";
import { cacheFolder } from "../../.ci/denort.ts";
import { repository } from "../../.ci/compile.ts";
import { run } from "../../.ci/shell.ts";
import { programMissing } from "../needs.ts";

/** One of them. */
export interface Peer {
  /** As the table names it. */
  readonly name: string;
  /** Makes it. @returns the command that reads all routes, given how many there are. @throws {Error} if it cannot be had here. */
  readonly prepare: () => Promise<(routes: number) => readonly string[]>;
  /** More routes than these would take minutes. */
  readonly most: number;
}

const folders = join(import.meta.dirname ?? ".", "peers");

function built(name: string): string {
  return join(cacheFolder(repository), "bench", name);
}

/** @throws {Error} with the sentence about what is missing. */
function need(...missing: readonly (string | null)[]): void {
  const why = missing.find((reason) => reason !== null);
  if (why !== undefined && why !== null) throw new Error(why);
}

async function buildC(name: string): Promise<string> {
  need(programMissing("gcc"));
  await Deno.mkdir(built(""), { recursive: true });
  await run(["gcc", "-O2", "-pthread", "-o", built(name), join(folders, "c", `${name}.c`)]);
  return built(name);
}

/** The yardstick: the C program that decodes and stores. @returns its command. */
export async function cDump(): Promise<readonly string[]> {
  return [await buildC("kernel_dump")];
}

/** The C program that hears of changes. @returns its path. */
export async function cLatency(): Promise<string> {
  return await buildC("kernel_latency");
}

async function buildGo(name: string): Promise<() => readonly string[]> {
  need(programMissing("go", "golang"));
  const folder = join(folders, name);
  await run(["go", "build", "-C", folder, "-trimpath", "-o", built(name), "."]);
  return () => [built(name)];
}

async function buildRust(): Promise<() => readonly string[]> {
  need(programMissing("cargo"));
  const target = built("rust_target");
  const manifest = join(folders, "rust_rtnetlink", "Cargo.toml");
  const flags = ["--quiet", "--release", "--manifest-path", manifest, "--target-dir", target];
  await run(["cargo", "build", ...flags]);
  return () => [join(target, "release", "rust_rtnetlink")];
}

async function installPython(): Promise<() => readonly string[]> {
  need(programMissing("python3"));
  const venv = built("pyroute2");
  const python = join(venv, "bin", "python");
  await run(["python3", "-m", "venv", venv]);
  const requirements = join(folders, "python_pyroute2", "requirements.txt");
  await run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  return () => [python, join(folders, "python_pyroute2", "dump.py")];
}

function ofMachine(
  missing: string | null,
  command: (routes: number) => readonly string[],
): Peer["prepare"] {
  return () => {
    need(missing);
    return Promise.resolve(command);
  };
}

const unlimited = Infinity;

/** All of them, in the order of the table; the yardstick is not among them. */
export const peers: readonly Peer[] = [
  {
    name: "C, decodes alone",
    most: unlimited,
    prepare: async () => {
      const command = await cDump();
      return () => [...command, "decode"];
    },
  },
  { name: "Rust, rtnetlink", most: unlimited, prepare: buildRust },
  { name: "Go, jsimonetti/rtnetlink", most: unlimited, prepare: () => buildGo("go_jsimonetti") },
  { name: "Go, vishvananda/netlink", most: unlimited, prepare: () => buildGo("go_vishvananda") },
  {
    name: "BIRD, learn",
    most: unlimited,
    prepare: ofMachine(
      programMissing("bird", "bird2"),
      (routes) => [join(folders, "bird", "learn.sh"), `${routes}`],
    ),
  },
  {
    name: "ip route",
    most: unlimited,
    prepare: ofMachine(programMissing("ip", "iproute2"), () => ["ip", "route"]),
  },
  {
    name: "ip -j route",
    most: unlimited,
    prepare: ofMachine(programMissing("ip", "iproute2"), () => ["ip", "-j", "route"]),
  },
  { name: "Python, pyroute2", most: 10_000, prepare: installPython },
];
