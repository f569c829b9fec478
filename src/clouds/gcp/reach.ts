/**
 * Which of this VM's networks a neighbour is in. Pure.
 *
 * Networks are worlds of their own: an address of one means nothing in another, or a VM of the same address
 * there. What tells them apart is the subnet of this VM's interface, by which its kernel reaches the neighbour.
 */

import { type IpAddress, type Prefix, prefixContainsAddress } from "../../routes/prefix.ts";

/** One of the networks that are kept in step, and what this VM reaches there by its own interface. */
export interface Reach {
  /** Short URL. */
  readonly network: string;
  /** Ranges of the interface's subnet; of no account where there is but one network. */
  readonly ranges: readonly Prefix[];
}

/** The networks that a gateway may be in: one, or none if its subnet is gone. */
export function networksAround(gateway: IpAddress, reaches: readonly Reach[]): readonly string[] {
  const around = reaches.length === 1
    ? reaches
    : reaches.filter(({ ranges }) => ranges.some((range) => prefixContainsAddress(range, gateway)));
  return around.map(({ network }) => network);
}

/** The ranges whose addresses belong to neighbours in other networks than this. */
export function rangesElsewhere(network: string, reaches: readonly Reach[]): readonly Prefix[] {
  return reaches.filter((reach) => reach.network !== network).flatMap(({ ranges }) => ranges);
}
