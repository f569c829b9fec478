/** Finds the network interface that has an address: one call for all addresses of a family, remembered for a while. */

import type { Family, IpAddress } from "../../routes/prefix.ts";
import type { Ec2NetworkInterface } from "./ec2_answers.ts";
import type { Ec2Api } from "./ec2_api.ts";

const rememberMs = 300_000;
/** An address that nobody has may be taken by a new VM any moment. */
const rememberNobodyMs = 30_000;
/** EC2 takes no more values in one filter (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html). */
const valuesPerFilter = 200;

const filterOf: Readonly<Record<Family, string>> = {
  4: "addresses.private-ip-address",
  6: "ipv6-addresses.ipv6-address",
};

/** Interfaces of a VPC by address. */
export class InterfaceLookup {
  readonly #api: Pick<Ec2Api, "findNetworkInterfaces">;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly id: string | null; readonly until: number }>();
  /** The primary address of each interface, for people. */
  readonly #addresses = new Map<string, string>();

  /** @param now monotonic clock in milliseconds. */
  constructor(api: Pick<Ec2Api, "findNetworkInterfaces">, now: () => number) {
    this.#api = api;
    this.#now = now;
  }

  /**
   * The interfaces that addresses belong to; null where no running VM has the address.
   *
   * @throws {CloudError} if EC2 cannot be asked; nothing is remembered then.
   */
  async find(
    addresses: readonly IpAddress[],
    vpcId: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const now = this.#now();
    const unknown = addresses.filter((address) => (this.#known.get(address.text)?.until ?? 0) <= now);
    for (const family of [4, 6] as const) {
      const asked = unknown.filter((address) => address.family === family).map((address) => address.text);
      for (let start = 0; start < asked.length; start += valuesPerFilter) {
        await this.#ask(family, asked.slice(start, start + valuesPerFilter), vpcId, signal);
      }
    }
    return new Map(addresses.map((address) => [address.text, this.#known.get(address.text)?.id ?? null]));
  }

  /** An interface is gone: what was remembered of it is not true any more. */
  forget(interfaceId: string): void {
    for (const [address, { id }] of this.#known) if (id === interfaceId) this.#known.delete(address);
  }

  /** An address of an interface, once it was looked up. */
  addressOf(interfaceId: string): string | null {
    return this.#addresses.get(interfaceId) ?? null;
  }

  async #ask(family: Family, addresses: string[], vpcId: string, signal: AbortSignal): Promise<void> {
    const found = await this.#api.findNetworkInterfaces([
      { Name: "vpc-id", Values: [vpcId] },
      { Name: filterOf[family], Values: addresses },
    ], signal);
    const now = this.#now();
    for (const address of addresses) this.#known.set(address, { id: null, until: now + rememberNobodyMs });
    for (const each of found) {
      if (!belongsToVm(each)) continue;
      for (const address of addressesOf(each, family)) {
        if (!addresses.includes(address)) continue;
        this.#known.set(address, { id: each.NetworkInterfaceId, until: now + rememberMs });
        this.#addresses.set(each.NetworkInterfaceId, each.PrivateIpAddress ?? address);
      }
    }
  }
}

/** A NAT gateway's, a load balancer's or a detached interface is no VM, and EC2 takes no route to the former two. */
function belongsToVm(each: Ec2NetworkInterface): boolean {
  return each.Attachment?.InstanceId !== undefined && each.Attachment.Status !== "detached";
}

function addressesOf(each: Ec2NetworkInterface, family: Family): string[] {
  return family === 4
    ? [each.PrivateIpAddress ?? [], ...each.PrivateIpAddresses.map((entry) => entry.PrivateIpAddress ?? [])]
      .flat()
    : each.Ipv6Addresses.flatMap((entry) => entry.Ipv6Address ?? []);
}
