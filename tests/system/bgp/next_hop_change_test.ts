/**
 * Two VMs own the same address and announce it, as with anycast; BGP moves from one to the other and back. Both answer all the time,
 * so that a ping is lost only if the cloud's table has no route for a moment.
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { awsCloud, type BgpCloud, gcpCloud, openstackCloud } from "../../demo/bgp_clouds.ts";
import { Daemon, type DaemonName } from "../../demo/bgp_daemons.ts";
import type { BgpScene } from "../../demo/bgp_scene.ts";
import { beyond, loopback } from "../../demo/bgp_stage.ts";
import { AwsRig, buildInstance } from "../../fakes/aws/rig.ts";
import { addresses as azureAddresses } from "../../fakes/azure/rig.ts";
import { addresses as gcpAddresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { type OpenstackRig, startOpenstack } from "../../fakes/openstack/rig.ts";
import type { Namespace } from "../namespace.ts";
import { until } from "../until.ts";
import { LivePing } from "./live_ping.ts";
import { azureTest, bgpTest, tell } from "./play.ts";

const prefix = `${loopback}/32`;
const rivalSystem = 65_003;
/** How long pings go on after each move; longer than the longest withdraw delay, for a withdrawal that follows late. */
const dwellMs = 1500;

/** How many pings have reached a machine. */
async function pinged(machine: Namespace): Promise<number> {
  const [names, values] = (await machine.must(["cat", "/proc/net/snmp"])).split("\n")
    .filter((line) => line.startsWith("Icmp:")).map((line) => line.split(" "));
  return Number(values?.[names?.indexOf("InEchos") ?? NaN] ?? NaN);
}

/**
 * The VM is liked best, then makes itself less liked than the rival, then the rival ends as its operator would end it.
 *
 * @param inStep called when the first route is in the cloud: from here on it may only be replaced.
 */
async function play(
  scene: BgpScene,
  daemon: DaemonName,
  rivalAddress: string,
  inStep: () => void,
): Promise<void> {
  const { stage, cloud } = scene;
  const rivalSelf = { address: rivalAddress, system: rivalSystem };
  const rival = await stage.join(rivalAddress);
  await rival.ip(`address add ${prefix} dev lo`);
  await stage.setLoopback(true);
  await using _router = await scene.startRouter(daemon, [rivalSelf]);
  await using vmDaemon = await scene.startVm(daemon, []);
  await using rivalDaemon = await Daemon.start(daemon, {
    ...scene.speaker(rival, rivalSelf, []),
    prepends: 1,
  });
  await until(
    "BGP prefers the VM",
    async () => (await stage.router.ip(`route show ${loopback}`)).includes(`via ${cloud.addresses.vm} `),
  );
  scene.program.start();
  await scene.untilCarried(prefix, cloud.addresses.vm);
  inStep();

  await using ping = new LivePing(stage.fabric, beyond, loopback);
  await vmDaemon.reload({ ...scene.vmSpeaker([]), prepends: 3 });
  await scene.untilCarried(prefix, rivalAddress);
  await sleep(dwellMs);
  await rivalDaemon.end();
  await scene.untilCarried(prefix, cloud.addresses.vm);
  await sleep(dwellMs);
  const { sent, lost } = await ping.stop();
  tell(`next hop changed twice (${cloud.name}, ${daemon}): ${sent} pings, ${lost} lost`);
  assert.equal(lost, 0);
  assert.ok(await pinged(rival) > 0, "pings went to the rival");

  const { log } = await scene.program.stop();
  assert.equal(log.match(new RegExp(`replace ${prefix} in `, "g"))?.length, 2);
  assert.doesNotMatch(log, /delete /);
}

azureTest(
  "Azure's route is replaced when BGP's best path moves to another VM and back (FRR)",
  async (scene, rig) => {
    let before = NaN;
    await play(scene, "frr", azureAddresses.scaleSet, () => before = rig.arm.writes().length);
    const written = rig.arm.writes().slice(before);
    assert.deepEqual(written.map(({ method }) => method), ["PUT", "PUT"]);
    // Of one route or of the whole table: it is in both.
    for (const { body } of written) assert.ok(JSON.stringify(body).includes(prefix));
  },
);

bgpTest(
  "AWS' route is replaced when BGP's best path moves to another VM and back (BIRD)",
  openAws,
  async (scene, { rig, rival }) => {
    const count = (): number[] =>
      ["CreateRoute", "ReplaceRoute", "DeleteRoute"].map((action) => rig.front.count(action));
    let before: number[] = [];
    await play(scene, "bird", rival, () => before = count());
    assert.deepEqual(count().map((calls, index) => calls - (before[index] ?? NaN)), [0, 2, 0]);
  },
  "aws",
);

bgpTest(
  "Google Cloud's route is made anew before the old one goes when BGP's best path moves and comes back (FRR)",
  openGcp,
  async (scene, { rig }) => {
    let before = NaN;
    await play(scene, "frr", gcpAddresses.client, () => before = rig.compute.calls.length);
    const written = rig.compute.calls.slice(before).filter(({ method }) => method !== "GET");
    const move = ["insert", "wait", "delete", "wait"];
    assert.deepEqual(written.map(nameOf), [...move, ...move]);
  },
  "gcp",
);

bgpTest(
  "OpenStack's route is added anew before the old one goes when BGP's best path moves and comes back (BIRD)",
  openOpenstack,
  async (scene, { rig, rival }) => {
    await play(scene, "bird", rival, () => rig.proxy.clear());
    const written = rig.proxy.callsTo(/^PUT /);
    const move = ["add_extraroutes", "remove_extraroutes"];
    assert.deepEqual(written.map(({ path }) => path.split("/").at(-1)), [...move, ...move]);
  },
  "openstack",
);

bgpTest(
  "OpenStack's route with several next hops grows and shrinks, and no ping is lost",
  openOpenstack,
  async ({ stage, cloud, program }, { rig, rival }) => {
    const machine = await stage.join(rival);
    await machine.ip(`address add ${prefix} dev lo`);
    await stage.setLoopback(true);
    const { vm } = cloud.addresses;
    const legs = async (...hops: readonly string[]): Promise<void> => {
      const nextHops = hops.map((hop) => `nexthop via ${hop}`).join(" ");
      await stage.router.ip(`route replace ${prefix} proto bgp ${nextHops}`);
      await until(`the fabric carries ${hops}`, () => stage.carried.get(prefix) === hops.join());
      await sleep(dwellMs);
    };
    program.start();
    await legs(vm);
    await using ping = new LivePing(stage.fabric, beyond, loopback);
    rig.proxy.clear();
    for (const hops of [[vm, rival], [rival], [vm, rival], [vm], [vm, rival], [rival], [vm]]) {
      await legs(...hops);
    }
    const { sent, lost } = await ping.stop();
    tell(`several next hops grew and shrank three times (${cloud.name}): ${sent} pings, ${lost} lost`);
    assert.equal(lost, 0);
    assert.ok(await pinged(machine) > 0 && await pinged(stage.vm) > 0, "pings went to both");
    // Growing adds a pair, shrinking removes one, and a swap does both.
    const written = rig.proxy.callsTo(/^PUT /).map(({ path }) =>
      path.split("/").at(-1)?.replace("_extraroutes", "")
    );
    assert.deepEqual(written, ["add", "remove", "add", "remove", "add", "remove", "add", "remove"]);
  },
  "openstack",
);

/** What a call to Google that writes or waits is about. */
function nameOf({ method, path }: { readonly method: string; readonly path: string }): string {
  if (method === "DELETE") return "delete";
  return path.endsWith("/wait") ? "wait" : "insert";
}

/** Google Cloud, which takes a while for each operation: a new route must stand before the old one goes. */
function openGcp(): Promise<{ readonly cloud: BgpCloud; readonly rig: GcpRig }> {
  const rig = GcpRig.start({ operationMs: 300 });
  return Promise.resolve({ cloud: gcpCloud(rig), rig });
}

/** OpenStack with a third VM in the router's network. */
async function openOpenstack(): Promise<
  { readonly cloud: BgpCloud; readonly rig: OpenstackRig; readonly rival: string }
> {
  const rig = await startOpenstack();
  const rival = "10.0.0.40";
  const { network, subnet4 } = rig.ids;
  const fixed = [{ subnet_id: subnet4, ip_address: rival }];
  await rig.member.create("neutron", "ports", "port", { network_id: network, fixed_ips: fixed });
  return { cloud: openstackCloud(rig), rig, rival };
}

/** AWS with a third VM in the router's subnet. */
async function openAws(): Promise<
  { readonly cloud: BgpCloud; readonly rig: AwsRig; readonly rival: string }
> {
  const rig = await AwsRig.start();
  const rival = "10.0.1.30";
  const instance = await buildInstance(rig.front.url, rig.vpc.subnetA, [rival]);
  return { cloud: awsCloud(rig, [instance]), rig, rival };
}
