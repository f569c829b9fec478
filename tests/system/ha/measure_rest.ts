/**
 * Counts the calls of routers at rest, for README; no test: `deno run -A tests/system/ha/measure_rest.ts [CLOUD…]`, with SECONDS for how
 * long each state is watched (60 unless told). First one router is alone, then two share the table as README sets them up, then they do
 * not see each other, so that both want the prefixes. Audits have jitter, so what counts is the calls for one reading of the table.
 */

import { binaryPath } from "../binary.ts";
import { type CloudCall, type CloudName, type HaCloud, openHaCloud } from "./ha_clouds.ts";
import { HaScene } from "./ha_scene.ts";
import type { HaDaemonName } from "./readme_config.ts";

const seconds = Number(Deno.env.get("SECONDS") ?? "60");
const daemons: Readonly<Record<CloudName, HaDaemonName>> = {
  aws: "frr",
  azure: "bird",
  gcp: "frr",
  openstack: "bird",
};

/** Prints one line. */
async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Watches the calls of a state, and says how many of each kind came for one reading of the table. */
async function watch(cloud: HaCloud, state: string): Promise<void> {
  const [calls, looks] = [cloud.calls().length, cloud.looks()];
  await sleep(seconds * 1_000);
  const made = cloud.calls().slice(calls);
  const read = cloud.looks() - looks;
  await say(
    `${cloud.name} ${state}: ${made.length} calls and ${read} readings in ${seconds} s; for one reading ${
      perReading(made, read)
    }`,
  );
}

/** `DescribeRouteTables 1.00, DescribeNetworkInterfaces 1.00`. */
function perReading(calls: readonly CloudCall[], readings: number): string {
  const kinds = Map.groupBy(calls, ({ what }) => what);
  return [...kinds].sort(([one], [other]) => one < other ? -1 : 1)
    .map(([what, each]) => `${what} ${(each.length / readings).toFixed(2)}`).join(", ");
}

async function measure(on: CloudName): Promise<void> {
  await using cloud = await openHaCloud(on);
  const alone: HaCloud = { ...cloud, flags: (side) => withoutPeers(cloud.flags(side)) };
  const flags = ["-audit", "5s", "-withdraw-delay", "5s"];
  {
    await using scene = await HaScene.create(alone, daemons[on], await binaryPath(), 3, flags);
    await scene.start("a");
    await scene.untilTable("a", ["a"]);
    await sleep(10_000);
    await watch(cloud, "one router alone");
    await scene.programs.a.stop();
  }
  await using scene = await HaScene.create(cloud, daemons[on], await binaryPath(), 3, flags);
  await scene.begin();
  await scene.untilTable("a");
  await sleep(70_000);
  await watch(cloud, "two routers");
  await scene.stage.split(true);
  await sleep(70_000);
  await watch(cloud, "two routers that both want the prefixes");
}

function withoutPeers(flags: readonly string[]): readonly string[] {
  return flags.filter((flag, index) => flag !== "-peer" && flags[index - 1] !== "-peer");
}

const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(daemons);
for (const on of Object.keys(daemons) as CloudName[]) if (wanted.includes(on)) await measure(on);
