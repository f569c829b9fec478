import assert from "node:assert/strict";
import { openOpenstack } from "../../../../src/clouds/openstack/openstack.ts";
import { policyText } from "../../../../src/clouds/openstack/permissions.ts";
import { openstackOptions } from "../../../fakes/openstack/options.ts";
import { checkCloud } from "../../../../src/clouds/kit/doctor.ts";

const granted = new URL("../../../../terraform/openstack/access_rules.json", import.meta.url);

Deno.test("policyText() is what Terraform grants the router", async () => {
  assert.equal(await Deno.readTextFile(granted), policyText());
});

Deno.test("policyText() lets the router write to routers and to nothing else", () => {
  const rules: { service: string; method: string; path: string }[] = JSON.parse(policyText());
  const others = rules.filter(({ service }) => service !== "network");
  assert.deepEqual(others, [{ service: "compute", method: "GET", path: "/v2.1/servers/*" }]);
  const writing = rules.filter(({ method }) => method !== "GET").map(({ method, path }) =>
    `${method} ${path}`
  );
  assert.deepEqual(writing, [
    "PUT /v2.0/routers/*",
    "PUT /v2.0/routers/*/add_extraroutes",
    "PUT /v2.0/routers/*/remove_extraroutes",
  ]);
});

Deno.test("an OpenStack without settings says its access rules all the same, and what is missing when called", async () => {
  const { signal } = new AbortController();
  const cloud = openOpenstack(openstackOptions({}));
  assert.match(cloud.policy(), /add_extraroutes/);
  const [finding, ...others] = await checkCloud(cloud, { fix: false }, signal);
  assert.deepEqual([finding?.name, finding?.status, others], ["identity", "bad", []]);
  assert.match(finding?.detail ?? "", /neither OS_AUTH_URL .* nor a clouds.yaml/);
  assert.equal(finding?.remedy, "set the OS_* variables, or name an entry of clouds.yaml with -os-cloud");
});
