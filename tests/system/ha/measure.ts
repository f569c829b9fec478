/**
 * Measures how long two routers take from a cut of power to the right table, for README; no test, and only on a quiet machine:
 * `deno run -A tests/system/ha/measure.ts [CLOUD…]`, with DELAY_MS for each call of a stand-in (0 unless told).
 *
 * Detection lasts until router b's kernel goes by its own uplink for the first prefix. From then until the program begins its first call
 * is its own time, with `-coalesce` in it; from then until the last write, the calls'. The kernel's and the program's times are those of
 * `ip -ts monitor` and of the program's log, since this process, which is the cloud and the fabric as well, is late for both.
 */

import { binaryPath } from "../binary.ts";
import type { Namespace } from "../namespace.ts";
import { type CloudCall, type CloudName, openHaCloud, type Side } from "./ha_clouds.ts";
import { HaScene } from "./ha_scene.ts";
import { client, target, upstreamAddress } from "./ha_stage.ts";
import { PingStream } from "./ping_stream.ts";
import type { HaDaemonName } from "./readme_config.ts";

const delayMs = Number(Deno.env.get("DELAY_MS") ?? "0");
const counts = (Deno.env.get("COUNTS") ?? "1,50,500").split(",").map(Number);
const daemons: Readonly<Record<CloudName, HaDaemonName>> = {
  aws: "frr",
  azure: "bird",
  gcp: "frr",
  openstack: "bird",
};
/** When router b's kernel first and last changed a route to the uplink, in milliseconds since the epoch. */
class KernelWatch implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  readonly #times: number[] = [];

  constructor(router: Namespace) {
    const args = ["stdbuf", "-oL", "ip", "-ts", "monitor", "route"];
    this.#child = router.spawn(args, { stdin: "null", stdout: "piped", stderr: "null" });
    this.#read = this.#readLines();
  }

  get first(): number {
    return this.#times[0] ?? NaN;
  }

  get last(): number {
    return this.#times.at(-1) ?? NaN;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#read;
    await this.#child.status;
  }

  async #readLines(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, time] = /^\[([^\]]+)\]/.exec(line) ?? [];
        // ip tells the time of day without its zone.
        if (time !== undefined && line.includes(`via ${upstreamAddress} `)) {
          this.#times.push(Date.parse(`${time}`));
        }
      }
    }
  }
}

/** Prints one line. */
async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

/** Waits until all prefixes go by a router and by no other. @returns when that was seen. */
async function untilAll({ cloud, prefixes }: HaScene, side: Side): Promise<number> {
  for (;;) {
    const table = await cloud.read();
    if (prefixes.every((prefix) => table.get(prefix) === cloud.addresses[side])) return performance.now();
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

async function measure(on: CloudName, count: number): Promise<void> {
  await using cloud = await openHaCloud(on);
  await cloud.setLimit(count + 100);
  if (on !== "openstack") cloud.setLatency(delayMs);
  const flags = ["-audit", "10s", "-withdraw-delay", "5s", "-max-withdraw", "100", "-debug"];
  await using scene = await HaScene.create(cloud, daemons[on], await binaryPath(), count, flags);
  await scene.begin();
  await untilAll(scene, "a");
  await new Promise((wake) => setTimeout(wake, 11_000));
  await using kernel = new KernelWatch(scene.stage.routers.b);
  await using ping = await PingStream.start(scene.stage.fabric, client, target);
  const writes = cloud.writes().length;
  const cutAt = performance.timeOrigin + performance.now();
  await scene.cutPower("a");
  const rightAt = performance.timeOrigin + await untilAll(scene, "b");
  const { lost } = await ping.stop();
  const all = cloud.writes().slice(writes).map(({ at }) => performance.timeOrigin + at);
  const begun = callsBegun(scene.programs.b.log).filter(({ at }) => at >= kernel.first - 1);
  const calls = begun.filter(({ at }) => at <= rightAt);
  const firstCall = calls[0]?.at ?? NaN;
  const lastWrite = all.at(-1) ?? NaN;
  const since = (from: number, to: number): string => `${Math.round(to - from)} ms`;
  await say(
    `${on} ${daemons[on]} ${count}: right ${since(cutAt, lastWrite)} after the cut = detection ${
      since(cutAt, kernel.first)
    } + own ${since(kernel.first, firstCall)} + calls ${since(firstCall, lastWrite)}; kernel's last change ${
      since(kernel.first, kernel.last)
    } after its first; ${all.length} writes; ${lost} pings lost; calls ${countsOf(calls)}; slowest ${
      Math.round(Math.max(...calls.map(({ ms }) => ms)))
    } ms`,
  );
}

/** The calls that a program's log tells with `-debug`, in the order in which they were begun. */
function callsBegun(log: string): { readonly what: string; readonly at: number; readonly ms: number }[] {
  return log.split("\n").flatMap((line) => {
    const [, time = "", what = "", took = ""] = /^(\S+) \[DBG\] api: (.*?) \(.*? in ([\d.]+) ms/.exec(line) ??
      [];
    const ms = Number(took);
    return what === "" ? [] : [{ what, at: Date.parse(time) - ms, ms }];
  }).sort((one, other) => one.at - other.at);
}

/** `DescribeRouteTables 2, ReplaceRoute 50`. */
function countsOf(calls: readonly Pick<CloudCall, "what">[]): string {
  const kinds = Map.groupBy(calls, ({ what }) => what);
  return [...kinds].map(([what, each]) => `${what} ${each.length}`).join(", ");
}

const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(daemons);
for (const on of Object.keys(daemons) as CloudName[]) {
  for (const count of wanted.includes(on) ? counts : []) await measure(on, count);
}
