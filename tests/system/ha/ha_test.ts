/**
 * Two routers share a table of each cloud, with FRR, BIRD or keepalived as README's "High availability" sets them up: what the table
 * says after a cut of power or of a link, the end of a daemon, and while the routers do not see each other.
 */

import assert from "node:assert/strict";
import { daemonsMissing } from "../../demo/bgp_daemons.ts";
import { programMissing, skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { tell } from "../bgp/play.ts";
import { namespacesMissing } from "../namespace.ts";
import { until } from "../until.ts";
import { type CloudName, type HaCloud, openHaCloud, serversMissing, type Side } from "./ha_clouds.ts";
import { HaScene } from "./ha_scene.ts";
import { client, target } from "./ha_stage.ts";
import { PingStream } from "./ping_stream.ts";
import type { HaDaemonName } from "./readme_config.ts";

const missing = [
  await daemonsMissing(),
  namespacesMissing(),
  programMissing("keepalived"),
  programMissing("chrt", "util-linux"),
  await binaryMissing(),
];

/**
 * The table is read often, so that what a router overlooks shows soon. Where one route stands for a prefix a daemon that starts anew has
 * time to learn it again.
 */
const flags = (
  { shares }: HaCloud,
): readonly string[] => ["-audit", "1s", "-withdraw-delay", shares ? "1s" : "5s"];
const count = 3;

function sceneTest(
  name: string,
  on: CloudName,
  daemon: HaDaemonName,
  play: (scene: HaScene) => Promise<void>,
): void {
  Deno.test(
    { name: `${name} (${on}, ${daemon})`, ignore: skips(...missing, serversMissing(on)) },
    async () => {
      await using cloud = await openHaCloud(on);
      await using scene = await HaScene.create(cloud, daemon, await binaryPath(), count, flags(cloud));
      await scene.telling(async () => {
        await scene.begin();
        await scene.untilTable("a");
        await scene.comesToRest(0, cloud.mostWrites(count + 1));
        await play(scene);
      });
    },
  );
}

/** What happens, and how it must end. */
interface Happening {
  readonly what: string;
  readonly act: () => Promise<void>;
  /** How many writes there are at least: without them it has not happened yet. */
  readonly leastWrites: number;
  /** Whose the prefixes are in the end. */
  readonly ends: Side | "a,b";
  /** Routers that live from beginning to end; unless told both. */
  readonly living?: readonly Side[];
  /** Those that live in the end; unless told both. */
  readonly left?: readonly Side[];
  /** Whether a router that forwards is always there, so that no ping may be lost. */
  readonly isSmooth: boolean;
}

/**
 * Something happens; the table ends as it should, nobody writes any more, no reading of the table was without a prefix or without what
 * a living router alone has, and nobody wrote more than it may.
 */
async function happens(scene: HaScene, happening: Happening): Promise<void> {
  const { what, act, leastWrites, ends, living = ["a", "b"], left = ["a", "b"], isSmooth } = happening;
  const before = scene.cloud.writes().length;
  scene.watch([...scene.prefixes, ...scene.ownOf(living)]);
  await using ping = await PingStream.start(scene.stage.fabric, client, target);
  await act();
  await until("the routers write", () => scene.cloud.writes().length >= before + leastWrites);
  await scene.untilTable(ends, left);
  await scene.comesToRest(before, scene.cloud.mostWrites(count + 1));
  await scene.endWatch();
  const written = scene.cloud.writes().length - before;
  const { sent, lost } = await ping.stop();
  tell(`${what} (${scene.cloud.name}, ${scene.daemon}): ${written} writes, ${sent} pings, ${lost} lost`);
  if (isSmooth) assert.equal(lost, 0, `${what}: pings were lost`);
}

/** The first router loses its power, and gets it back. */
async function losesPower(scene: HaScene): Promise<void> {
  const one = { living: ["b"], leastWrites: 1 } as const;
  const act = (): Promise<void> => scene.cutPower("a");
  await happens(scene, { what: "power cut", act, ends: "b", ...one, left: ["b"], isSmooth: false });
  const back = (): Promise<void> => scene.restorePower("a");
  await happens(scene, { what: "both back", act: back, ends: "a", ...one, isSmooth: true });
}

/** The first router loses its uplink, and gets it back. */
async function losesUplink(scene: HaScene): Promise<void> {
  const cut = (): Promise<void> => scene.stage.unplug("a", "uplink");
  await happens(scene, { what: "uplink cut", act: cut, leastWrites: 1, ends: "b", isSmooth: false });
  const back = (): Promise<void> => scene.stage.plug("a", "uplink");
  await happens(scene, { what: "uplink back", act: back, leastWrites: 1, ends: "a", isSmooth: true });
}

/** How it ends while both forward and each takes the other one for dead: with both, or with the one that ranks first. */
function contested({ cloud, daemon }: HaScene): Pick<Happening, "ends" | "leastWrites"> {
  return cloud.shares && daemon !== "keepalived"
    ? { ends: "a,b", leastWrites: 1 }
    : { ends: "a", leastWrites: 2 * count };
}

/** The first router's daemon is killed, and started anew. */
async function losesDaemon(scene: HaScene): Promise<void> {
  const kill = (): Promise<void> => scene.killDaemon("a");
  await happens(scene, { what: "daemon killed", act: kill, ...contested(scene), isSmooth: true });
  const again = async (): Promise<void> => {
    await scene.startDaemon("a");
    await scene.untilAgreed();
  };
  await happens(scene, { what: "daemon back", act: again, leastWrites: 0, ends: "a", isSmooth: false });
}

/** The routers do not see each other for a while. */
async function splits(scene: HaScene): Promise<void> {
  const split = (): Promise<void> => scene.stage.split(true);
  await happens(scene, { what: "split", act: split, ...contested(scene), isSmooth: true });
  const heal = async (): Promise<void> => {
    await scene.stage.split(false);
    await scene.untilAgreed();
  };
  await happens(scene, { what: "healed", act: heal, leastWrites: 0, ends: "a", isSmooth: true });
}

sceneTest("power, uplink, daemon and sight of each other go and come back", "aws", "frr", async (scene) => {
  for (const happen of [losesPower, losesUplink, losesDaemon, splits]) await happen(scene);
});

sceneTest("power and uplink go and come back", "azure", "bird", async (scene) => {
  for (const happen of [losesPower, losesUplink]) await happen(scene);
});

sceneTest("power and sight of each other go and come back", "gcp", "frr", async (scene) => {
  for (const happen of [losesPower, splits]) await happen(scene);
});

sceneTest("power and sight of each other go and come back", "openstack", "bird", async (scene) => {
  for (const happen of [losesPower, splits]) await happen(scene);
});

sceneTest(
  "the active address goes with power, uplink, daemon and sight of each other, and comes back",
  "aws",
  "keepalived",
  async (scene) => {
    for (const happen of [losesPower, losesUplink, losesDaemon, splits]) await happen(scene);
  },
);

for (const cloud of ["azure", "gcp", "openstack"] as const) {
  sceneTest("the active address goes with power, and comes back", cloud, "keepalived", async (scene) => {
    await losesPower(scene);
  });
}
