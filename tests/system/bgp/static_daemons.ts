/** FRR's zebra with staticd, and BIRD, as routers whose routes are written down: what BGP or EVPN would put into the kernel, without a peer. */

import { exists } from "../../fakes/files.ts";
import { daemonsMissing } from "../../demo/bgp_daemons.ts";
import type { Namespace } from "../namespace.ts";
import { until } from "../until.ts";

export { daemonsMissing };

/** One route as both daemons can have it. */
export interface StaticRoute {
  readonly prefix: string;
  /** Gateways; several make a multipath route. */
  readonly via: readonly string[];
  /** The device, with the gateway taken to be on its link: FRR's form for EVPN. */
  readonly onLink?: string;
  /** Whether the daemon is to find the way to the gateway by its other routes. */
  readonly recursive?: boolean;
}

/** A daemon whose routes can be changed. */
export interface StaticDaemon extends AsyncDisposable {
  /** Gives it these routes in place of those that it had. */
  route(routes: readonly StaticRoute[]): Promise<void>;
}

/** Starts a daemon without routes. */
export type StartStatic = (namespace: Namespace) => Promise<StaticDaemon>;

/** A folder of its own and the processes that use it. */
class Processes implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "cloudroutesync-static-" });
  readonly #namespace: Namespace;
  readonly #children: Deno.ChildProcess[] = [];

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  async start(args: readonly string[], socket: string): Promise<void> {
    this.#children.push(
      this.#namespace.spawn(args, { stdin: "null", stdout: "null", stderr: "null" }),
    );
    await until(`${args[0]} opens ${socket}`, () => exists(`${this.folder}/${socket}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) {
      child.kill("SIGTERM");
      await child.status;
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Starts zebra and staticd. */
export const startFrrStatic: StartStatic = async (namespace) => {
  const processes = new Processes(namespace);
  const { folder } = processes;
  for (const name of ["zebra", "staticd"]) await Deno.writeTextFile(`${folder}/${name}.conf`, "");
  // FRR gives up root for the user that its package has made.
  await namespace.must(["chown", "-R", "frr:frr", folder]);
  for (const [name, socket] of [["zebra", "zserv.api"], ["staticd", "staticd.vty"]] as const) {
    const common = ["-z", `${folder}/zserv.api`, "--vty_socket", folder, "--log", "stdout"];
    await processes.start(
      [`/usr/lib/frr/${name}`, ...common, "-i", `${folder}/${name}.pid`, "-f", `${folder}/${name}.conf`],
      socket,
    );
  }
  let lines: readonly string[] = [];
  return {
    async route(routes): Promise<void> {
      const next = routes.flatMap(({ prefix, via, onLink }) =>
        via.map((gateway) =>
          `ip route ${prefix} ${gateway}${onLink === undefined ? "" : ` ${onLink} onlink`}`
        )
      );
      const old = lines.filter((line) => !next.includes(line)).map((line) => `no ${line}`);
      const added = next.filter((line) => !lines.includes(line));
      lines = next;
      await Deno.writeTextFile(`${folder}/change.conf`, [...added, ...old, ""].join("\n"));
      await namespace.must(["vtysh", "--vty_socket", folder, "-d", "staticd", "-f", `${folder}/change.conf`]);
    },
    [Symbol.asyncDispose]: () => processes[Symbol.asyncDispose](),
  };
};

/** Starts BIRD. */
export const startBirdStatic: StartStatic = async (namespace) => {
  const processes = new Processes(namespace);
  const { folder } = processes;
  await Deno.writeTextFile(`${folder}/bird.conf`, birdConfiguration([]));
  const files = ["-c", `${folder}/bird.conf`, "-s", `${folder}/bird.ctl`, "-P", `${folder}/bird.pid`];
  await processes.start(["/usr/sbin/bird", "-f", ...files], "bird.ctl");
  return {
    async route(routes): Promise<void> {
      await Deno.writeTextFile(`${folder}/bird.conf`, birdConfiguration(routes));
      await namespace.must(["/usr/sbin/birdc", "-s", `${folder}/bird.ctl`, "configure"]);
    },
    [Symbol.asyncDispose]: () => processes[Symbol.asyncDispose](),
  };
};

function birdConfiguration(routes: readonly StaticRoute[]): string {
  const lines = routes.map(({ prefix, via, onLink, recursive }) => {
    const device = onLink === undefined ? "" : `%${onLink} onlink`;
    const ways = via.map((gateway) => recursive ? `recursive ${gateway}` : `via ${gateway}${device}`);
    return `  route ${prefix} ${ways.join(" ")};`;
  });
  return [
    "router id 10.0.0.4;",
    "protocol device { scan time 1; }",
    "protocol direct { ipv4; }",
    `protocol static written {\n  ipv4;\n${lines.join("\n")}\n}`,
    "protocol kernel { ipv4 { export where source = RTS_STATIC; }; merge paths on; scan time 5; }",
    "",
  ].join("\n");
}
