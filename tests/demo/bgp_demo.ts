/**
 * `deno task demo:bgp`: two VMs, BGP, a prefix appears on one, the cloud's table learns it, the ping that failed gets its answer. With FRR,
 * then with BIRD, on each cloud's test servers.
 *
 * Give it clouds' names to play on those alone. It needs root, Debian's frr and bird2, and what `.ci/install` installs.
 */

import { binaryPath } from "../system/binary.ts";
import { type BgpCloud, openBgpCloud, serversMissing } from "./bgp_clouds.ts";
import { BgpScene } from "./bgp_scene.ts";
import { daemonsMissing } from "./bgp_daemons.ts";

const cloudNames: readonly BgpCloud["name"][] = ["aws", "azure", "gcp", "openstack"];

async function demo(wanted: readonly string[]): Promise<number> {
  const clouds = cloudNames.filter((cloud) => wanted.length === 0 || wanted.includes(cloud));
  const reasons = [await daemonsMissing(), ...clouds.map(serversMissing)];
  const missing = reasons.find((reason) => reason !== null) ?? null;
  if (missing !== null) {
    tell(`The demo cannot run here: ${missing}`);
    return 1;
  }
  const binary = await binaryPath();
  for (const name of clouds) {
    await using cloud = await openBgpCloud(name);
    await using scene = await BgpScene.create(cloud, binary, tell);
    for (const daemon of ["frr", "bird"] as const) await scene.play(daemon);
    tell("");
  }
  return 0;
}

function tell(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await demo(Deno.args));
