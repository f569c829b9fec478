/** The least that the program's service account must be allowed, as a custom role. */

/** Permissions in the project of the network, which holds the routes. */
export const networkPermissions: readonly string[] = [
  "compute.globalOperations.get",
  "compute.networks.get",
  "compute.networks.listPeeringRoutes",
  "compute.networks.updatePolicy",
  "compute.routes.create",
  "compute.routes.delete",
  "compute.routes.get",
  "compute.routes.list",
  "compute.subnetworks.get",
  "compute.subnetworks.list",
];

/** Permissions in the project of the VM; `use` is what a route's `nextHopInstance` takes. */
export const instancePermissions: readonly string[] = [
  "compute.instances.get",
  "compute.instances.use",
];

/** What finds another router (`-peer`) by its address, in the project of the VM. */
export const peerPermissions: readonly string[] = ["compute.instances.list"];

/** What a route's `nextHopIlb` takes besides, in the project of the forwarding rule. */
export const ilbPermissions: readonly string[] = [
  "compute.forwardingRules.get",
  "compute.forwardingRules.use",
];

/** The custom role as a file for gcloud, with the commands that use it. */
export function customRole(withIlb: boolean): string {
  const permissions = [
    ...networkPermissions,
    ...instancePermissions,
    ...peerPermissions,
    ...(withIlb ? ilbPermissions : []),
  ].sort();
  return `# gcloud iam roles create cloudroutesync --project=PROJECT --file=THIS_FILE
# gcloud projects add-iam-policy-binding PROJECT --role=projects/PROJECT/roles/cloudroutesync \\
#   --member=serviceAccount:SERVICE_ACCOUNT
# In a Shared VPC do both in the host project as well: the routes are there. The VM needs the access scope cloud-platform
# (or compute), and must have been created with --can-ip-forward.
title: cloudroutesync
description: Keeps the routes of a VPC network in step with the kernel of a router VM
stage: GA
includedPermissions:
${permissions.map((permission) => `  - ${permission}`).join("\n")}
`;
}
