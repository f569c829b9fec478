/** A policy and an identity to judge routes with: the defaults of the command line on a small VM. */

import { type Policy, type PolicyIdentity } from "../../src/routes/policy.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";

/** The policy that no flag changes. */
export const defaultPolicy: Policy = {
  tables: [254],
  protocols: null,
  filter: [],
  interfaces: new Set(),
  blackhole: false,
  ipv6: false,
  allowDefault: false,
  allowLocal: false,
};

/** A VM 10.0.0.4 (2001:db8:a::4) in subnet 10.0.0.0/24 of the network 10.0.0.0/16, whose router is 10.0.0.1. */
export const smallVm: PolicyIdentity = {
  self: { 4: "10.0.0.4", 6: "2001:db8:a::4" },
  addresses: ["10.0.0.4", "2001:db8:a::4"].map(parseAddress),
  subnets: ["10.0.0.0/24", "2001:db8:a::/64"].map(parsePrefix),
  networks: ["10.0.0.0/16", "2001:db8:a::/48"].map(parsePrefix),
  subnetRouters: ["10.0.0.1"].map(parseAddress),
  reserved: [],
};
