/** A policy and an identity to judge routes with: the defaults of the command line on a small VM. */

import { type Policy, type PolicyIdentity } from "../../src/routes/policy.ts";
import type { KernelRoute } from "../../src/kernel/kernel_table.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";
import { RouteJudge } from "../../src/routes/route_judge.ts";
import { FakeKernelTable, interfaceAddress, link } from "./kernel_routes.ts";

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

/** A VM 10.0.0.4 (2001:db8:a::4) in the network 10.0.0.0/16 (2001:db8:a::/48), whose subnet's router is 10.0.0.1. */
export const smallVm: PolicyIdentity = {
  self: { 4: "10.0.0.4", 6: "2001:db8:a::4" },
  addresses: ["10.0.0.4", "2001:db8:a::4"].map(parseAddress),
  attachments: [{
    addresses: ["10.0.0.4", "2001:db8:a::4"].map(parseAddress),
    networks: ["10.0.0.0/16", "2001:db8:a::/48"].map(parsePrefix),
  }],
  networks: ["10.0.0.0/16", "2001:db8:a::/48"].map(parsePrefix),
  subnetRouters: ["10.0.0.1"].map(parseAddress),
  linkLocalIsRouter: false,
  reserved: [],
};

/** The devices of that VM: eth0 is on the network, the others are not. */
export const smallDevices = {
  links: ["lo", "eth0", "eth1", "wg0", "wg1", "br100"].map((name) =>
    link(name, name === "wg0" ? { altNames: ["tunnel-to-berlin"] } : {})
  ),
  addresses: [
    interfaceAddress("eth0", "10.0.0.4/24"),
    interfaceAddress("eth0", "2001:db8:a::4/64"),
    interfaceAddress("eth1", "192.168.1.4/24"),
  ],
};

/** A kernel table with the devices of that VM. */
export function smallKernel(routes: Iterable<KernelRoute> = []): FakeKernelTable {
  return new FakeKernelTable(routes, smallDevices.links, smallDevices.addresses);
}

/** A judge of that VM's routes, by the default policy and identity but for what is changed. */
export function smallJudge(
  policy: Partial<Policy> = {},
  identity: Partial<PolicyIdentity> = {},
): RouteJudge {
  return new RouteJudge({ ...defaultPolicy, ...policy }, { ...smallVm, ...identity }, smallKernel());
}
