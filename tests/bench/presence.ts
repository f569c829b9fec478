/**
 * What it costs to have the program on a router: resident memory and idle CPU time on each cloud's test server.
 *
 * `deno task bench presence` prints them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { openBgpCloud, serversMissing } from "../demo/bgp_clouds.ts";
import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { numbered } from "../system/router_vm.ts";
import { patienceMs, until } from "../system/until.ts";

/** Clouds in the order of the table. */
export const presentClouds = ["local", "openstack", "gcp", "azure", "aws"] as const;

/** One of {@linkcode presentClouds}. */
export type PresentCloud = typeof presentClouds[number];

/** As tables name them. */
export const cloudLabels: Readonly<Record<PresentCloud, string>> = {
  local: "embedded",
  openstack: "OpenStack",
  gcp: "Google Cloud",
  azure: "Azure",
  aws: "AWS",
};

/** What being there costs. Memory in MB (10^6 bytes), as `/proc/PID/status` has it. */
export interface Presence {
  readonly residentMb: number;
  /** The part that no other process shares: heap, stacks, compiled code. */
  readonly anonymousMb: number;
  readonly peakMb: number;
  /** User and system time a minute, milliseconds; null if not measured. */
  readonly idleMsAMinute: number | null;
  /** From its start to the routes in the cloud, milliseconds. */
  readonly firstRouteMs: number;
}

const routeCount = 20;

/** V8 collects garbage 20 to 35 s after a program has got idle, and gives memory back. */
const untilIdleMs = 45_000;

/** Why a cloud cannot be measured here, or null. */
export function presenceMissing(cloud: PresentCloud): string | null {
  return cloud === "local" ? null : serversMissing(cloud);
}

/**
 * Starts the program with 20 routes, and looks at it once it is idle.
 *
 * @param modeFlags such as `-event`.
 * @param seconds how long idle CPU time is measured; 0: not at all, and memory is read at once.
 */
export async function presenceOn(
  cloud: PresentCloud,
  modeFlags: readonly string[],
  seconds: number,
): Promise<Presence> {
  const binary = await binaryPath();
  await using scene = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  scene.defer(() => Deno.remove(folder, { recursive: true }));
  const server = cloud === "local" ? null : scene.use(await openBgpCloud(cloud));
  const namespace = scene.use(await Namespace.create());
  const { router, length } = server?.addresses ?? { router: "10.0.0.2", length: 24 };
  await namespace.veth("eth0", "fabric0", `${router}/${length}`);
  await namespace.veth("wan0", "peer0", "172.31.0.1/24");
  if (server !== null) scene.use(await server.reach(namespace));
  await namespace.batch(numbered(routeCount).map((prefix) => `route add ${prefix} via 172.31.0.5 proto bgp`));
  const table = `${folder}/cloud.json`;
  const flags = server === null ? ["-local-file", table] : [];
  const startedAt = performance.now();
  const command = [binary, ...modeFlags, "-cloud", cloud, "-state", folder, ...flags];
  const run = namespace.spawn(["env", `--chdir=${folder}`, ...command], {
    env: { ...server?.environment },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  scene.defer(async () => {
    run.kill("SIGKILL");
    await run.status;
  });
  const read = (): Promise<number> => routesIn(server?.read ?? null, table);
  await until(`${cloud} has the routes`, async () => await read() >= routeCount, patienceMs, 10);
  const firstRouteMs = performance.now() - startedAt;
  if (seconds > 0) await sleep(untilIdleMs);
  else await sleep(500);
  const before = await cpuMsOf(run.pid);
  await sleep(seconds * 1000);
  const used = await cpuMsOf(run.pid) - before;
  const status = await Deno.readTextFile(`/proc/${run.pid}/status`);
  const megabytes = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? NaN) * 1.024e-3;
  return {
    residentMb: megabytes("VmRSS"),
    anonymousMb: megabytes("RssAnon"),
    peakMb: megabytes("VmHWM"),
    firstRouteMs,
    idleMsAMinute: seconds === 0 ? null : used * 60 / seconds,
  };
}

/** How many routes there are. */
async function routesIn(
  read: (() => Promise<ReadonlyMap<string, string>>) | null,
  file: string,
): Promise<number> {
  if (read !== null) return (await read()).size;
  try {
    return (JSON.parse(await Deno.readTextFile(file)) as { readonly routes: readonly unknown[] }).routes
      .length;
  } catch {
    return 0;
  }
}

/** User and system time of a process and its threads, milliseconds, to the nanosecond (`/proc/PID/schedstat` of each). */
export async function cpuMsOf(pid: number): Promise<number> {
  let nanoseconds = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const [ran = "0"] = (await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`)).split(" ");
    nanoseconds += Number(ran);
  }
  return nanoseconds / 1e6;
}
