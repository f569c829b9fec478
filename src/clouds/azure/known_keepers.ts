/** Controllers that write routes into tables of their own, or into tables that they find by a tag. */

import { keeperOf, type KeeperTag, keptByAnother } from "../kit/own_table.ts";
import { parseArmId } from "./resource_id.ts";
import type { ArmRouteTable } from "./schemas.ts";

/**
 * By tag:
 *
 * - AKS puts `aks-managed-cluster-name`, `aks-managed-cluster-rg` and `aks-managed-…` on what it keeps in a cluster's node group.
 * - Cluster API: `sigs.k8s.io_cluster-api-provider-azure_cluster_NAME` (its documentation, "Consuming existing Azure infrastructure").
 * - F5's Cloud Failover Extension finds its tables by `f5_cloud_failover_label` (clouddocs.f5.com, "Azure").
 * - Aviatrix: its controller tags what it creates with `Aviatrix-Created-Resource`.
 */
const knownKeepers: readonly KeeperTag[] = [
  { key: /^aks-managed-/i, keeper: "AKS" },
  { key: /^sigs\.k8s\.io_cluster-api-provider-azure_/i, keeper: "Cluster API" },
  { key: /^f5_cloud_failover_label$/i, keeper: "F5's Cloud Failover Extension" },
  { key: /^Aviatrix-Created-Resource$/i, keeper: "Aviatrix" },
];

/**
 * Azure Virtual Network Manager keeps its tables in a resource group of this name
 * (learn.microsoft.com, "Automate management of user-defined routes").
 */
const managerGroup = /^AVNM_Managed_ResourceGroup_/i;

/** Why a subnet is not taken from a table, or null: nobody is known to keep it. */
export function whyKept(subnet: string, table: ArmRouteTable): string | null {
  const found = keeperOf(Object.keys(table.tags ?? {}), knownKeepers);
  if (found !== null) return keptByAnother(subnet, table, found);
  if (!managerGroup.test(parseArmId(table.id).resourceGroup)) return null;
  return `Cannot take subnet ${subnet} from route table ${table.name}: its resource group says that Azure Virtual Network Manager ` +
    `writes to it, and a copy would be behind; share it with -route-table ${table.id}`;
}
