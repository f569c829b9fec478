/**
 * Two routers of a group on a cloud, each with the executable and a daemon as README sets it up, and what may happen to them. Router a
 * is the one that both daemons like better.
 */

import assert from "node:assert/strict";
import { Daemon } from "../../demo/bgp_daemons.ts";
import type { Namespace } from "../namespace.ts";
import { numbered, RouterVm } from "../router_vm.ts";
import { until } from "../until.ts";
import type { HaCloud, Side } from "./ha_clouds.ts";
import { HaDaemon } from "./ha_daemons.ts";
import { HaStage, upstreamAddress } from "./ha_stage.ts";
import { type HaDaemonName, readmeConfig } from "./readme_config.ts";

/** What README says to give to `-active-address`. */
const activeAddress = "192.0.2.51";
/** Prefixes that one router alone has, by a static route: the other one wants nothing there. */
const onlyOf = { a: "192.168.201.0/24", b: "192.168.202.0/24" } as const;
/** Looks of each router that show that nothing more is written. */
const looksAtRest = 2;

const sides = ["a", "b"] as const;

/** See the head of this file. */
export class HaScene implements AsyncDisposable {
  readonly #daemons = new Map<Side, HaDaemon>();
  readonly #alive = new Set<Side>();
  /** Prefixes that were missing in a reading of the table since {@linkcode watch}. */
  #missing = new Set<string>();
  #watching: Promise<void> = Promise.resolve();
  #watchEnds = new AbortController();

  private constructor(
    readonly cloud: HaCloud,
    readonly daemon: HaDaemonName,
    readonly stage: HaStage,
    readonly programs: Readonly<Record<Side, RouterVm>>,
    readonly prefixes: readonly string[],
    private readonly flags: readonly string[],
    private readonly ends: readonly AsyncDisposable[],
  ) {}

  /** Sets the scene: all but the routers' daemons and programs. @param count how many prefixes the upstream has. */
  static async create(
    cloud: HaCloud,
    daemon: HaDaemonName,
    binary: string,
    count: number,
    flags: readonly string[],
  ): Promise<HaScene> {
    const prefixes = numbered(count);
    const stage = await HaStage.create(cloud);
    const upstream = await startUpstream(stage, daemon, prefixes);
    const relays = await Promise.all(sides.map((side) => cloud.reach(stage.routers[side], side)));
    const program = async (side: Side): Promise<RouterVm> => {
      const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-ha-" });
      return new RouterVm({
        cloud: cloud.name,
        namespace: stage.routers[side],
        binary,
        folder,
        flags: ["-state", folder, ...cloud.flags(side)],
        gateway: upstreamAddress,
        environment: () => cloud.environment(side),
        relay: null,
      });
    };
    const programs = { a: await program("a"), b: await program("b") };
    stage.follow(cloud.read);
    return new HaScene(cloud, daemon, stage, programs, prefixes, flags, [upstream, ...relays]);
  }

  /** What these routers alone have; with keepalived nothing, as a passive router writes no routes. */
  ownOf(routers: readonly Side[]): readonly string[] {
    return this.daemon === "keepalived" ? [] : routers.map((side) => onlyOf[side]);
  }

  /** All prefixes by way of a router, or of both where the cloud has such routes (`a,b`), and each router's own. */
  async untilTable(whose: Side | "a,b", ownOf: readonly Side[] = sides): Promise<void> {
    const { addresses } = this.cloud;
    const hops = whose === "a,b" ? [addresses.a, addresses.b].sort().join(",") : addresses[whose];
    const wanted = new Map(this.prefixes.map((prefix) => [prefix, hops]));
    if (this.daemon !== "keepalived") { for (const side of ownOf) wanted.set(onlyOf[side], addresses[side]); }
    let last = "";
    const expected = textOf(wanted);
    await until(
      () => `the table should be ${expected}, and is ${last}`,
      async () => (last = textOf(await this.cloud.read())) === expected,
    );
  }

  /** Starts both daemons, waits until they agree on router a, and then starts both programs. */
  async begin(): Promise<void> {
    for (const side of sides) await this.#startAllBut(side);
    await this.untilAgreed();
    for (const side of sides) this.startProgram(side);
  }

  /** Starts a router's daemon and its program, as after a boot. */
  async start(side: Side): Promise<void> {
    await this.#startAllBut(side);
    this.startProgram(side);
  }

  /** Starts a router's daemon, and sets the routes that are the operator's. */
  async #startAllBut(side: Side): Promise<void> {
    await this.startDaemon(side);
    const own = this.daemon === "keepalived" ? this.prefixes : this.ownOf([side]);
    await this.stage.routers[side].batch(
      own.map((prefix) => `route add ${prefix} via ${upstreamAddress} proto static`),
    );
    this.#alive.add(side);
  }

  /** Waits until both daemons hold router a for the better one. */
  async untilAgreed(): Promise<void> {
    await until("the daemons agree on router a", () => this.#agree());
  }

  /** Whether router b's kernel goes by router a, or only router a has the active address. */
  async #agree(): Promise<boolean> {
    const { a, b } = this.stage.routers;
    if (this.daemon !== "keepalived") {
      const has = async (router: Namespace, hop: string): Promise<boolean> => {
        const lines = (await router.ip("route show")).split("\n");
        return this.prefixes.every((prefix) =>
          lines.some((line) => line.startsWith(`${prefix} `) && line.includes(` via ${hop} `))
        );
      };
      return await has(a, upstreamAddress) && await has(b, this.cloud.addresses.a);
    }
    const isActive = async (router: Namespace): Promise<boolean> =>
      (await router.ip("address show dev lo")).includes(`${activeAddress}/32`);
    return await isActive(a) && !await isActive(b);
  }

  /** Starts a router's daemon with README's configuration. */
  async startDaemon(side: Side): Promise<void> {
    const { addresses, length } = this.cloud;
    const text = await readmeConfig(this.daemon, side, addresses);
    // Google's guests: README's advice for FRR.
    const more = length === 32 ? `ip route ${addresses[side === "a" ? "b" : "a"]}/32 eth0\n` : "";
    this.#daemons.set(side, await HaDaemon.start(this.daemon, this.stage.routers[side], `${text}${more}`));
  }

  /** Starts a router's program with README's flags. */
  startProgram(side: Side): void {
    const active = this.daemon === "keepalived" ? ["-active-address", activeAddress] : [];
    this.programs[side].start(...this.flags, ...active);
  }

  /** Ends a router's daemon where it stands; what it put into the kernel stays there. */
  async killDaemon(side: Side): Promise<void> {
    await this.#daemons.get(side)?.[Symbol.asyncDispose]();
    this.#daemons.delete(side);
  }

  /** Cuts a router's power: nothing runs on it, no cable carries anything, and the cloud says that the VM is stopped. */
  async cutPower(side: Side): Promise<void> {
    this.#alive.delete(side);
    await this.stage.unplug(side, "fabric");
    await this.stage.unplug(side, "uplink");
    this.cloud.setPower(side, false);
    await Promise.all([this.killDaemon(side), this.programs[side].kill()]);
  }

  /** Gives it back: the VM boots, its disk is as it was. */
  async restorePower(side: Side): Promise<void> {
    this.cloud.setPower(side, true);
    await this.stage.boot(side);
    await this.stage.plug(side, "fabric");
    await this.stage.plug(side, "uplink");
    await this.start(side);
  }

  /** Watches the table from now on: which of these prefixes are missing in any reading. */
  watch(prefixes: readonly string[]): void {
    this.#missing = new Set();
    const { signal } = this.#watchEnds = new AbortController();
    this.#watching = (async () => {
      while (!signal.aborted) {
        const table = await this.cloud.read().catch(() => null);
        for (const prefix of prefixes) if (table?.has(prefix) === false) this.#missing.add(prefix);
        await new Promise((wake) => setTimeout(wake, 2));
      }
    })();
  }

  /** Ends the watch. @throws where one of the prefixes was without a route. */
  async endWatch(): Promise<void> {
    this.#watchEnds.abort();
    await this.#watching;
    assert.deepEqual([...this.#missing], [], "the table was without a route for them");
  }

  /**
   * Waits until each living router has looked at the table some times and none has written meanwhile. The table then is as it was before.
   *
   * @throws where they have written more often than `most` times since `before`.
   */
  async comesToRest(before: number, most: number): Promise<void> {
    const { writes } = this.cloud;
    const table = textOf(await this.cloud.read());
    let last: number;
    do {
      last = writes().length;
      assert.ok(last - before <= most, `${last - before} writes, and at most ${most} were expected`);
      await this.#looked();
    } while (last !== writes().length);
    assert.equal(textOf(await this.cloud.read()), table);
  }

  async #looked(): Promise<void> {
    const { looks } = this.cloud;
    const enough = looks() + looksAtRest * this.#alive.size;
    await until("the routers look at the table", () => looks() >= enough);
  }

  /** Both programs' logs, where a test's body fails. */
  async telling(body: () => Promise<void>): Promise<void> {
    await this.programs.a.telling(() => this.programs.b.telling(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watchEnds.abort();
    await this.#watching;
    for (const side of sides) {
      await this.killDaemon(side);
      await this.programs[side].kill();
    }
    for (const end of this.ends) await end[Symbol.asyncDispose]();
    await this.stage[Symbol.asyncDispose]();
    for (const side of sides) await Deno.remove(this.programs[side].folder, { recursive: true });
  }
}

/** Whatever is beyond the uplink: it announces the prefixes to both routers, or sends to the gateway that keepalived moves. */
async function startUpstream(
  stage: HaStage,
  daemon: HaDaemonName,
  prefixes: readonly string[],
): Promise<AsyncDisposable> {
  if (daemon === "keepalived") {
    await stage.upstream.ip("route add 10.0.0.0/16 via 172.31.0.30");
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const session = (name: Side, address: string): string[] => [
    `protocol bgp router_${name} {`,
    `  local ${upstreamAddress} as 65000;`,
    `  neighbor ${address} as 65010;`,
    "  bfd on; connect delay time 1; connect retry time 1; error wait time 1, 2;",
    "  ipv4 { import all; export where source = RTS_STATIC; };",
    "}",
  ];
  return await Daemon.bird(
    stage.upstream,
    [
      `router id ${upstreamAddress};`,
      "protocol device { scan time 1; }",
      "protocol static { ipv4;",
      ...prefixes.map((prefix) => `  route ${prefix} blackhole;`),
      "}",
      "protocol kernel { ipv4 { export where source = RTS_BGP; }; }",
      'protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }',
      ...session("a", "172.31.0.10"),
      ...session("b", "172.31.0.20"),
      "",
    ].join("\n"),
  );
}

function textOf(table: ReadonlyMap<string, string>): string {
  return [...table].map(([prefix, hops]) => `${prefix} via ${hops}`).sort().join(", ") || "empty";
}
