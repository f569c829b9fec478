/** A KernelMonitor in a namespace of its own, and the kernel's truth as `ip` tells it. */

import assert from "node:assert/strict";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { Namespace } from "../namespace.ts";
import type { AgentOptions } from "./monitor_agent.ts";
import { patienceMs } from "../until.ts";
import { TextLineStream } from "./text_lines.ts";

/** What `ip -d -j -N route` prints of a next hop. */
interface IpNextHop {
  readonly gateway?: string;
  readonly via?: { readonly host: string };
  readonly dev?: string;
  readonly weight?: number;
  readonly encap?: string;
  readonly flags?: readonly string[];
}

/** What it prints of a route. */
interface IpRoute extends IpNextHop {
  readonly dst: string;
  readonly table?: string;
  readonly type?: string;
  readonly protocol?: string;
  readonly metric?: number;
  readonly tos?: string;
  readonly nexthops?: readonly IpNextHop[];
  readonly nhid?: number;
  readonly prefsrc?: string;
}

/** What `ip -j nexthop` prints. */
interface IpNextHopObject extends IpNextHop {
  readonly id: number;
  readonly group?: readonly { readonly id: number; readonly weight?: number }[];
}

/** What the agent says of its monitor. */
export interface AgentHealth {
  readonly dumps: number;
  readonly failedDumps: number;
  readonly overruns: number;
  readonly events: number;
  readonly changes: number;
  readonly lastError: string | null;
  readonly errors: readonly string[];
}

/** The monitor is quiet when it has not dumped for so long: the kernel tells of a carrier up to a second late (net/core/link_watch.c). */
const quietMs = 1_500;

/** One namespace with one monitor, which never dumps without a reason unless told to. */
export class MonitorRig implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly #options: AgentOptions;
  readonly #agent: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;

  private constructor(namespace: Namespace, options: AgentOptions, agent: Deno.ChildProcess) {
    this.namespace = namespace;
    this.#options = options;
    this.#agent = agent;
    this.#input = agent.stdin.getWriter();
    this.#output = agent.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
  }

  /** Makes the namespace, with a veth pair `a0` 10.0.0.1/24 and `a1`, and starts the monitor. */
  static async create(options: Partial<AgentOptions> = {}): Promise<MonitorRig> {
    const namespace = await Namespace.create();
    await namespace.veth("a0", "a1", "10.0.0.1/24");
    const whole: AgentOptions = {
      tables: [254, 1000],
      families: [4, 6],
      events: true,
      redumpMs: 0,
      ...options,
    };
    const agent = new URL("monitor_agent.ts", import.meta.url).pathname;
    const child = namespace.spawn(
      [Deno.execPath(), "run", "--allow-all", "--no-check", agent, JSON.stringify(whole)],
      { stdin: "piped", stdout: "piped" },
    );
    const rig = new MonitorRig(namespace, whole, child);
    assert.equal(await rig.#answer(), "ready");
    return rig;
  }

  /** `ip` inside, see {@linkcode Namespace.ip}. */
  ip(args: string): Promise<string> {
    return this.namespace.ip(args);
  }

  /** The monitor's table. */
  async table(): Promise<string[]> {
    return grouped(await this.#ask("table") as string[]);
  }

  /** The monitor's health. */
  async health(): Promise<AgentHealth> {
    return await this.#ask("health") as AgentHealth;
  }

  /** Waits until nothing that has happened makes the monitor dump any more. @returns its health then. */
  async quiet(): Promise<AgentHealth> {
    for (;;) {
      const { dumps } = await this.health();
      await new Promise((resolve) => setTimeout(resolve, quietMs));
      const health = await this.health();
      if (health.dumps === dumps) return health;
    }
  }

  /** The monitor's addresses, as `10.0.0.1/24 of a0`. */
  async addresses(): Promise<string[]> {
    return await this.#ask("addresses") as string[];
  }

  /** What another monitor sees that is opened now. */
  async fresh(mode: "events" | "periodic"): Promise<{ table: string[]; addresses: string[] }> {
    const { table, addresses } = await this.#ask(`fresh ${mode}`) as Record<"table" | "addresses", string[]>;
    return { table: grouped(table), addresses };
  }

  /** Makes the monitor dump; resolves when it has. */
  async resync(): Promise<void> {
    await this.#ask("resync");
  }

  /** Milliseconds of CPU that the monitor's process has used. */
  async cpuMs(): Promise<number> {
    return await this.#ask("cpu") as number;
  }

  /** Makes the monitor's process stand still. Returns at once; the next question waits. */
  async standStill(ms: number): Promise<() => Promise<void>> {
    await this.#say(`sleep ${ms}`);
    return async () => void await this.#answer();
  }

  /** The kernel's table in the monitor's words. */
  async truth(): Promise<string[]> {
    const lines: string[] = [];
    const objects = JSON.parse(await this.ip("-j nexthop") || "[]") as IpNextHopObject[];
    for (const family of this.#options.families) {
      const json = await this.ip(`-${family} -d -j -N route show table all`);
      for (const route of JSON.parse(withoutTunnelEnds(json) || "[]") as IpRoute[]) {
        const table = Number(route.table ?? 254);
        if (this.#options.tables.includes(table)) lines.push(ipLine(withLegs(route, objects), table, family));
      }
    }
    return grouped(lines);
  }

  /** Waits until the monitor and the kernel agree; fails with the difference if they never do. */
  async agrees(): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const [table, truth] = [await this.table(), await this.truth()];
      if (JSON.stringify(table) === JSON.stringify(truth)) return table;
      if (performance.now() > deadline) assert.deepEqual(table, truth);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#say("end");
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    await this.#agent.status;
    await this.namespace[Symbol.asyncDispose]();
  }

  async #ask(question: string): Promise<unknown> {
    await this.#say(question);
    return await this.#answer();
  }

  async #say(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }

  async #answer(): Promise<unknown> {
    const { value } = await this.#output.read();
    if (value === undefined) throw new Error("The monitor's process has ended");
    return JSON.parse(value);
  }
}

/** `ip` writes the ends of a tunnel as `src` and `dst` beside those of its route. */
function withoutTunnelEnds(json: string): string {
  return json.replaceAll(/("encap":"ip6?"),"id":\d+,"src":"[^"]*","dst":"[^"]*","\w+":\d+,"\w+":\d+/g, "$1");
}

/** Prefixes in any order, but the routes of each in the order given. */
function grouped(lines: readonly string[]): string[] {
  const groups = Map.groupBy(lines, (line) => line.split(" ").slice(0, 2).join(" "));
  return [...groups.keys()].sort().flatMap((key) => groups.get(key) ?? []);
}

/** With `nexthop_compat_mode=0` a route names its object only. */
function withLegs(route: IpRoute, objects: readonly IpNextHopObject[]): IpRoute {
  if (route.nhid === undefined || route.dev !== undefined || route.nexthops !== undefined) return route;
  const object = objects.find(({ id }) => id === route.nhid);
  const members = object?.group ?? [{ id: route.nhid, weight: 1 }];
  const nexthops = members.flatMap(({ id, weight }) =>
    objects.filter((member) => member.id === id).map((member) => ({ ...member, weight: weight ?? 1 }))
  );
  return { ...route, nexthops };
}

function ipLine(route: IpRoute, table: number, family: 4 | 6): string {
  const dst = route.dst === "default" ? (family === 4 ? "0.0.0.0/0" : "::/0") : parsePrefix(route.dst).text;
  const type = Number(route.type ?? 1);
  const texts = type === 1 ? (route.nexthops ?? [route]).map(legText) : [];
  // IPv6's legs have no order.
  const legs = (family === 6 ? texts.sort() : texts).join(" ");
  const protocol = Number(route.protocol ?? 0);
  const metric = route.metric ?? 0, tos = Number(route.tos ?? 0);
  // The monitor keeps it of default routes alone.
  const source = route.dst !== "default" || route.prefsrc === undefined ? "" : ` src ${route.prefsrc}`;
  return `${table} ${dst} type ${type} proto ${protocol} metric ${metric} tos ${tos}${source} ${legs}`.trim();
}

function legText({ gateway, via, dev, weight, encap, flags = [] }: IpNextHop): string {
  const down = `${flags.includes("dead") ? "!dead" : ""}${flags.includes("linkdown") ? "!linkdown" : ""}`;
  const tunnel = encap === undefined ? "" : `!${encap}`;
  return `${gateway ?? via?.host ?? "-"}@${dev}*${weight ?? 1}${down}${tunnel}`;
}
