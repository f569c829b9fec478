/** Why a kernel route is not wanted. Logs, metrics, `routes`, `plan` and `explain` use the same words. */

/**
 * One word a reason. Where several hold the first of them is told: what the kernel's own choice says, then what the route's legs say,
 * then what its destination says.
 */
const dropReasons = [
  "other-table",
  "ipv6-off",
  "tos",
  "source-specific",
  "shadowed",
  "type",
  "no-gateway",
  "link-down",
  "protocol",
  "reserved",
  "default-route",
  "subnet-router",
  "own-network",
  "excluded",
  "not-included",
  "no-self-address",
] as const;

/** One of {@linkcode dropReasons}. */
export type DropReason = (typeof dropReasons)[number];

/** What becomes of a route as a number: the place of its reason in {@linkcode dropReasons}, or this, which comes behind all reasons. */
export const wantedOutcome = dropReasons.length;

/** A reason as a number; null: the route is wanted. Of two the lower is told. */
export function outcomeOf(reason: DropReason | null): number {
  return reason === null ? wantedOutcome : dropReasons.indexOf(reason);
}

/** The reason that a number stands for; null: the route is wanted. */
export function reasonOf(outcome: number): DropReason | null {
  return dropReasons[outcome] ?? null;
}

/** Of two reasons the one that is told; null for none. */
export function firstReason(left: DropReason | null, right: DropReason | null): DropReason | null {
  return reasonOf(Math.min(outcomeOf(left), outcomeOf(right)));
}

/** What each reason means, and the flag that changes it, where one does. */
export const dropReasonMeanings: Readonly<Record<DropReason, string>> = {
  "other-table": "it stands in a kernel table that is not read (-table)",
  "ipv6-off": "IPv6 is off (-ipv6 turns it on)",
  "tos": "it serves packets of one type of service only",
  "source-specific": "it serves packets of some source addresses only (from …)",
  "shadowed": "another route for the same prefix has a lower metric, or is listed first",
  "type": "it is not a unicast route (-blackhole takes blackhole routes)",
  "no-gateway": "it has no gateway: the network is on the link (-interface takes routes out of a device)",
  "link-down": "each way out is by a link that is down or without carrier",
  "protocol":
    "its protocol is left out: redirect, kernel, ra and dhcp unless told, else what -protocol does not name",
  "default-route":
    "it is a default route, or a large piece of one: IPv4 shorter than /8, IPv6 shorter than /7 (-allow-default)",
  "reserved": "it lies inside a reserved range",
  "subnet-router": "its gateway is the cloud's own subnet router, so that packets would loop",
  "own-network": "it lies inside the address space of the VM's own network (-allow-local takes it)",
  "excluded": "an -exclude rule matches it",
  "not-included": "no -include rule matches it",
  "no-self-address": "this VM has no address of that family that the cloud can point at",
};
