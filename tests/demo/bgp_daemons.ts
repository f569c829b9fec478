/** Routing daemons of the BGP demo: FRR or BIRD, one on the router, one on the VM. */

import { exists } from "../fakes/files.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { Namespace } from "../system/namespace.ts";

/** Which daemon to start. */
export type DaemonName = "frr" | "bird";

/** Whom a speaker speaks to. */
export interface Peer {
  readonly address: string;
  readonly system: number;
}

/** One speaker. */
export interface Speaker extends Peer {
  readonly namespace: Namespace;
  readonly peers: readonly Peer[];
  /** Networks to announce besides the addresses of its loopback. */
  readonly networks: readonly string[];
  /** How many times more than once its announcements name its own system: the more, the less they are liked. */
  readonly prepends: number;
  /** Whether it puts what it learns into the kernel. */
  readonly installs: boolean;
}

/** Looks for zebra's socket, 50 ms apart. */
const mostTries = 200;
const frrFolder = "/usr/lib/frr";

/** Where the daemons are missing, a sentence that says so; null if they are here. */
export async function daemonsMissing(): Promise<string | null> {
  if (Deno.uid() !== 0) return "routing daemons need root";
  for (const [path, name] of [[`${frrFolder}/bgpd`, "frr"], ["/usr/sbin/bird", "bird2"]] as const) {
    try {
      await Deno.stat(path);
    } catch {
      return `Debian's package ${name} is not installed`;
    }
  }
  return null;
}

/** A running daemon; disposing of it ends it as an operator would, so that it takes its routes with it. */
export class Daemon implements AsyncDisposable {
  private constructor(
    private readonly name: DaemonName,
    private readonly namespace: Namespace,
    private readonly children: readonly Deno.ChildProcess[],
    private readonly folder: string,
  ) {}

  /** Starts a daemon for a speaker. */
  static async start(name: DaemonName, speaker: Speaker): Promise<Daemon> {
    if (name === "bird") return await Daemon.bird(speaker.namespace, birdConfiguration(speaker));
    const folder = await makeFolder();
    return new Daemon(name, speaker.namespace, await startFrr(speaker, folder), folder);
  }

  /** Starts BIRD with a configuration that is more than a speaker's. */
  static async bird(namespace: Namespace, configuration: string): Promise<Daemon> {
    const folder = await makeFolder();
    return new Daemon("bird", namespace, await startBird(namespace, configuration, folder), folder);
  }

  /** Lets it go on as another speaker, as an operator who edits its configuration; FRR forgets no line that it has. */
  async reload(speaker: Speaker): Promise<void> {
    const { namespace, folder } = this;
    if (this.name === "bird") {
      await Deno.writeTextFile(`${folder}/bird.conf`, birdConfiguration(speaker));
      await namespace.must(["/usr/sbin/birdc", "-s", `${folder}/bird.ctl`, "configure"]);
    } else {
      await Deno.writeTextFile(`${folder}/bgpd.conf`, frrConfiguration(speaker));
      await namespace.must(["vtysh", "--vty_socket", folder, "-d", "bgpd", "-f", `${folder}/bgpd.conf`]);
    }
  }

  /** Ends it with a signal and waits for it. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    for (const child of this.children.toReversed()) {
      try {
        child.kill(signal);
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
      await child.status;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function makeFolder(): Promise<string> {
  return Deno.makeTempDir({ prefix: "cloudroutesync-bgp-" });
}

async function startFrr(speaker: Speaker, folder: string): Promise<readonly Deno.ChildProcess[]> {
  await Deno.writeTextFile(
    `${folder}/zebra.conf`,
    speaker.installs ? "" : "ip protocol bgp route-map none\n",
  );
  await Deno.writeTextFile(`${folder}/bgpd.conf`, frrConfiguration(speaker));
  // FRR gives up root for the user that its package has made.
  await own(speaker.namespace, folder);
  const start = (name: string): Deno.ChildProcess =>
    speaker.namespace.spawn([
      `${frrFolder}/${name}`,
      ...["-z", `${folder}/zserv.api`, "--vty_socket", folder],
      ...["-i", `${folder}/${name}.pid`, "-f", `${folder}/${name}.conf`, "--log", "stdout"],
    ], { stdin: "null", stdout: "null", stderr: "null" });
  const zebra = start("zebra");
  for (let tries = 0; !await exists(`${folder}/zserv.api`); tries++) {
    if (tries === mostTries) throw new Error("Cannot start zebra: it opened no socket within 10 s");
    await sleep(50);
  }
  return [zebra, start("bgpd")];
}

async function own(namespace: Namespace, folder: string): Promise<void> {
  await namespace.must(["chown", "-R", "frr:frr", folder]);
}

function frrConfiguration(speaker: Speaker): string {
  return [
    `router bgp ${speaker.system}`,
    ` bgp router-id ${speaker.address}`,
    " no bgp ebgp-requires-policy",
    " no bgp network import-check",
    ...speaker.peers.flatMap(({ address, system }) => [
      ` neighbor ${address} remote-as ${system}`,
      ` neighbor ${address} timers 1 3`,
      ` neighbor ${address} timers connect 1`,
    ]),
    " address-family ipv4 unicast",
    ...(speaker.installs ? [] : ["  redistribute connected"]),
    ...speaker.networks.map((network) => `  network ${network}`),
    ...speaker.peers.map(({ address }) => `  neighbor ${address} route-map outward out`),
    " exit-address-family",
    "exit",
    "bgp route-map delay-timer 1",
    "route-map outward permit 10",
    ...(speaker.prepends === 0 ? [] : [` set as-path prepend ${ownSystems(speaker, " ")}`]),
    "",
  ].join("\n");
}

function ownSystems({ system, prepends }: Speaker, between: string): string {
  return Array<number>(prepends).fill(system).join(between);
}

async function startBird(
  namespace: Namespace,
  configuration: string,
  folder: string,
): Promise<readonly Deno.ChildProcess[]> {
  const file = `${folder}/bird.conf`;
  await Deno.writeTextFile(file, configuration);
  const args = ["/usr/sbin/bird", "-f", "-c", file, "-s", `${folder}/bird.ctl`, "-P", `${folder}/bird.pid`];
  return [namespace.spawn(args, { stdin: "null", stdout: "null", stderr: "null" })];
}

function birdConfiguration(speaker: Speaker): string {
  const statics = speaker.networks.map((network) => `  route ${network} blackhole;`);
  return [
    `router id ${speaker.address};`,
    "protocol device { scan time 1; }",
    'protocol direct { ipv4; interface "lo"; }',
    `protocol static announced {\n  ipv4;\n${statics.join("\n")}\n}`,
    `protocol kernel { ipv4 { export ${
      speaker.installs ? "where source = RTS_BGP" : "none"
    }; }; scan time 5; }`,
    `filter outward {\n${`  bgp_path.prepend(${speaker.system});\n`.repeat(speaker.prepends)}  accept;\n}`,
    ...speaker.peers.flatMap(({ address, system }) => [
      "protocol bgp {",
      `  local ${speaker.address} as ${speaker.system};`,
      `  neighbor ${address} as ${system};`,
      "  hold time 9; connect delay time 1; connect retry time 1; error wait time 1, 2;",
      `  ipv4 { import all; export ${speaker.installs ? "none" : "filter outward"}; next hop self; };`,
      "}",
    ]),
    "",
  ].join("\n");
}
