/** Controllers that write routes into tables that they find by a tag. */

import type { KeeperTag } from "../kit/own_table.ts";

/**
 * By tag:
 *
 * - Kubernetes: the AWS cloud controller's route controller finds its table by the cluster's tag
 *   (kubernetes/cloud-provider-aws, pkg/providers/v1/tags.go), gardener's aws-custom-route-controller by the same one.
 * - Cluster API: sigs.k8s.io/cluster-api-provider-aws/cluster/NAME (its documentation, "Consuming existing AWS infrastructure").
 * - Aviatrix: its controller tags what it creates with Aviatrix-Created-Resource.
 */
export const knownKeepers: readonly KeeperTag[] = [
  { key: /^kubernetes\.io\/cluster\//, keeper: "a Kubernetes cluster" },
  { key: /^KubernetesCluster$/, keeper: "a Kubernetes cluster" },
  { key: /^sigs\.k8s\.io\/cluster-api-provider-aws\/cluster\//, keeper: "Cluster API" },
  { key: /^Aviatrix-Created-Resource$/, keeper: "Aviatrix" },
];
