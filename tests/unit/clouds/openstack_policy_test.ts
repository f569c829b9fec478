import assert from "node:assert/strict";
import { openOpenstack } from "../../../src/clouds/openstack/openstack.ts";
import { policyText } from "../../../src/clouds/openstack/policy.ts";
import { openstackOptions } from "../../fakes/openstack_options.ts";

const granted = new URL("../../../terraform/openstack/access_rules.json", import.meta.url);

Deno.test("policyText() is what Terraform grants the router", async () => {
  assert.equal(await Deno.readTextFile(granted), policyText());
});

Deno.test("policyText() lets the router write to routers and to nothing else", () => {
  const rules: { service: string; method: string; path: string }[] = JSON.parse(policyText());
  assert.ok(rules.every(({ service }) => service === "network"));
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
  await assert.rejects(cloud.identify(signal), /neither OS_AUTH_URL .* nor a clouds.yaml/);
  const [finding] = await cloud.check({ fix: false }, signal);
  assert.deepEqual([finding?.name, finding?.status], ["settings", "bad"]);
});
