/** OpenStack as the registry knows it. */

import { type CloudDescription, describeCloud } from "../cloud_description.ts";
import { openstackFlags } from "./flags.ts";
import { openstackNetworkFacts } from "./network_facts.ts";

/** See the head of this file. */
export const openstack: CloudDescription = describeCloud({
  flags: openstackFlags,
  sharedFlags: ["route-table"],
  power: {
    network: true,
    environment: ["OS_*", "HOME", "XDG_CONFIG_HOME"],
    // clouds.yaml names files of certificates.
    files: "any",
    // On which links the metadata service may be.
    sys: ["networkInterfaces"],
  },
  networkFacts: openstackNetworkFacts,
  apiWords: {
    paths: [
      "add_extraroutes",
      "extensions",
      "floatingips",
      "identity",
      "latest",
      "networks",
      "openstack",
      "ports",
      "projects",
      "quotas",
      "remove_extraroutes",
      "routers",
      "servers",
      "subnets",
      "tokens",
    ],
    requestIds: ["x-openstack-request-id", "x-compute-request-id"],
  },
  detect: (dmi) =>
    dmi("product_name").startsWith("OpenStack") || dmi("sys_vendor") === "OpenStack Foundation",
  load: async () => (await import("./openstack.ts")).openOpenstack,
});
