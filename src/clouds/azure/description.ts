/** Azure as the registry knows it. */

import { type CloudDescription, describeCloud } from "../cloud_description.ts";
import { azureFlags } from "./flags.ts";
import { azureNetworkFacts } from "./network_facts.ts";

/** Tells Azure from other Hyper-V machines (cloud-init, DataSourceAzure). */
const chassisTag = "7783-7084-3265-9085-8269-3286-77";

/** See the head of this file. */
export const azure: CloudDescription = describeCloud({
  flags: azureFlags,
  sharedFlags: ["route-table", "no-associate"],
  power: {
    network: true,
    environment: ["AZURE_*"],
    files: ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_CERTIFICATE_PATH"],
    // The SDK tells the service the kernel's release, and fails where it may not read it.
    sys: ["osRelease"],
  },
  networkFacts: azureNetworkFacts,
  apiWords: {
    paths: [
      "identity",
      "instance",
      "locations",
      "metadata",
      "networkInterfaces",
      "oauth2",
      "operations",
      "resourceGroups",
      "routeTables",
      "routes",
      "subnets",
      "token",
      "usages",
      "virtualMachines",
      "virtualMachineScaleSets",
      "virtualNetworks",
    ],
    requestIds: ["x-ms-request-id"],
  },
  detect: (dmi) => dmi("chassis_asset_tag") === chassisTag,
  load: async () => (await import("./azure.ts")).openAzure,
});
