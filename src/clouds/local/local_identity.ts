/** Who this VM is when only the kernel can tell. */

import type { OwnAddress } from "../../routes/own_address.ts";
import type { Family, Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";

/**
 * Makes an identity of this VM's own addresses; its network is taken to be its subnets.
 *
 * @param own one address a family at most.
 * @param reserved ranges that the cloud reserves, where it is known.
 */
export function localIdentity(own: readonly OwnAddress[], reserved: readonly Prefix[] = []): CloudIdentity {
  const addressOf = (family: Family): string | null =>
    own.find(({ address }) => address.family === family)?.address.text ?? null;
  const subnets = own.map(({ subnet }) => subnet);
  return {
    instance: own.map(({ address }) => address.text).join(", "),
    addresses: own.map(({ address }) => address),
    self: { 4: addressOf(4), 6: addressOf(6) },
    subnets,
    networks: subnets,
    subnetRouters: [],
    reserved,
  };
}
