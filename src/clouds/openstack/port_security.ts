/**
 * Whether a port may send what this VM forwards. Neutron's port security drops packets whose source is neither an address of the port nor
 * in its `allowed_address_pairs`.
 *
 * Those pairs do more than that: to a security group's rule for a remote group, every address in the pairs of a member is a member. So
 * `0.0.0.0/0` lets everybody in wherever a rule lets the port's group in, as the default group's own rules do (RHOSP 17.1, "Configuring
 * allowed address pairs"). What is advised is never more than the prefixes that are routed to this VM, and what is written is that only
 * where no rule names a group of the port.
 */

import {
  hostPrefix,
  parseAddress,
  parseInterfaceAddress,
  type Prefix,
  prefixContains,
} from "../../routes/prefix.ts";
import type { Finding } from "../cloud.ts";
import type { Port } from "./schemas.ts";

/** Neutron's `max_allowed_address_pair`, unless the operator raised it. */
const mostPairs = 10;

/** Prefixes shorter than these are no prefix of somebody's but a default route in disguise. */
const shortest = { 4: 8, 6: 7 } as const;

/** What is known of a port. */
export interface PortForwarding {
  readonly port: Port;
  /** The prefixes that are routed to this VM by this port. */
  readonly sources: readonly Prefix[];
  /** Groups of the port that rules name as remote group; null where rules cannot be read. */
  readonly remoteGroups: readonly string[] | null;
}

/** What to do about a port, and the pairs to add where that is safe. */
export interface ForwardingAdvice {
  readonly finding: Finding;
  /** Null where nothing is to be added, or a person must decide. */
  readonly add: readonly string[] | null;
}

/** Looks at one port. */
export function adviseForwarding(forwarding: PortForwarding): ForwardingAdvice {
  const { port, sources } = forwarding;
  const name = `forwarding by port ${port.id}`;
  const said = (finding: Omit<Finding, "name">): ForwardingAdvice => ({
    finding: { name, ...finding },
    add: null,
  });
  if (port.port_security_enabled === false) {
    return said({ status: "ok", detail: "Port security is off: the port may forward packets." });
  }
  const allowed = pairsOf(port);
  const broad = allowed.filter(isBroad);
  if (broad.length > 0 && forwarding.remoteGroups?.length !== 0) return said(tooOpen(forwarding, broad));
  if (sources.length === 0) {
    return said({
      status: "unknown",
      detail: "Port security lets the port send from its own addresses" +
        (allowed.length === 0 ? "" : ` and ${textsOf(allowed)}`) +
        "; no route by this VM is there yet that would need more.",
    });
  }
  const missing = widest(sources).filter((source) => !allowed.some((range) => prefixContains(range, source)));
  if (missing.length === 0) {
    return said({
      status: "ok",
      detail: "The port may forward packets of all prefixes that are routed to this VM.",
    });
  }
  const detail = `Port security drops packets that the port forwards from ${textsOf(missing)}.`;
  const fits = allowed.length + missing.length <= mostPairs && !missing.some(isBroad);
  const remedy = fits ? pairsRemedy(forwarding, missing) : offRemedy(forwarding);
  const isSafe = fits && forwarding.remoteGroups?.length === 0;
  return {
    finding: { name, status: "bad", detail, remedy },
    add: isSafe ? missing.map(({ text }) => text) : null,
  };
}

function tooOpen({ port, remoteGroups }: PortForwarding, broad: readonly Prefix[]): Omit<Finding, "name"> {
  const opened = remoteGroups === null
    ? "wherever a rule lets in a security group of this port (whether one does cannot be read)"
    : `wherever a rule lets in security group ${remoteGroups.join(", ")}`;
  return {
    status: "bad",
    detail: `The allowed address pairs have ${textsOf(broad)}, which lets everybody in ${opened}.`,
    remedy:
      `openstack port set --no-allowed-address ${port.id}, then run doctor again for the ranges that are needed`,
  };
}

function pairsRemedy({ port, remoteGroups }: PortForwarding, missing: readonly Prefix[]): string {
  const flags = missing.map(({ text }) => `--allowed-address ip-address=${text}`).join(" ");
  const command = `openstack port set ${flags} ${port.id}`;
  if (remoteGroups === null) {
    return `${command}; hosts of these ranges are then let in wherever a rule lets in a security group of this port`;
  }
  if (remoteGroups.length === 0) return command;
  return `${command}; hosts of these ranges are then let in wherever a rule lets in security group ${
    remoteGroups.join(", ")
  }: if they must not be, give the port a group first that no rule names`;
}

function offRemedy({ port, remoteGroups }: PortForwarding): string {
  const command = `openstack port set --no-security-group --disable-port-security ${port.id}`;
  const alone = "the VM's own firewall alone protects it then";
  if (remoteGroups?.length === 0) return `${command}; ${alone}`;
  const groups = remoteGroups === null
    ? "a security group of it"
    : `security group ${remoteGroups.join(", ")}`;
  return `allow the port's addresses where rules let in ${groups}, of which it is no member without port security, then ` +
    `${command}; ${alone}`;
}

/** A pair with another MAC address is for who sends from that one. */
function pairsOf(port: Port): Prefix[] {
  return port.allowed_address_pairs
    .filter(({ mac_address: mac = port.mac_address }) => mac === port.mac_address)
    .flatMap(({ ip_address: text }) => prefixOrNone(text));
}

function prefixOrNone(text: string): Prefix[] {
  try {
    return [text.includes("/") ? parseInterfaceAddress(text).subnet : hostPrefix(parseAddress(text))];
  } catch {
    return [];
  }
}

/** Those that no other one contains, each once. */
function widest(prefixes: readonly Prefix[]): Prefix[] {
  const once = [...new Map(prefixes.map((prefix) => [prefix.text, prefix])).values()];
  return once.filter((prefix) => !once.some((other) => other !== prefix && prefixContains(other, prefix)));
}

function isBroad({ family, length }: Prefix): boolean {
  return length < shortest[family];
}

function textsOf(prefixes: readonly Prefix[]): string {
  const texts = prefixes.map(({ text }) => text);
  return texts.length <= 12
    ? texts.join(", ")
    : `${texts.slice(0, 12).join(", ")} and ${texts.length - 12} more`;
}
