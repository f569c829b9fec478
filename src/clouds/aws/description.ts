/** AWS as the registry knows it. */

import { type CloudDescription, describeCloud } from "../cloud_description.ts";
import { awsNetworkFacts } from "./network_facts.ts";

/** See the head of this file. */
export const aws: CloudDescription = describeCloud({
  flags: {},
  sharedFlags: ["route-table", "no-associate"],
  power: {
    network: true,
    environment: ["AWS_*", "HOME"],
    // Profiles name files of tokens and keys.
    files: "any",
    sys: [],
  },
  networkFacts: awsNetworkFacts,
  apiWords: {
    paths: ["latest", "meta-data", "token"],
    requestIds: ["x-amzn-requestid", "x-amz-request-id"],
  },
  // Nitro's strings; a Xen instance has vendor Xen and a version such as 4.2.amazon (cloud-init, ds-identify: dscheck_Ec2).
  detect: (dmi) =>
    dmi("sys_vendor") === "Amazon EC2" || dmi("bios_vendor") === "Amazon EC2" ||
    /amazon/i.test(dmi("bios_version") ?? ""),
  load: async () => (await import("./aws.ts")).openAws,
});
