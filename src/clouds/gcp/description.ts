/** Google Cloud as the registry knows it. */

import { type CloudDescription, describeCloud } from "../cloud_description.ts";
import { gcpFlags } from "./flags.ts";
import { gcpNetworkFacts } from "./network_facts.ts";

/** See the head of this file. */
export const gcp: CloudDescription = describeCloud({
  flags: gcpFlags,
  sharedFlags: ["route-table"],
  power: { network: true, environment: ["GCE_METADATA_HOST"], files: [], sys: [] },
  networkFacts: gcpNetworkFacts,
  apiWords: {
    paths: [
      "addresses",
      "forwardingRules",
      "instance",
      "instances",
      "networks",
      "operations",
      "projects",
      "regions",
      "routes",
      "subnetworks",
      "token",
      "wait",
    ],
    requestIds: [],
  },
  detect: (dmi) => dmi("product_name") === "Google Compute Engine",
  load: async () => (await import("./gcp.ts")).openGcp,
});
