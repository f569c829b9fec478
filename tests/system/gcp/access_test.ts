/** What is said of a VM that may not use the Compute API at all: neither a role nor waiting heals it. */

import assert from "node:assert/strict";
import type { Finding } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { checkCloud } from "../../../src/clouds/kit/doctor.ts";
import { Discovery } from "../../fakes/gcp/discovery.ts";
import { GcpRig } from "../../fakes/gcp/rig.ts";

const signal = new AbortController().signal;

/** Google's documents say which scopes a method takes. */
const ignore = Discovery.load("compute.v1") === null;

/** What `gcloud compute instances create` gives a VM where nobody asks for more. */
const defaultScopes = [
  "devstorage.read_only",
  "logging.write",
  "monitoring.write",
  "service.management.readonly",
  "servicecontrol",
  "trace.append",
].map((scope) => `https://www.googleapis.com/auth/${scope}`);

async function doctor(prepare: (rig: GcpRig) => void): Promise<readonly Finding[]> {
  await using rig = GcpRig.start();
  prepare(rig);
  return await checkCloud(openGcp(rig.options()), { fix: false }, signal);
}

Deno.test(
  "doctor names the access scopes of a VM with gcloud's default ones, and no role",
  { ignore },
  async () => {
    const [first, ...rest] = await doctor((rig) => rig.metadata.scopes = defaultScopes);
    assert.deepEqual([first?.name, first?.status, rest], ["identity", "bad", []]);
    assert.match(first?.detail ?? "", /insufficient authentication scopes/);
    assert.match(first?.remedy ?? "", /set-service-account .*--scopes=cloud-platform$/);
  },
);

Deno.test("doctor names the access scopes first where they allow reading alone", { ignore }, async () => {
  const findings = await doctor((rig) =>
    rig.metadata.scopes = ["https://www.googleapis.com/auth/compute.readonly"]
  );
  const [first] = findings.filter(({ status }) => status === "bad");
  assert.deepEqual([first?.name, first?.status], ["access scopes", "bad"]);
  const permissions = findings.find(({ name }) => name.startsWith("permissions"));
  assert.equal(permissions?.status, "unknown", "nothing is said of roles that could not be tested");
});

Deno.test("doctor says how to enable the Compute API where it is off", async () => {
  const [first, ...rest] = await doctor((rig) => rig.compute.disabledApis.add("compute.googleapis.com"));
  assert.deepEqual([first?.name, first?.status, rest], ["identity", "bad", []]);
  assert.match(
    first?.remedy ?? "",
    /gcloud services enable compute\.googleapis\.com --project=493817265014$/,
  );
});

Deno.test("doctor leaves permissions open where the API that tests them is off", async () => {
  const findings = await doctor((rig) => rig.compute.disabledApis.add("cloudresourcemanager.googleapis.com"));
  assert.deepEqual(
    findings.filter(({ status }) => status !== "ok").map(({ name, status }) => [name, status]),
    [
      ["permissions in prod", "unknown"],
      // Which no answer of Google's tells.
      ["route quota of net", "unknown"],
    ],
  );
});

Deno.test("doctor says how a VM without a service account gets one", async () => {
  const [first] = await doctor((rig) => {
    rig.metadata.token = null;
  });
  assert.deepEqual([first?.name, first?.status], ["identity", "bad"]);
  assert.match(first?.remedy ?? "", /set-service-account/);
});

Deno.test("a call that the scopes do not cover lacks no permission", { ignore }, async () => {
  await using rig = GcpRig.start();
  rig.metadata.scopes = defaultScopes;
  await assert.rejects(
    openGcp(rig.options()).identify(signal),
    (error: unknown) =>
      error instanceof CloudError && error.kind === "denied" && error.action === undefined &&
      error.code === "insufficientPermissions",
  );
});
