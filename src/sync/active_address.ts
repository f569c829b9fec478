/** `-active-address`: whether the address that a VRRP daemon moves among the routers of a group is on this one. */

import { getLogger } from "@logtape/logtape";
import type { KernelTable } from "../kernel/kernel_table.ts";
import type { IpAddress } from "../routes/prefix.ts";

const log = getLogger(["cloudroutesync", "group"]);

/** See the head of this file. */
export class ActiveAddress {
  readonly #address: IpAddress | null;
  readonly #kernel: Pick<KernelTable, "addresses">;
  #wasHere: boolean | null = null;

  /** @param address null: this router is always active. */
  constructor(address: IpAddress | null, kernel: Pick<KernelTable, "addresses">) {
    this.#address = address;
    this.#kernel = kernel;
  }

  /** Whether this router may change routes. */
  get isHere(): boolean {
    const wanted = this.#address;
    return wanted === null || this.#kernel.addresses().some(({ address }) => address.text === wanted.text);
  }

  /** Looks again. @returns whether the address came or went since the last look. */
  look(): boolean {
    const { isHere } = this;
    if (this.#address === null || isHere === this.#wasHere) return false;
    log.info(
      isHere
        ? "Active: {address} is on this VM"
        : "Passive: {address} is not on this VM; no route is changed",
      {
        event: isHere ? "active" : "passive",
        address: this.#address.text,
      },
    );
    this.#wasHere = isHere;
    return true;
  }
}
