/**
 * Measures how long two routers take from a cut of power to the right table, for README; no test, and only on a quiet machine:
 * `deno run -A tests/system/ha/measure.ts [CLOUD…]`, with DELAY_MS for each call of a stand-in (0 unless told).
 *
 * Detection lasts until router b's kernel goes by its own uplink for the first prefix. From then until the first call comes to the cloud
 * is the program's own time, with `-coalesce` in it; from then until the last write, the calls'.
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
/** When router b's kernel first and last changed a route to the uplink. */
class KernelWatch implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  readonly #times: number[] = [];

  constructor(router: Namespace) {
    const args = ["stdbuf", "-oL", "ip", "monitor", "route"];
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
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      if (text.includes(`via ${upstreamAddress} `)) this.#times.push(performance.now());
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
  const flags = ["-audit", "10s", "-withdraw-delay", "5s", "-max-withdraw", "100"];
  await using scene = await HaScene.create(cloud, daemons[on], await binaryPath(), count, flags);
  await scene.begin();
  await untilAll(scene, "a");
  await new Promise((wake) => setTimeout(wake, 11_000));
  await using kernel = new KernelWatch(scene.stage.routers.b);
  await using ping = await PingStream.start(scene.stage.fabric, client, target);
  const writes = cloud.writes().length;
  const cutAt = performance.now();
  await scene.cutPower("a");
  const rightAt = await untilAll(scene, "b");
  const { lost } = await ping.stop();
  const all = cloud.writes().slice(writes).map(({ at }) => at);
  const calls = cloud.calls().filter(({ at }) => at >= kernel.first && at <= rightAt);
  const firstCall = Math.min(...calls.map(({ at }) => at));
  const lastWrite = all.at(-1) ?? NaN;
  const since = (from: number, to: number): string => `${Math.round(to - from)} ms`;
  await say(
    `${on} ${daemons[on]} ${count}: right ${
      since(cutAt, Math.max(lastWrite, firstCall))
    } after the cut = detection ${since(cutAt, kernel.first)} + own ${
      since(kernel.first, firstCall)
    } + calls ${since(firstCall, lastWrite)}; kernel's last change ${
      since(kernel.first, kernel.last)
    } after its first, seen right ${
      since(cutAt, rightAt)
    } after the cut; ${all.length} writes; ${lost} pings lost; calls ${countsOf(calls)}`,
  );
}

/** `DescribeRouteTables 2, ReplaceRoute 50`. */
function countsOf(calls: readonly CloudCall[]): string {
  const kinds = Map.groupBy(calls, ({ what }) => what);
  return [...kinds].map(([what, each]) => `${what} ${each.length}`).join(", ");
}

const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(daemons);
for (const on of Object.keys(daemons) as CloudName[]) {
  for (const count of wanted.includes(on) ? counts : []) await measure(on, count);
}
