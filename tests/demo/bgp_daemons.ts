/** Routing daemons of the BGP demo: FRR or BIRD, one on the router, one on the VM. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Namespace } from "../system/namespace.ts";

/** Which daemon to start. */
export type DaemonName = "frr" | "bird";

/** One speaker. */
export interface Speaker {
  readonly namespace: Namespace;
  readonly address: string;
  readonly system: number;
  readonly peerAddress: string;
  readonly peerSystem: number;
  /** Networks to announce besides the addresses of its loopback. */
  readonly networks: readonly string[];
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
  readonly #children: readonly Deno.ChildProcess[];
  readonly #folder: string;

  private constructor(children: readonly Deno.ChildProcess[], folder: string) {
    this.#children = children;
    this.#folder = folder;
  }

  /** Starts a daemon for a speaker. */
  static async start(name: DaemonName, speaker: Speaker): Promise<Daemon> {
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-bgp-" });
    const children = name === "frr" ? await startFrr(speaker, folder) : await startBird(speaker, folder);
    return new Daemon(children, folder);
  }

  /** Ends it with a signal and waits for it. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    for (const child of [...this.#children].reverse()) {
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
    await Deno.remove(this.#folder, { recursive: true });
  }
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
    ` neighbor ${speaker.peerAddress} remote-as ${speaker.peerSystem}`,
    ` neighbor ${speaker.peerAddress} timers 1 3`,
    ` neighbor ${speaker.peerAddress} timers connect 1`,
    " address-family ipv4 unicast",
    ...(speaker.installs ? [] : ["  redistribute connected"]),
    ...speaker.networks.map((network) => `  network ${network}`),
    " exit-address-family",
    "",
  ].join("\n");
}

async function startBird(speaker: Speaker, folder: string): Promise<readonly Deno.ChildProcess[]> {
  const file = `${folder}/bird.conf`;
  await Deno.writeTextFile(file, birdConfiguration(speaker));
  const args = ["/usr/sbin/bird", "-f", "-c", file, "-s", `${folder}/bird.ctl`, "-P", `${folder}/bird.pid`];
  return [speaker.namespace.spawn(args, { stdin: "null", stdout: "null", stderr: "null" })];
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
    "protocol bgp peer {",
    `  local ${speaker.address} as ${speaker.system};`,
    `  neighbor ${speaker.peerAddress} as ${speaker.peerSystem};`,
    "  hold time 9; connect delay time 1; connect retry time 1; error wait time 1, 2;",
    `  ipv4 { import all; export ${speaker.installs ? "none" : "all"}; next hop self; };`,
    "}",
    "",
  ].join("\n");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
