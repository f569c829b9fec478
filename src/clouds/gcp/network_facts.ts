/**
 * Google's APIs are reached inside a network by restricted.googleapis.com (199.36.153.4/30, 2600:2d00:2:1000::/56),
 * private.googleapis.com (199.36.153.8/30, 2600:2d00:2:2000::/56) and directly (34.126.0.0/18, 2001:4860:8040::/42): traffic to them
 * must go by the default internet gateway, by no router VM
 * (https://cloud.google.com/vpc/docs/configure-private-google-access). The Compute API tells the subnet's router; an interface is
 * alone on its link with it.
 */

import { parsePrefix } from "../../routes/prefix.ts";
import type { NetworkFacts } from "../network_facts.ts";

/** See the head of this file. */
export const gcpNetworkFacts: NetworkFacts = {
  reserved: [
    "199.36.153.4/30",
    "199.36.153.8/30",
    "34.126.0.0/18",
    "2600:2d00:2:1000::/56",
    "2600:2d00:2:2000::/56",
    "2001:4860:8040::/42",
  ].map(parsePrefix),
  linkLocalIsRouter: true,
  firstAddressIsRouter: false,
};
