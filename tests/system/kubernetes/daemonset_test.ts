/** The DaemonSet's command line on a node: the pod network's bridge, the probes as the kubelet makes them, the embedded cloud. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import type { CloudFile } from "../local/router.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { Run } from "../run.ts";
import { until } from "../until.ts";
import { type Container, containerOf, manifestsOf, variablesOf } from "./manifests.ts";

const ignore = skips(namespacesMissing(), await binaryMissing());

/** A node: its address on the cloud's network, another node's pod network that BGP brought, its own behind the bridge. */
async function node(): Promise<Namespace> {
  const namespace = await Namespace.create();
  await namespace.veth("eth0", "fabric", "10.0.0.2/24");
  await namespace.batch([
    "route add default via 10.0.0.1",
    "link add cni0 type bridge",
    "address add 10.244.1.1/24 dev cni0",
    "link add pod0 type veth peer name pod1",
    "link set pod0 master cni0",
    "link set pod0 up",
    "link set pod1 up",
    "link set cni0 up",
  ]);
  return namespace;
}

/** The status that the kubelet gets. */
async function probe(namespace: Namespace, { httpGet }: Container["livenessProbe"]): Promise<number> {
  const url = `http://${httpGet.host}:${httpGet.port}${httpGet.path}`;
  const { stdout } = await namespace.run([
    "curl",
    "--silent",
    "--output",
    "/dev/null",
    "--write-out",
    "%{http_code}",
    url,
  ]);
  return Number(stdout);
}

Deno.test({
  name: "the DaemonSet's command line writes the node's own pod network, and its probes say when it is there",
  ignore,
  async fn(): Promise<void> {
    const manifests = await manifestsOf("aws");
    const container = containerOf(manifests);
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-node-" });
    try {
      await using namespace = await node();
      const file = `${folder}/table.json`;
      const environment = {
        ...variablesOf(manifests),
        // As README.md has it for a bridge that the node object knows nothing of.
        CLOUDROUTESYNC_POD_CIDR: "",
        CLOUDROUTESYNC_INTERFACE: "cni0",
        CLOUDROUTESYNC_CLOUD: "local",
        CLOUDROUTESYNC_LOCAL_FILE: file,
        CLOUDROUTESYNC_STATE: folder,
      };
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      const command = ["env", "-i", ...variables, await binaryPath(), ...container.args];
      const run = new Run(namespace.spawn(command, { stdin: "null", stdout: "piped", stderr: "piped" }));
      try {
        await until("the pod is ready", async () => await probe(namespace, container.readinessProbe) === 200);
        assert.equal(await probe(namespace, container.livenessProbe), 200);
        const { routes } = JSON.parse(await Deno.readTextFile(file)) as CloudFile;
        assert.deepEqual(routes.map(({ prefix, nextHop, owner }) => ({ prefix, nextHop, owner })), [
          { prefix: "10.244.1.0/24", nextHop: "10.0.0.2", owner: "kubernetes" },
        ]);
        const { code, log } = await run.stop();
        assert.equal(code, 0, log);
      } finally {
        await run.kill();
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
