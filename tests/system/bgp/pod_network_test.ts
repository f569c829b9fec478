/**
 * Kubernetes nodes without an overlay: the router is a node itself, the VM and a third machine are the others. What of a node's
 * routes reaches the cloud with the flags that README names for its network, and whether packets from beyond reach the pods.
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon } from "../../demo/bgp_daemons.ts";
import type { BgpScene } from "../../demo/bgp_scene.ts";
import { beyond } from "../../demo/bgp_stage.ts";
import { addresses as azureAddresses } from "../../fakes/azure/rig.ts";
import type { Namespace } from "../namespace.ts";
import { until } from "../until.ts";
import { calicoConfiguration } from "./calico.ts";
import { bridgedPod, calicoPod } from "./pod.ts";
import { azureTest, carriedBy, listed, untilCarries } from "./play.ts";

/** A node: its address, its part of the pods' network, and one pod in it. */
interface Node {
  readonly address: string;
  readonly block: string;
  readonly pod: string;
}

function nodesWith(length: number): readonly [own: Node, second: Node, third: Node] {
  const node = (address: string, number: number): Node => ({
    address,
    block: `10.244.${number}.0/${length}`,
    pod: `10.244.${number}.5`,
  });
  const { router, other, scaleSet } = azureAddresses;
  return [node(router, 1), node(other, 2), node(scaleSet, 3)];
}

/** The reason why each of the node's routes is not exported, by prefix; null for those that are. */
async function reasons(scene: BgpScene, ...flags: readonly string[]): Promise<Map<string, string | null>> {
  const { code, stdout, stderr } = await scene.program.command("routes", "-output", "json", ...flags);
  assert.equal(code, 0, stderr);
  // The program's own document.
  const { routes } = JSON.parse(stdout) as { routes: { prefix: string; reason: string | null }[] };
  return new Map(routes.map(({ prefix, reason }) => [prefix, reason]));
}

async function answers(scene: BgpScene, pod: string): Promise<boolean> {
  const { code } = await scene.stage.fabric.run(["ping", "-c", "1", "-W", "1", "-I", beyond, pod]);
  return code === 0;
}

azureTest("a Calico node: other nodes' blocks by default, its own with -blackhole", async (scene) => {
  const nodes = nodesWith(26);
  const [own, second, third] = nodes;
  const { stage } = scene;
  const machines = [stage.router, stage.vm, await stage.join(third.address)];
  await using stack = new AsyncDisposableStack();
  const birds: Daemon[] = [];
  for (const [index, node] of nodes.entries()) {
    const machine = machines[index] as Namespace; // one each
    stack.use(await calicoPod(machine, "cali0", node.pod));
    birds.push(stack.use(await Daemon.bird(machine, calicoConfiguration(node, nodes))));
  }
  // What stands in a real node's table: the own block, the own pod, the others' blocks.
  await until("the mesh is up", async () => {
    const table = await stage.router.ip("route show");
    return [`blackhole ${own.block} proto bird`, `${own.pod} dev cali0 `]
      .concat([second, third].map(({ block, address }) => `${block} via ${address} dev eth0 proto bird`))
      .every((line) => table.includes(line));
  });

  const others = [second, third].flatMap(({ block, address }) => listed([block], address));
  scene.program.start();
  await untilCarries(scene, others);
  const why = await reasons(scene);
  assert.deepEqual([own.block, `${own.pod}/32`, second.block].map((prefix) => why.get(prefix)), [
    "type",
    "no-gateway",
    null,
  ]);
  assert.ok(await answers(scene, second.pod), "from beyond to another node's pod");
  assert.ok(!await answers(scene, own.pod), "nothing leads to the own pods yet");
  await scene.program.stop();

  scene.program.start("-blackhole");
  await untilCarries(scene, [...others, ...listed([own.block], own.address)]);
  assert.ok(await answers(scene, own.pod), "from beyond to the own pod");
  const before = carriedBy(scene);
  // Calico's BIRD leaves its routes behind ("persist"), so that an update of calico-node moves no packet.
  await birds[0]?.end();
  await sleep(1500);
  assert.deepEqual(carriedBy(scene), before);
  assert.ok(await answers(scene, own.pod));
});

azureTest(
  "a kube-router node: other nodes' networks by default, its own with -interface kube-bridge",
  async (scene) => {
    const nodes = nodesWith(24);
    const [own, second, third] = nodes;
    const { stage } = scene;
    const machines = [stage.router, stage.vm, await stage.join(third.address)];
    await using stack = new AsyncDisposableStack();
    for (const [index, node] of nodes.entries()) {
      const bridge = { address: node.pod.replace(/\.5$/, ".1"), length: 24 };
      stack.use(await bridgedPod(machines[index] as Namespace, bridge, node.pod)); // one each
    }
    // As kube-router writes what its GoBGP learns: nodes of the subnet by their addresses, others by a tunnel.
    await stage.router.batch([
      ...[second, third].map(({ block, address }) => `route replace ${block} via ${address} proto 17`),
      "link add tun-10029 type veth peer name far",
      "link set tun-10029 up",
      "link set far up",
      `route replace 10.244.9.0/24 dev tun-10029 src ${own.address} proto 17`,
    ]);

    const others = [second, third].flatMap(({ block, address }) => listed([block], address));
    scene.program.start();
    await untilCarries(scene, others);
    const why = await reasons(scene);
    assert.deepEqual([own.block, "10.244.9.0/24", second.block].map((prefix) => why.get(prefix)), [
      "no-gateway",
      "no-gateway",
      null,
    ]);
    assert.ok(await answers(scene, third.pod), "from beyond to another node's pod");
    assert.ok(!await answers(scene, own.pod), "nothing leads to the own pods yet");
    await scene.program.stop();

    scene.program.start("-interface", "kube-bridge");
    await untilCarries(scene, [...others, ...listed([own.block], own.address)]);
    assert.ok(await answers(scene, own.pod), "from beyond to the own pod");
  },
);
