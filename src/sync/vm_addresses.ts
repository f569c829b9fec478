/** Which addresses this VM has, as the kernel says, and how they differ from those of before. */

import type { KernelTable } from "../kernel/kernel_table.ts";
import { ownAddress } from "../routes/own_address.ts";

/** This VM's addresses at one moment. */
export interface VmAddresses {
  /** Each address as `INDEX ADDRESS`, INDEX being that of its interface. */
  readonly all: ReadonlySet<string>;
  /** The address by which the default route of each family leaves; null where there is none. */
  readonly leaving: Readonly<Record<4 | 6, string | null>>;
}

/** How addresses differ from those of before. */
export interface AddressDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Families of which the default route leaves by another address: a lease brings the address first and the route later. */
  readonly rerouted: readonly (4 | 6)[];
}

/** This VM's addresses as the kernel says. */
export function vmAddressesOf(kernel: KernelTable): VmAddresses {
  const leaving = (family: 4 | 6): string | null => ownAddress(family, kernel)?.address.text ?? null;
  return {
    all: new Set(
      kernel.addresses().map(({ interfaceIndex, address }) => `${interfaceIndex} ${address.text}`),
    ),
    leaving: { 4: leaving(4), 6: leaving(6) },
  };
}

/** How the addresses of now differ; null where they do not. @param before null: they were never looked at. */
export function addressDifference(before: VmAddresses | null, now: VmAddresses): AddressDifference | null {
  const added = [...now.all].filter((address) => before?.all.has(address) !== true);
  const removed = [...before?.all ?? []].filter((address) => !now.all.has(address));
  const rerouted = ([4, 6] as const).filter((family) =>
    (before?.leaving[family] ?? null) !== now.leaving[family]
  );
  return added.length + removed.length + rerouted.length === 0 ? null : { added, removed, rerouted };
}
