/** The least custom role that this program needs. */

/** What each step of the program may do, and nothing more. */
const actions: readonly string[] = [
  // Who this VM is.
  "Microsoft.Network/networkInterfaces/read",
  "Microsoft.Network/virtualNetworks/read",
  "Microsoft.Network/virtualNetworks/subnets/read",
  "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/read",
  // Whether the VM of another router runs: with -peer alone.
  "Microsoft.Compute/virtualMachines/instanceView/read",
  // The route table and its routes.
  "Microsoft.Network/routeTables/read",
  "Microsoft.Network/routeTables/write",
  "Microsoft.Network/routeTables/delete",
  "Microsoft.Network/routeTables/routes/write",
  "Microsoft.Network/locations/usages/read",
  // The subnet's use of the table. Whoever writes a subnet must be allowed to join all that it refers to.
  "Microsoft.Network/virtualNetworks/subnets/write",
  "Microsoft.Network/virtualNetworks/subnets/join/action",
  "Microsoft.Network/routeTables/join/action",
  "Microsoft.Network/networkSecurityGroups/join/action",
  "Microsoft.Network/natGateways/join/action",
  "Microsoft.Network/serviceEndpointPolicies/join/action",
];

/**
 * The role's definition, as `az role definition create --role-definition @FILE` takes it.
 *
 * @param scope what the role may be assigned to, such as a resource group's id.
 */
export function customRole(scope: string): string {
  const role = {
    Name: "cloudroutesync",
    IsCustom: true,
    Description: "Keeps a route table in step with the routes of a VM's kernel",
    Actions: actions,
    NotActions: [],
    AssignableScopes: [scope],
  };
  return `${JSON.stringify(role, null, 2)}\n`;
}

/** Stands in a role's scope where it is not known yet. */
export const placeholderScope = "/subscriptions/SUBSCRIPTION/resourceGroups/RESOURCE-GROUP";
