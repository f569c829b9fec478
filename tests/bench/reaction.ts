/**
 * From the kernel's change to the cloud's write accepted, on the executable with the embedded cloud: one change at a time, and bursts of
 * 500. What a comparison each 10 or 30 s takes instead is computed: a change waits half of it on average, the whole at worst.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { type Spread, spreadOf } from "./figure.ts";
import { cpuMsOf } from "./presence.ts";

/** Milliseconds from the kernel's change to all of them in the table. */
export interface ReactionFigure extends Spread {
  readonly what: string;
  /** How many routes change together. */
  readonly changes: number;
  /** Writes that the cloud accepted, a burst; null where it is computed. */
  readonly writes: number | null;
}

/** What a flap costs. */
export interface FlapFigure {
  readonly events: number;
  readonly cpuUsAnEvent: number;
  /** Whether the cloud wants these routes. */
  readonly wanted: boolean;
}

const tableSize = 200_000;
/** How often a prefix is changed. */
const changesEach = 4;

/** Measures `rounds` single changes and a tenth as many bursts of 500. */
export async function reactionFigures(rounds: number, binary?: string): Promise<readonly ReactionFigure[]> {
  const figures: ReactionFigure[] = [];
  for (const [what, ...flags] of [["default flags of -event"], ["-coalesce 0", "-coalesce", "0"]] as const) {
    await using router = await BenchRouter.start(flags, binary);
    for (const [changes, count] of [[1, rounds], [500, Math.ceil(rounds / 10)]] as const) {
      const times: number[] = [];
      const before = (await router.table()).version;
      for (let round = 0; round < count; round++) times.push(await router.change(changes, round));
      const writes = ((await router.table()).version - before) / count;
      figures.push({ what: `cloudroutesync, ${what}`, changes, writes, ...spreadOf(times) });
    }
  }
  return [...figures, ...[10, 30].map(tick)];
}

/** A program that compares every so many seconds. */
function tick(seconds: number): ReactionFigure {
  const ms = seconds * 1000;
  return {
    what: `a tick of ${seconds} s (computed)`,
    changes: 1,
    writes: null,
    least: 0,
    median: ms / 2,
    p99: 0.99 * ms,
  };
}

/** Adds and deletes so many routes, of which the cloud wants none or all. */
export async function flapFigure(routes: number, wanted: boolean): Promise<FlapFigure> {
  await using router = await BenchRouter.start(wanted ? [] : ["-include", "198.18.0.0/15+"]);
  const lines = (action: string): string[] =>
    Array.from(
      { length: routes },
      (_, index) =>
        `route ${action} ${11 + (index >> 16)}.${(index >> 8) & 255}.${
          index & 255
        }.0/24 via 10.0.0.7 proto bgp`,
    );
  const before = await cpuMsOf(router.pid);
  await router.namespace.batch(lines("add"));
  await router.namespace.batch(lines("del"));
  await router.change(1, 0);
  return {
    events: 2 * routes,
    cpuUsAnEvent: (await cpuMsOf(router.pid) - before) * 1000 / (2 * routes),
    wanted,
  };
}

/** The embedded cloud's file. */
interface LocalTable {
  readonly version: number;
  readonly routes: readonly { readonly prefix: string; readonly nextHop: string }[];
}

/** The executable with the embedded cloud, and one `ip -batch` for all changes, so that starting processes is not measured. */
class BenchRouter implements AsyncDisposable {
  readonly #scene = new AsyncDisposableStack();
  readonly #file: string;
  readonly #ip: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(
    readonly namespace: Namespace,
    readonly pid: number,
    file: string,
    ip: Deno.ChildProcess,
  ) {
    this.#file = file;
    this.#ip = ip.stdin.getWriter();
  }

  static async start(flags: readonly string[], binary?: string): Promise<BenchRouter> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric", "10.0.0.2/24");
    const folder = await Deno.makeTempDir();
    const file = `${folder}/cloud.json`;
    await Deno.writeTextFile(file, `{"version": 0, "quota": ${tableSize}, "routes": []}`);
    const command = [
      binary ?? await binaryPath(),
      "-cloud",
      "local",
      "-event",
      "-local-file",
      file,
      ...flags,
    ];
    const run = namespace.spawn(command, { stdout: "null", stderr: "null" });
    const ip = namespace.spawn(["ip", "-batch", "-"], { stdin: "piped", stdout: "null" });
    const router = new BenchRouter(namespace, run.pid, file, ip);
    router.#scene.use(namespace);
    router.#scene.defer(() => Deno.remove(folder, { recursive: true }));
    for (const child of [run, ip]) {
      router.#scene.defer(async () => {
        child.kill("SIGKILL");
        await child.status;
      });
    }
    await router.change(1, 1_000);
    return router;
  }

  /**
   * Changes the next hops of so many routes together.
   *
   * @param round tells one change from the next.
   * @returns milliseconds until all are in the table.
   */
  async change(count: number, round: number): Promise<number> {
    // The change must not meet the round before.
    await sleep(30);
    const nextHop = `10.0.0.${100 + (round + count) % 100}`;
    // What changes more than six times pays from the budget of flapping prefixes, and waits.
    const block = Math.floor(round / changesEach);
    const first = count === 1 ? "198.18" : `198.${20 + block}`;
    const prefixes = new Set(
      Array.from({ length: count }, (_, index) => {
        const host = count === 1 ? block : index;
        return `${first}.${host >> 1}.${host % 2 * 128}/25`;
      }),
    );
    const lines = [...prefixes].map((prefix) => `route replace ${prefix} via ${nextHop} proto bgp\n`);
    const startedAt = performance.now();
    await this.#ip.write(new TextEncoder().encode(lines.join("")));
    for (;;) {
      const { routes } = await this.table();
      const arrived = routes.filter((route) =>
        route.nextHop === nextHop && prefixes.has(route.prefix)
      ).length;
      if (arrived === count) return performance.now() - startedAt;
      if (performance.now() - startedAt > 60_000) throw new Error(`Only ${arrived} of ${count} changes came`);
      await sleep(1);
    }
  }

  async table(): Promise<LocalTable> {
    return JSON.parse(await Deno.readTextFile(this.#file)) as LocalTable;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scene.disposeAsync();
  }
}

if (import.meta.main) {
  const say = (text: unknown): Promise<number> =>
    Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(text)}\n`));
  for (const figure of await reactionFigures(Number(Deno.args[0] ?? 100))) await say(figure);
  for (const wanted of [false, true]) await say(await flapFigure(Number(Deno.args[1] ?? 100_000), wanted));
}
