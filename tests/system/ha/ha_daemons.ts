/** Starts what README's configurations are for: FRR, BIRD or keepalived, on a router in a namespace. */

import { until } from "../until.ts";
import type { Namespace } from "../namespace.ts";
import { exists } from "../../fakes/files.ts";
import type { HaDaemonName } from "./readme_config.ts";

const frrFolder = "/usr/lib/frr";
/** zebra first: the others speak to it. */
const frrDaemons = ["zebra", "staticd", "bfdd", "bgpd"] as const;
/** A machine that is busy with other tests must not delay them: late packets are what BFD and VRRP take for a death. */
const inRealTime = ["chrt", "--fifo", "20"] as const;

/** A daemon's processes. */
export class HaDaemon implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    private readonly children: readonly Deno.ChildProcess[],
  ) {}

  /** Starts a daemon with a configuration. */
  static async start(name: HaDaemonName, namespace: Namespace, configuration: string): Promise<HaDaemon> {
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-ha-" });
    await Deno.writeTextFile(`${folder}/conf`, configuration);
    const children: Deno.ChildProcess[] = [];
    const spawn = (command: readonly string[]): void => {
      const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
      children.push(namespace.spawn([...inRealTime, ...command], quiet));
    };
    switch (name) {
      case "frr":
        await startFrr(namespace, folder, spawn);
        break;
      case "bird":
        spawn([
          "/usr/sbin/bird",
          ...["-f", "-c", `${folder}/conf`, "-s", `${folder}/bird.ctl`, "-P", `${folder}/bird.pid`],
        ]);
        break;
      case "keepalived":
        spawn([
          "/usr/sbin/keepalived",
          ...["--dont-fork", "--vrrp", "--log-console", "-f", `${folder}/conf`],
          ...["-p", `${folder}/pid`, "-r", `${folder}/vrrp.pid`],
        ]);
        break;
    }
    return new HaDaemon(folder, children);
  }

  /** Ends all its processes where they stand, children included. */
  async kill(): Promise<void> {
    for (const child of this.children) {
      for (const pid of await descendants(child.pid)) killed(pid);
      killed(child.pid);
      await child.status;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** FRR's own way: the daemons first, then vtysh hands each what is its part of frr.conf. */
async function startFrr(
  namespace: Namespace,
  folder: string,
  spawn: (command: readonly string[]) => void,
): Promise<void> {
  // FRR gives up root for the user that its package has made.
  await namespace.must(["chown", "-R", "frr:frr", folder]);
  for (const name of frrDaemons) {
    spawn([
      `${frrFolder}/${name}`,
      ...["-z", `${folder}/zserv.api`, "--vty_socket", folder, "-i", `${folder}/${name}.pid`],
      ...["-f", "/dev/null", "--log", "stdout"],
      ...(name === "bfdd" ? ["--bfdctl", `${folder}/bfdd.sock`] : []),
    ]);
    await until(`${name} opens its socket`, () => exists(`${folder}/${name}.vty`));
  }
  await namespace.must(["vtysh", "--vty_socket", folder, "-f", `${folder}/conf`]);
}

/** keepalived does its work in a child. */
async function descendants(pid: number): Promise<readonly number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  const own = text.split(" ").filter((part) => part !== "").map(Number);
  return [...(await Promise.all(own.map(descendants))).flat(), ...own];
}

function killed(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
