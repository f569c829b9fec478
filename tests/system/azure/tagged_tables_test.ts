/** Azure's route tables that `-route-table tag:KEY=VALUE` names; see azure_cloud.ts. */

import assert from "node:assert/strict";
import type { AzureRig } from "../../fakes/azure/rig.ts";
import { ids, location, subscription } from "../../fakes/azure/rig.ts";
import { azureTest, open, rejects, signal } from "./azure_cloud.ts";

const flags = { routeTables: ["tag:crs=yes"] };
const elsewhere =
  `/subscriptions/${subscription}/resourceGroups/spokes/providers/Microsoft.Network/routeTables/spoke`;

function placeTagged(rig: AzureRig, id: string, value: string): void {
  rig.arm.state.place(id, {
    type: "Microsoft.Network/routeTables",
    location,
    tags: { crs: value },
    properties: { routes: [] },
  });
}

/** The role does not reach these scopes. */
function refuse(rig: AzureRig, ...scopes: readonly RegExp[]): void {
  rig.arm.faults.push({
    matches: ({ path }) => path.endsWith("/routeTables") && scopes.some((scope) => scope.test(path)),
    times: Infinity,
    status: 403,
    code: "AuthorizationFailed",
    message:
      "The client does not have authorization to perform action 'Microsoft.Network/routeTables/read' over scope 's'.",
  });
}

const ofSubscription = /^\/subscriptions\/[^/]+\/providers\//;

azureTest("tables with the tag are found in the whole subscription, page by page", async (rig) => {
  placeTagged(rig, ids.formerTable, "yes");
  placeTagged(rig, elsewhere, "yes");
  placeTagged(rig, `${elsewhere}-not`, "no");
  rig.arm.pageSize = 1;
  const tables = await open(rig, flags).prepare(signal);
  assert.deepEqual(tables.map(({ name, foundBy }) => [name, foundBy]).sort(), [
    ["operators-table", "tag:crs=yes"],
    ["spoke", "tag:crs=yes"],
  ]);
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest(
  "where the role ends at resource groups, those of VM and network are looked through",
  async (rig) => {
    placeTagged(rig, ids.formerTable, "yes");
    placeTagged(rig, elsewhere, "yes");
    refuse(rig, ofSubscription);
    const cloud = open(rig, flags);
    assert.deepEqual((await cloud.prepare(signal)).map(({ id }) => id), [ids.formerTable]);
    rig.arm.state.remove(ids.formerTable);
    await rejects(
      cloud.prepare(signal),
      "gone",
      /^Cannot find a route table in resource group .+ or .+, which is all that this VM's role may list, with the tag crs=yes: /,
    );
  },
);

azureTest("a role that may list nothing is missing a permission, and no table", async (rig) => {
  placeTagged(rig, ids.formerTable, "yes");
  refuse(rig, /./);
  const error = await rejects(open(rig, flags).prepare(signal), "denied");
  assert.equal(error.action, "Microsoft.Network/routeTables/read");
});

azureTest("the role of doctor -policy is for the subscription where tags are given", async (rig) => {
  const scopeOf = async (
    changed: typeof flags | { readonly routeTables: readonly string[] },
  ): Promise<unknown> => {
    const cloud = open(rig, changed);
    await cloud.identify(signal);
    return JSON.parse(cloud.policy()).AssignableScopes;
  };
  assert.deepEqual(await scopeOf(flags), [`/subscriptions/${subscription}`]);
  assert.notDeepEqual(await scopeOf({ routeTables: ["clients"] }), [`/subscriptions/${subscription}`]);
});
