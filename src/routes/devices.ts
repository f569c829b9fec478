/** Which of the kernel's devices matter to the policy: those that `-interface` names, and those on the cloud network. Pure. */

import type { InterfaceAddress, Link } from "../kernel/kernel_table.ts";
import type { IpAddress, Prefix } from "./prefix.ts";

/** How this VM is on a cloud network: by these addresses, and what can be reached there. */
export interface Attachment {
  /** Addresses of this VM on that network; the kernel's device that has one of them is on it. */
  readonly addresses: readonly IpAddress[];
  /** The network's address space in which a gateway may be another machine of the cloud. */
  readonly networks: readonly Prefix[];
}

/** Devices by interface index. */
export interface Devices {
  /** Those that `-interface` names. */
  readonly named: ReadonlySet<number>;
  /** Those on a cloud network, each with what it reaches. */
  readonly attached: ReadonlyMap<number, Attachment>;
}

/** What the kernel says of links and addresses. */
export interface KernelDevices {
  links(): readonly Link[];
  addresses(): readonly InterfaceAddress[];
}

/**
 * Finds the devices.
 *
 * @param names what `-interface` names.
 */
export function findDevices(
  kernel: KernelDevices,
  names: ReadonlySet<string>,
  attachments: readonly Attachment[],
): Devices {
  return { named: findNamed(kernel, names), attached: findAttached(kernel, attachments) };
}

/** The names that no device has at the moment. */
export function absentDevices(links: readonly Link[], names: ReadonlySet<string>): readonly string[] {
  const present = new Set(links.flatMap(namesOf));
  return [...names].filter((name) => !present.has(name));
}

function findNamed(kernel: KernelDevices, names: ReadonlySet<string>): ReadonlySet<number> {
  if (names.size === 0) return new Set();
  const named = kernel.links().filter((link) => namesOf(link).some((name) => names.has(name)));
  return new Set(named.map(({ index }) => index));
}

function findAttached(
  kernel: KernelDevices,
  attachments: readonly Attachment[],
): ReadonlyMap<number, Attachment> {
  const byAddress = new Map(
    attachments.flatMap((attachment) => attachment.addresses.map(({ text }) => [text, attachment] as const)),
  );
  return new Map(
    kernel.addresses().flatMap(({ address, interfaceIndex }) => {
      const attachment = byAddress.get(address.text);
      return attachment === undefined ? [] : [[interfaceIndex, attachment] as const];
    }),
  );
}

function namesOf({ name, altNames }: Link): readonly string[] {
  return [name, ...altNames];
}
