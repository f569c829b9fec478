/** OpenStack's networks are Ethernets: a link-local gateway may be any machine. Its API tells the routers' ports. */

import type { NetworkFacts } from "../network_facts.ts";

/** See the head of this file. */
export const openstackNetworkFacts: NetworkFacts = {
  reserved: [],
  linkLocalIsRouter: false,
  firstAddressIsRouter: false,
};
