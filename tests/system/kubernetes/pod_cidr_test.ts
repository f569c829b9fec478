/** `-pod-cidr auto` on the executable, in a pod's surroundings: the API server, the service account's folder, the node's name. */

import assert from "node:assert/strict";
import { opensslMissing } from "../../fakes/certificates.ts";
import { KubernetesRig } from "../../fakes/kubernetes.ts";
import { relayInto } from "../../fakes/namespace_relay.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import type { CloudFile } from "../local/router.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { Run } from "../run.ts";
import { untilSame } from "../until.ts";
import { containerOf, manifestsOf, variablesOf } from "./manifests.ts";

const ignore = skips(opensslMissing(), namespacesMissing(), await binaryMissing());
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A node of a cluster, with a pod of the DaemonSet of aws.yaml, but for the cloud, which is the embedded one. */
class Pod implements AsyncDisposable {
  readonly #namespace: Namespace;
  readonly #folder: string;
  readonly #relay: AsyncDisposable;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(
    namespace: Namespace,
    folder: string,
    relay: AsyncDisposable,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#namespace = namespace;
    this.#folder = folder;
    this.#relay = relay;
    this.#environment = environment;
  }

  static async create(kubernetes: KubernetesRig): Promise<Pod> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric", "10.0.0.2/24");
    await namespace.ip("route add default via 10.0.0.1");
    const mount = `mount -t tmpfs run /var/run/ && mkdir -p ${serviceAccount} &&
      mount --bind ${kubernetes.serviceAccount} ${serviceAccount}`;
    await namespace.must(["sh", "-c", mount]);
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-pod-" });
    return new Pod(namespace, folder, await relayInto(namespace, [kubernetes.port]), {
      ...variablesOf(await manifestsOf("aws")),
      ...kubernetes.environment,
      CLOUDROUTESYNC_NODE: "node-1",
      CLOUDROUTESYNC_CLOUD: "local",
      CLOUDROUTESYNC_LOCAL_FILE: `${folder}/table.json`,
      CLOUDROUTESYNC_STATE: folder,
    });
  }

  /** Starts the executable with these words. */
  async start(...args: readonly string[]): Promise<Run> {
    const variables = Object.entries(this.#environment).map(([name, value]) => `${name}=${value}`);
    const command = ["env", "-i", ...variables, await binaryPath(), ...args];
    return new Run(this.#namespace.spawn(command, { stdin: "null", stdout: "piped", stderr: "piped" }));
  }

  /** `PREFIX NEXT-HOP` of each route in the cloud. */
  async table(): Promise<string[]> {
    try {
      // The program validates what it writes.
      const { routes } = JSON.parse(await Deno.readTextFile(`${this.#folder}/table.json`)) as CloudFile;
      return routes.map(({ prefix, nextHop }) => `${prefix} ${nextHop}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  ip(args: string): Promise<string> {
    return this.#namespace.ip(args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
    await this.#namespace[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function test(name: string, body: (kubernetes: KubernetesRig, pod: Pod) => Promise<void>): void {
  // The relay ends connections that the executable still holds open.
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false }, async () => {
    await using kubernetes = await KubernetesRig.start("node-1");
    await using pod = await Pod.create(kubernetes);
    await body(kubernetes, pod);
  });
}

test(
  "a node's pod network is in the cloud before its bridge is there, and stays through a restart without the API server",
  async (kubernetes, pod) => {
    const { args } = containerOf(await manifestsOf("aws"));
    const first = await pod.start(...args);
    await first.untilLog(/node node-1 has no pod network yet; retrying/i);
    kubernetes.podNetworks = ["10.244.1.0/24"];
    await untilSame(["10.244.1.0/24 10.0.0.2"], () => pod.table());
    await pod.ip("route add 198.51.100.0/24 via 10.0.0.7 proto bgp");
    await untilSame(["10.244.1.0/24 10.0.0.2", "198.51.100.0/24 10.0.0.7"], () => pod.table());
    assert.equal((await first.stop()).code, 0);

    // While nobody says what the node has, nothing is withdrawn, and the pod can be stopped.
    kubernetes.status = 503;
    const second = await pod.start(...args);
    await second.untilLog(/Cannot read node node-1 from the API server .* it answered 503; retrying/);
    assert.equal((await second.stop()).code, 0);
    assert.deepEqual(await pod.table(), ["10.244.1.0/24 10.0.0.2", "198.51.100.0/24 10.0.0.7"]);
  },
);

test(
  "routes, plan and explain tell the node's pod network, and what keeps it from being known",
  async (kubernetes, pod) => {
    kubernetes.podNetworks = ["10.244.1.0/24"];
    const routes = await (await pod.start("routes")).result();
    assert.equal(routes.code, 0, routes.stderr);
    assert.match(routes.stdout, /10\.244\.1\.0\/24 .*kubernetes/);
    const plan = await (await pod.start("plan")).result();
    assert.equal(plan.code, 2, plan.stderr);
    assert.match(plan.stdout, /10\.244\.1\.0\/24.*10\.0\.0\.2/);
    const explain = await (await pod.start("explain", "10.244.1.7")).result();
    assert.equal(explain.code, 0, explain.stderr);
    assert.match(explain.stdout, /kubernetes/);

    kubernetes.status = 403;
    const refused = await (await pod.start("plan")).result();
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /it answered 403 \(the service account needs a ClusterRole with the verb get on nodes\)/,
    );
    kubernetes.status = null;
    kubernetes.podNetworks = null;
    const unknown = await (await pod.start("routes")).result();
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /there is no such node/);
  },
);
