/** Which of this VM's interfaces (ENI, port, NIC) `-self` picks. */

import type { OwnAddress } from "../../routes/own_address.ts";
import { type IpAddress, type Prefix, prefixContainsAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";

/** What an interface has: addresses, and blocks of addresses. */
interface Held {
  readonly addresses: readonly IpAddress[];
  readonly blocks?: readonly Prefix[];
}

/**
 * Finds the interface that has the addresses of `-self`.
 *
 * @param interfaces this VM's, as its cloud knows them.
 * @returns null without `-self`.
 * @throws {CloudError} `invalid` if none has an address, or several have one each.
 */
export function ownInterface<Interface extends Held>(
  interfaces: readonly Interface[],
  self: readonly OwnAddress[],
): Interface | null {
  const picked = new Set(self.map(({ address }) => {
    const found = interfaces.find((each) => holds(each, address));
    if (found !== undefined) return found;
    const known = interfaces.flatMap((each) => each.addresses.map(({ text }) => text)).join(", ");
    throw new CloudError(
      "invalid",
      `Cannot use -self ${address.text}: no interface of this VM has that address, they have ${
        known || "none"
      }`,
    );
  }));
  const [only = null, other] = picked;
  if (other === undefined) return only;
  const texts = self.map(({ address }) => address.text).join(" and ");
  throw new CloudError("invalid", `Cannot use -self: ${texts} are on different interfaces of this VM`);
}

function holds({ addresses, blocks = [] }: Held, address: IpAddress): boolean {
  return addresses.some(({ text }) => text === address.text) ||
    blocks.some((block) => prefixContainsAddress(block, address));
}
