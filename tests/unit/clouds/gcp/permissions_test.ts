import assert from "node:assert/strict";
import { parse } from "yaml";
import { customRole } from "../../../../src/clouds/gcp/permissions.ts";

/** The permissions of a role as gcloud reads it. */
function permissionsOf(role: string): readonly string[] {
  const { includedPermissions } = parse(role) as { readonly includedPermissions: readonly string[] };
  return includedPermissions;
}

Deno.test("customRole() is a role file of gcloud, each permission once and in order", () => {
  const permissions = permissionsOf(customRole(false));
  assert.deepEqual(permissions, [...new Set(permissions)].sort());
  assert.ok(permissions.every((permission) => /^compute\.[a-zA-Z]+\.[a-zA-Z]+$/.test(permission)));
});

Deno.test("customRole() adds the forwarding rule's permissions when routes point at one", () => {
  const added = permissionsOf(customRole(true)).filter((permission) =>
    !customRole(false).includes(permission)
  );
  assert.deepEqual(added, ["compute.forwardingRules.get", "compute.forwardingRules.use"]);
});

Deno.test("customRole() grants what terraform/gcp grants", async () => {
  const terraform = await Deno.readTextFile(new URL("../../../../terraform/gcp/iam.tf", import.meta.url));
  const granted = [...terraform.matchAll(/"(compute\.[a-zA-Z]+\.[a-zA-Z]+)"/g)].map(([, permission]) =>
    permission
  );
  assert.deepEqual(granted, permissionsOf(customRole(false)));
});
