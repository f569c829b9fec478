import assert from "node:assert/strict";
import { groupId, parseArmId, sameId } from "../../../../src/clouds/azure/resource_id.ts";
import { describeCredential } from "../../../../src/clouds/azure/credentials.ts";
import { azureEnvironment, checkEndpoint } from "../../../../src/clouds/azure/environment.ts";
import { customRole } from "../../../../src/clouds/azure/permissions.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";

Deno.test("azureEnvironment() knows the national clouds in any spelling", () => {
  const manager = (name: string): string => azureEnvironment(name, null).resourceManager;
  assert.equal(manager("AzurePublicCloud"), "https://management.azure.com");
  assert.equal(manager("AZUREPUBLICCLOUD"), "https://management.azure.com");
  assert.equal(manager("AzureUSGovernmentCloud"), "https://management.usgovcloudapi.net");
  assert.equal(azureEnvironment("AzureChinaCloud", null).authority, "https://login.chinacloudapi.cn");
});

Deno.test("azureEnvironment() keeps the cloud's own audience when the endpoint is another", () => {
  const { resourceManager, audience } = azureEnvironment("AzurePublicCloud", "https://127.0.0.1:8443/");
  assert.equal(resourceManager, "https://127.0.0.1:8443");
  assert.equal(audience, "https://management.azure.com");
});

Deno.test("azureEnvironment() refuses an unknown cloud unless its endpoint is given", () => {
  assert.throws(() => azureEnvironment("AzureStack", null), /give it with -azure-endpoint/);
  assert.equal(azureEnvironment("AzureStack", "https://arm.local").audience, "https://arm.local");
});

Deno.test("checkEndpoint() refuses to send a token over plain http", () => {
  checkEndpoint(null);
  checkEndpoint("https://127.0.0.1:1");
  for (const endpoint of ["http://127.0.0.1:1", "management.azure.com"]) {
    assert.throws(
      () => checkEndpoint(endpoint),
      (error) => error instanceof CloudError && error.kind === "invalid",
    );
  }
});

Deno.test("describeCredential() chooses a service principal only when all of it is set", () => {
  const described = (set: Record<string, string>): string => describeCredential((name) => set[name]);
  const principal = { AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c", AZURE_CLIENT_SECRET: "s" };
  assert.equal(described({}), "system-assigned managed identity");
  assert.equal(described({ AZURE_CLIENT_ID: "c" }), "user-assigned managed identity c");
  assert.equal(described({ ...principal, AZURE_CLIENT_SECRET: "" }), "user-assigned managed identity c");
  assert.equal(described(principal), "service principal c");
});

Deno.test("parseArmId() reads nested resources and refuses what is no id", () => {
  const id = parseArmId(`${groupId("s", "g")}/providers/Microsoft.Network/virtualNetworks/v/subnets/n`);
  assert.equal(id.resourceGroup, "g");
  assert.deepEqual([...id.names], [["virtualnetworks", "v"], ["subnets", "n"]]);
  assert.throws(() => parseArmId("/subscriptions/s"), /Cannot parse resource id/);
});

Deno.test("sameId() does not look at case", () => {
  assert.ok(sameId("/subscriptions/S/resourceGroups/G", "/SUBSCRIPTIONS/s/resourcegroups/g"));
  assert.ok(!sameId("/a", "/b"));
});

Deno.test("customRole() has the very actions that the Terraform environment grants", async () => {
  const granted = await Deno.readTextFile(new URL("../../../../terraform/azure/role.tf", import.meta.url));
  const { Actions } = JSON.parse(customRole("/subscriptions/s")) as { Actions: string[] };
  const usages = "Microsoft.Network/locations/usages/read";
  const inRoles = [...granted.matchAll(/"(Microsoft\.[^"]+)"/g)].map(([, action]) => action);
  assert.deepEqual(
    inRoles.filter((action) => action !== usages),
    Actions.filter((action) => action !== usages),
  );
  // A role of the resource group does not reach the subscription, which is asked for the limits.
  const [, limits] = granted.split('"azurerm_role_definition" "limits"');
  assert.deepEqual(limits?.match(/(?<=")Microsoft\.[^"]+(?=")/g), [usages]);
  assert.match(limits ?? "", /scope += "\/subscriptions\/\$\{var\.subscription_id\}"/);
});

Deno.test("customRole() has each action once, no wildcard, and nothing outside of networks", () => {
  const role = JSON.parse(customRole("/subscriptions/s/resourceGroups/g")) as {
    Actions: string[];
    AssignableScopes: string[];
    IsCustom: boolean;
  };
  assert.deepEqual(role.AssignableScopes, ["/subscriptions/s/resourceGroups/g"]);
  assert.equal(role.IsCustom, true);
  assert.equal(new Set(role.Actions).size, role.Actions.length);
  assert.ok(role.Actions.includes("Microsoft.Network/routeTables/join/action"));
  for (const action of role.Actions) {
    assert.match(action, /^Microsoft\.(Network|Compute)\/[A-Za-z/]+\/(read|write|delete|join\/action)$/);
  }
});
