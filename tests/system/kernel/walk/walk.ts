/** Goes through a walk: the monitor's table must equal a fresh dump at each quiet moment, though it never dumps without a reason. */

import type { Libc } from "../../../../ffi/libc.ts";
import { readKernelFileAside } from "../../../../ffi/kernel_file.ts";
import { NetlinkSocket } from "../../../../ffi/netlink_socket.ts";
import { KernelMonitor } from "../../../../src/kernel/kernel_monitor.ts";
import { Injections } from "./injecting_port.ts";
import { KernelChoice } from "./kernel_choice.ts";
import { differenceText, tableText } from "./table_text.ts";
import type { Burst, WalkPlan } from "./walk_plan.ts";
import type { WalkWorld } from "./walk_world.ts";

const tables = [254, 1000];

/** A difference counts when nothing has happened for so long, which is longer than the monitor waits for its next dump. Milliseconds. */
const longQuietMs = 5_000;

/** And this many times what a dump takes. */
const quietDumps = 5;

/** The monitor dumps once more this long after what the kernel may still be at work on. Milliseconds. */
const calmMs = 80;

/** Where and how monitor and kernel parted. */
export interface Divergence {
  /** How many bursts of the walk were done. */
  readonly bursts: number;
  readonly difference: readonly string[];
}

/**
 * Goes through a walk in a world.
 *
 * @param quietMs how long the two must differ, milliseconds.
 * @returns null if monitor and kernel agreed at each quiet moment.
 */
export async function walk(
  libc: Libc,
  world: WalkWorld,
  plan: WalkPlan,
  quietMs = longQuietMs,
): Promise<Divergence | null> {
  world.begin(plan.sysctls, plan.beside);
  await using walker = await Walker.start(libc, world);
  let done = 0;
  for (const group of quietGroups(plan.bursts)) {
    done += group.length;
    await walker.go(group);
    const difference = await walker.disagreement(quietMs);
    if (difference !== null) return { bursts: done, difference };
  }
  return null;
}

/** Bursts between two quiet moments: one outside of a dump, or those of one dump. */
function quietGroups(bursts: readonly Burst[]): Burst[][] {
  const groups: Burst[][] = [];
  for (const burst of bursts) {
    const group = groups.at(-1);
    const last = group?.at(-1)?.at ?? null;
    if (group === undefined || burst.at === null || last === null || burst.at < last) groups.push([burst]);
    else group.push(burst);
  }
  return groups;
}

class Walker implements AsyncDisposable {
  readonly #libc: Libc;
  readonly #world: WalkWorld;
  readonly #injections: Injections;
  readonly #monitor: KernelMonitor;
  /** Datagrams of a whole dump. */
  readonly #datagrams: number;
  readonly #errors: readonly string[];
  readonly #port: NetlinkSocket;
  readonly #choice: KernelChoice;

  private constructor(
    libc: Libc,
    world: WalkWorld,
    injections: Injections,
    monitor: KernelMonitor,
    errors: readonly string[],
  ) {
    this.#libc = libc;
    this.#world = world;
    this.#injections = injections;
    this.#monitor = monitor;
    this.#datagrams = injections.received;
    this.#errors = errors;
    this.#port = NetlinkSocket.open(libc);
    this.#choice = new KernelChoice(this.#port);
  }

  static async start(libc: Libc, world: WalkWorld): Promise<Walker> {
    const injections = new Injections();
    const errors: string[] = [];
    const monitor = await KernelMonitor.openWith((socket) => {
      const port = NetlinkSocket.open(libc, socket);
      return socket.receiveBuffer === undefined ? injections.wrap(port) : port;
    }, {
      tables,
      families: [4, 6],
      events: true,
      redumpMs: 0,
      onError: (error) => errors.push(error.message),
    });
    return new Walker(libc, world, injections, monitor, errors);
  }

  /** Runs bursts, those of a dump while it is read. */
  async go(bursts: readonly Burst[]): Promise<void> {
    if (bursts[0]?.calm) await pause(calmMs);
    const inDump = bursts.filter((burst) => burst.at !== null);
    for (const { lines, at } of bursts) if (at === null) this.#world.run(lines);
    if (inDump.length === 0) return;
    this.#injections.arm(inDump.map(({ at, lines }) => ({
      at: Math.floor((at ?? 0) * this.#datagrams / 1000),
      run: () => this.#world.run(lines),
    })));
    const { dumps } = this.#monitor.health;
    this.#monitor.resync("a walk wants it");
    while (this.#injections.pending && this.#monitor.health.dumps === dumps) await pause(1);
    this.#injections.flush();
  }

  /** Waits until monitor and kernel agree; what differs if they do not when nothing happens any more. */
  async disagreement(quietMs: number): Promise<readonly string[] | null> {
    let lastState = "", since = 0;
    for (let wait = 5;; wait = Math.min(wait * 1.5, 100)) {
      await pause(wait);
      if (this.#errors.length > 0) return this.#errors;
      const difference = await this.#difference();
      if (difference === null) return null;
      const { events, dumps, failedDumps, lastDumpMs } = this.#monitor.health;
      const state = `${events} ${dumps} ${failedDumps} ${difference.join()}`;
      if (state !== lastState) [lastState, since] = [state, performance.now()];
      else if (performance.now() - since > quietMs + quietDumps * lastDumpMs) return difference;
    }
  }

  async #difference(): Promise<readonly string[] | null> {
    const fresh = await this.#fresh();
    // The kernel's own count must not make an honest dump look short.
    if (fresh.health.lastError !== null) return [fresh.health.lastError.message];
    const truth = tableText(fresh.table);
    const table = tableText(this.#monitor.table);
    if (truth.join("\n") !== table.join("\n")) return differenceText(table, truth);
    const choices = this.#choice.differences(this.#monitor.table);
    return choices.length === 0 ? null : choices;
  }

  /** What a monitor that begins now would see. */
  async #fresh(): Promise<Pick<KernelMonitor, "table" | "health">> {
    await using monitor = await KernelMonitor.openWith((socket) => NetlinkSocket.open(this.#libc, socket), {
      tables,
      families: [4, 6],
      events: false,
      redumpMs: 0,
      readText: (path) => readKernelFileAside(this.#libc, path),
    });
    return monitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#port.close();
    await this.#monitor[Symbol.asyncDispose]();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
