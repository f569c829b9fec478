/**
 * What this VM's interfaces reach, and which of its networks an address is in. Pure.
 *
 * An address of one network means nothing in another, or another VM. Where
 * several are kept in step, their own subnets tell them apart: Google takes no VM with two interfaces whose subnets overlap. Ranges of
 * other subnets count only where they overlap with nothing of another of these networks.
 */

import { type Prefix, prefixContains } from "../../routes/prefix.ts";

/** The ranges of a network that is kept in step. */
export interface NetworkRanges {
  /** Short URL. */
  readonly network: string;
  /** Ranges of the subnet of this VM's interface. */
  readonly own: readonly Prefix[];
  /** Ranges of all its subnets, those of aliases too. */
  readonly all: readonly Prefix[];
  /** Ranges of the networks that it is peered with. */
  readonly peers: readonly Prefix[];
}

/** A network and the ranges whose addresses this VM reaches there by its own interface. */
export interface Reach {
  /** Short URL. */
  readonly network: string;
  readonly ranges: readonly Prefix[];
}

/** What each network's interface reaches. No address is in the ranges of two. */
export function reachesOf(networks: readonly NetworkRanges[]): readonly Reach[] {
  return networks.map(({ network, own, all, peers }) => {
    const others = networks.filter((other) => other.network !== network);
    const theirs = others.flatMap((other) => [...other.own, ...other.all]);
    const theirsAndPeers = [...theirs, ...others.flatMap((other) => other.peers)];
    const isOwn = (range: Prefix): boolean => own.some(({ text }) => text === range.text);
    return {
      network,
      ranges: [
        ...own,
        ...all.filter((range) => !isOwn(range) && isClearOf(theirs, range)),
        ...peers.filter((range) => isClearOf(theirsAndPeers, range)),
      ],
    };
  });
}

/** The ranges whose addresses belong to neighbours in other networks than this. */
export function rangesElsewhere(network: string, reaches: readonly Reach[]): readonly Prefix[] {
  return reaches.filter((reach) => reach.network !== network).flatMap(({ ranges }) => ranges);
}

function isClearOf(ranges: readonly Prefix[], range: Prefix): boolean {
  return !ranges.some((other) => overlap(other, range));
}

function overlap(left: Prefix, right: Prefix): boolean {
  return prefixContains(left, right) || prefixContains(right, left);
}
