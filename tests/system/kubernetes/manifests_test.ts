/** The manifests: valid for Kubernetes' own schema, alike but for the cloud's own, and without rights. */

import assert from "node:assert/strict";
import configuration from "../../../deno.json" with { type: "json" };
import { environmentVariable, flags } from "../../../src/cli/flags.ts";
import { settingsOf } from "../../fakes/command_lines.ts";
import { fileMissing, skips } from "../../needs.ts";
import { clouds, containerOf, manifestsOf, podOf, variablesOf } from "./manifests.ts";
import { Kubernetes, schemaFolder } from "./openapi.ts";

const noSchema = fileMissing(
  `${schemaFolder}/version`,
  "Kubernetes' schema",
  "run .ci/install/kubernetes.sh",
);

Deno.test({
  name: "every manifest fits Kubernetes' schema",
  ignore: skips(noSchema),
  async fn(): Promise<void> {
    const kubernetes = await Kubernetes.read();
    for (const cloud of clouds) {
      const errors = (await manifestsOf(cloud)).flatMap((manifest) => kubernetes.errors(manifest));
      assert.deepEqual(errors, [], cloud);
    }
  },
});

Deno.test({
  name: "Kubernetes' schema finds unknown fields, wrong types and what is missing",
  ignore: skips(noSchema),
  async fn(): Promise<void> {
    const kubernetes = await Kubernetes.read();
    const template = { metadata: {}, spec: { hostNetwork: "yes", containers: [{ nmae: "x" }], volumes: {} } };
    const object = { apiVersion: "apps/v1", kind: "DaemonSet", spec: { template } };
    assert.deepEqual(kubernetes.errors(object), [
      "DaemonSet.spec.selector is missing",
      "DaemonSet.spec.template.spec.hostNetwork should be of type boolean",
      "DaemonSet.spec.template.spec.containers[0].name is missing",
      "DaemonSet.spec.template.spec.containers[0].nmae is unknown",
      "DaemonSet.spec.template.spec.volumes should be of type array",
    ]);
    assert.deepEqual(kubernetes.errors({ apiVersion: "apps/v2", kind: "DaemonSet" }), [
      "there is no DaemonSet of apps/v2",
    ]);
  },
});

Deno.test("every manifest sets flags that the program takes, for its own cloud", async () => {
  for (const cloud of clouds) {
    const environment = { ...variablesOf(await manifestsOf(cloud)), CLOUDROUTESYNC_NODE: "node-1" };
    const known = flags.map(({ name }) => environmentVariable(name));
    assert.deepEqual(Object.keys(environment).filter((name) => !known.includes(name)), []);
    const settings = settingsOf("run", { environment });
    assert.equal(settings.cloud, cloud);
    assert.equal(settings.event, true);
  }
});

Deno.test("every pod is on the host network, writes one folder, and has no rights", async () => {
  for (const cloud of clouds) {
    const manifests = await manifestsOf(cloud);
    const { hostNetwork, volumes } = podOf(manifests);
    assert.equal(hostNetwork, true);
    assert.deepEqual(volumes.map(({ hostPath }) => hostPath?.path), ["/var/lib/cloudroutesync"]);
    const { image, securityContext } = containerOf(manifests);
    assert.equal(image, `ghcr.io/networkop/cloudroutesync:${configuration.version}`);
    assert.deepEqual(securityContext, {
      runAsUser: 0,
      runAsGroup: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    const names = manifests.map(({ metadata }) => `${metadata.namespace ?? "cluster"}/${metadata.name}`);
    assert.deepEqual([...new Set(names)].sort(), ["cluster/cloudroutesync", "kube-system/cloudroutesync"]);
    const rules = manifests.flatMap((manifest) => manifest.rules ?? []);
    assert.deepEqual(rules, [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }]);
  }
});

Deno.test("the pods of all clouds differ by nothing but the cloud's credentials", async () => {
  const pods = await Promise.all(clouds.map(async (cloud) => {
    const container = containerOf(await manifestsOf(cloud));
    return JSON.stringify({ ...container, envFrom: null });
  }));
  assert.equal(new Set(pods).size, 1);
});
