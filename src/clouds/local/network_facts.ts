/** The embedded cloud knows nothing of networks: any gateway may be another machine. */

import type { NetworkFacts } from "../network_facts.ts";

/** See the head of this file. */
export const localNetworkFacts: NetworkFacts = {
  reserved: [],
  linkLocalIsRouter: false,
  firstAddressIsRouter: false,
};
