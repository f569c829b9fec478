/** What the tests with real daemons share: a test on the BGP scene, and what they ask of cloud and program. */

import { azureCloud, type BgpCloud, serversMissing } from "../../demo/bgp_clouds.ts";
import { daemonsMissing } from "../../demo/bgp_daemons.ts";
import { BgpScene } from "../../demo/bgp_scene.ts";
import { prefixList } from "../../../src/sync/wording.ts";
import { programMissing, skips } from "../../needs.ts";
import { addresses, AzureRig, route } from "../../fakes/azure/rig.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { until } from "../until.ts";

const sceneMissing = [
  await daemonsMissing(),
  namespacesMissing(),
  programMissing("curl"),
  await binaryMissing(),
];

/** A route of the operators' that stands in the subnet's table before the program comes, as the fabric carries it. */
export const foreign = { prefix: "172.31.0.0/16", nextHop: addresses.other } as const;
/** Where a program that is started with {@linkcode listening} tells its status. */
const statusAddress = "127.0.0.1:9155";
export const listening = ["-listen", statusAddress] as const;

/** How many routes an error names. */
const mostShown = 5;

/** A part of what /status says. */
export interface Status {
  readonly state: string;
  readonly why: string;
  readonly inStep: boolean;
  readonly kernelOverruns: number;
  readonly tables: readonly {
    readonly owned: number;
    readonly foreign: number;
    readonly pending: number;
    readonly held: number;
    readonly writes: Readonly<Record<"add" | "replace" | "delete", number>>;
  }[];
}

/**
 * A test on a cloud; when it fails, its error tells the executable's log. The test gets what `open` gives besides the cloud.
 *
 * @param cloud whose test servers it needs.
 */
export function bgpTest<Opened extends { readonly cloud: BgpCloud }>(
  name: string,
  open: () => Promise<Opened>,
  play: (scene: BgpScene, opened: Opened) => Promise<void>,
  cloud: BgpCloud["name"],
): void {
  Deno.test({
    name,
    ignore: skips(...sceneMissing, serversMissing(cloud)),
    async fn(): Promise<void> {
      const opened = await open();
      await using opens = opened.cloud;
      await using scene = await BgpScene.create(opens, await binaryPath(), () => {});
      await scene.program.telling(() => play(scene, opened));
    },
  });
}

/** A test on Azure, whose table already has {@linkcode foreign}. */
export function azureTest(name: string, play: (scene: BgpScene, rig: AzureRig) => Promise<void>): void {
  const open = async (): Promise<{ readonly cloud: BgpCloud; readonly rig: AzureRig }> => {
    const rig = await AzureRig.start();
    rig.placeFormerTable([route("office", foreign.prefix, foreign.nextHop)]);
    return { cloud: azureCloud(rig), rig };
  };
  bgpTest(name, open, (scene, { rig }) => play(scene, rig), "azure");
}

/** Routes as {@linkcode carriedBy} lists them. */
export function listed(prefixes: readonly string[], nextHop: string): readonly string[] {
  return prefixes.map((prefix) => `${prefix} via ${nextHop}`);
}

/** What the fabric carries. */
export function carriedBy(scene: BgpScene): readonly string[] {
  return [...scene.stage.carried].map(([prefix, hop]) => `${prefix} via ${hop}`).sort();
}

/** Waits until the fabric carries just these besides {@linkcode foreign}. */
export async function untilCarries(scene: BgpScene, routes: readonly string[]): Promise<void> {
  const wanted = new Set([...routes, ...listed([foreign.prefix], foreign.nextHop)]);
  const lacking = (): Set<string> => wanted.difference(new Set(carriedBy(scene)));
  const surplus = (): Set<string> => new Set(carriedBy(scene)).difference(wanted);
  await until(
    () => `the fabric lacks ${abridged(lacking())}, and has besides ${abridged(surplus())}`,
    () => lacking().size === 0 && surplus().size === 0,
  );
}

/** A thousand routes are no sentence. */
function abridged(routes: ReadonlySet<string>): string {
  return prefixList([...routes], mostShown) || "nothing";
}

/** Asks a program that is {@linkcode listening} for its status; null while it does not listen yet. */
export async function statusOf(scene: BgpScene): Promise<Status | null> {
  const { code, stdout } = await scene.stage.router.run(["curl", "-s", `http://${statusAddress}/status`]);
  // The program's own document.
  return code === 0 ? JSON.parse(stdout) as Status : null;
}

/** Whether a program that is {@linkcode listening} says that all is in step. */
export async function isReady(scene: BgpScene): Promise<boolean> {
  const url = `http://${statusAddress}/readyz`;
  const { code } = await scene.stage.router.run(["curl", "-sf", "-o", "/dev/null", url]);
  return code === 0;
}

/** Waits until a program that is {@linkcode listening} has nothing left to do. */
export async function untilInStep(scene: BgpScene): Promise<void> {
  await until("all is in step", () => isReady(scene));
}

/** Tells a measured number; tests do not judge it. */
export function tell(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
