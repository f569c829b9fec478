/**
 * Azure's agent, DHCP and DNS are 168.63.129.16. A subnet's router has the first address (virtual network FAQ); for IPv6 it sends
 * router advertisements from fe80::1234:5678:9abc.
 */

import { parsePrefix } from "../../routes/prefix.ts";
import type { NetworkFacts } from "../network_facts.ts";

/** See the head of this file. */
export const azureNetworkFacts: NetworkFacts = {
  reserved: ["168.63.129.16/32"].map(parsePrefix),
  linkLocalIsRouter: true,
  firstAddressIsRouter: true,
};
