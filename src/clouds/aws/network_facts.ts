/**
 * AWS reserves fd00:ec2::/32 for its services. A subnet's router has the first address; for IPv6 it is fe80:ec2::1 too, and a
 * link-local address made of its MAC address (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
 */

import { parsePrefix } from "../../routes/prefix.ts";
import type { NetworkFacts } from "../network_facts.ts";

/** See the head of this file. */
export const awsNetworkFacts: NetworkFacts = {
  reserved: ["fd00:ec2::/32"].map(parsePrefix),
  linkLocalIsRouter: true,
  firstAddressIsRouter: true,
};
