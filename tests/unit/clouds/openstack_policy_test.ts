import assert from "node:assert/strict";
import { policyText } from "../../../src/clouds/openstack/policy.ts";

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
