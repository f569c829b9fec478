/** Why a kernel route is not exported. Logs, metrics, `routes`, `plan` and `explain` use the same words. */

/** One word a reason. */
export type DropReason =
  | "other-table"
  | "ipv6-off"
  | "tos"
  | "shadowed"
  | "type"
  | "no-gateway"
  | "link-down"
  | "protocol"
  | "default-route"
  | "reserved"
  | "subnet-router"
  | "own-network"
  | "excluded"
  | "not-included"
  | "no-self-address";

/** What each reason means, and the flag that changes it, where one does. */
export const dropReasonMeanings: Readonly<Record<DropReason, string>> = {
  "other-table": "it stands in a kernel table that is not read (-table)",
  "ipv6-off": "IPv6 is off (-ipv6 turns it on)",
  "tos": "it serves packets of one type of service only",
  "shadowed": "another route for the same prefix has a lower metric, or is listed first",
  "type": "it is not a unicast route (-blackhole takes blackhole routes)",
  "no-gateway": "it has no gateway: the network is on the link (-interface takes routes out of a device)",
  "link-down": "every gateway is on a link that is dead or without carrier",
  "protocol": "the protocol that installed it is not exported (-protocol)",
  "default-route": "it is a default route in some guise (-allow-default takes it)",
  "reserved": "it lies inside a reserved range",
  "subnet-router": "its gateway is the cloud's own subnet router, so that packets would loop",
  "own-network": "it lies inside the address space of the VM's own network (-allow-local takes it)",
  "excluded": "an -exclude rule matches it",
  "not-included": "no -include rule matches it",
  "no-self-address": "this VM has no address of that family that the cloud can point at",
};
