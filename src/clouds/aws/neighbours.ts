/**
 * Finds the network interface that has an address: as its primary or secondary one, or inside a prefix that is delegated to it.
 * One call for all addresses of a family; the answers are remembered for a while.
 */

import {
  type Family,
  interfaceAddressOrNull,
  type IpAddress,
  type Prefix,
  prefixContainsAddress,
  prefixOf,
} from "../../routes/prefix.ts";
import { AddressCache } from "../kit/address_cache.ts";
import type { Ec2NetworkInterface } from "./schemas.ts";
import type { Ec2Api } from "./api.ts";

/** EC2 takes no more values in one filter (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html). */
const valuesPerFilter = 200;

const filterOf: Readonly<Record<Family, string>> = {
  4: "addresses.private-ip-address",
  6: "ipv6-addresses.ipv6-address",
};

/**
 * DescribeNetworkInterfaces has no filter for delegated prefixes, DescribeInstances has
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html).
 */
const prefixFilterOf: Readonly<Record<Family, string>> = {
  4: "network-interface.ipv4-prefixes.ipv4-prefix",
  6: "network-interface.ipv6-prefixes.ipv6-prefix",
};

/** Every delegated prefix has this length (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-prefix-eni.html). */
const delegatedLength: Readonly<Record<Family, number>> = { 4: 28, 6: 80 };

/** The calls that it makes. */
export type LookupApi = Pick<Ec2Api, "findNetworkInterfaces" | "findInterfacesOfInstances">;

/** Interfaces of a VPC by address. */
export class InterfaceLookup {
  readonly #api: LookupApi;
  readonly #cache: AddressCache<string>;
  /** An address of each interface, for people. */
  readonly #addresses = new Map<string, string>();

  /** @param now monotonic clock in milliseconds. */
  constructor(api: LookupApi, now: () => number) {
    this.#api = api;
    this.#cache = new AddressCache(now);
  }

  /**
   * The interfaces that addresses belong to.
   *
   * @returns one id an address, in their order; null where no VM has the address.
   * @throws {CloudError} if EC2 cannot be asked; nothing is remembered then.
   */
  find(
    addresses: readonly IpAddress[],
    vpcId: string,
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]> {
    return this.#cache.find(addresses, (unknown) => this.#ask(unknown, vpcId, signal));
  }

  /** Addresses may have moved to other interfaces. */
  forget(addresses: readonly IpAddress[]): void {
    this.#cache.forget(addresses);
  }

  /** An interface is gone: what was remembered of it is not true any more. */
  forgetInterface(interfaceId: string): void {
    this.#cache.forgetHolder((id) => id === interfaceId);
  }

  /** An address of an interface, once it was looked up. */
  addressOf(interfaceId: string): string | null {
    return this.#addresses.get(interfaceId) ?? null;
  }

  async #ask(
    addresses: readonly IpAddress[],
    vpcId: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const holders = new Map<string, string>();
    for (const family of [4, 6] as const) {
      const asked = addresses.filter((address) => address.family === family);
      for (const part of partsOf(asked.map(({ text }) => text))) {
        const found = await this.#api.findNetworkInterfaces([
          { Name: "vpc-id", Values: [vpcId] },
          { Name: filterOf[family], Values: part },
        ], signal);
        this.#note(holders, asked, found.filter(belongsToVm));
      }
      const rest = asked.filter(({ text }) => !holders.has(text));
      for (const part of partsOf([...new Set(rest.map(delegatedPrefixOf))])) {
        const found = await this.#api.findInterfacesOfInstances([
          { Name: "vpc-id", Values: [vpcId] },
          { Name: prefixFilterOf[family], Values: part },
        ], signal);
        this.#note(holders, rest, found);
      }
    }
    return holders;
  }

  #note(
    holders: Map<string, string>,
    addresses: readonly IpAddress[],
    found: readonly Ec2NetworkInterface[],
  ): void {
    for (const each of found) {
      const own = new Set(addressesOf(each));
      const prefixes = prefixesOf(each);
      for (const address of addresses) {
        if (!own.has(address.text) && !prefixes.some((prefix) => prefixContainsAddress(prefix, address))) {
          continue;
        }
        holders.set(address.text, each.NetworkInterfaceId);
        this.#addresses.set(each.NetworkInterfaceId, each.PrivateIpAddress ?? address.text);
      }
    }
  }
}

function partsOf(values: readonly string[]): readonly string[][] {
  const count = Math.ceil(values.length / valuesPerFilter);
  return Array.from(
    { length: count },
    (_, index) => values.slice(index * valuesPerFilter, (index + 1) * valuesPerFilter),
  );
}

/** A NAT gateway's, a load balancer's or a detached interface is no VM, and EC2 takes no route to the former two. */
function belongsToVm(each: Ec2NetworkInterface): boolean {
  return each.Attachment?.InstanceId !== undefined && each.Attachment.Status !== "detached";
}

function addressesOf(each: Ec2NetworkInterface): string[] {
  const primary = each.PrivateIpAddress ?? [];
  const v4 = each.PrivateIpAddresses.map((entry) => entry.PrivateIpAddress ?? []);
  const v6 = each.Ipv6Addresses.map((entry) => entry.Ipv6Address ?? []);
  return [primary, v4, v6].flat(2);
}

function prefixesOf(each: Ec2NetworkInterface): Prefix[] {
  return [
    ...each.Ipv4Prefixes.flatMap(({ Ipv4Prefix }) => Ipv4Prefix ?? []),
    ...each.Ipv6Prefixes.flatMap(({ Ipv6Prefix }) => Ipv6Prefix ?? []),
  ].flatMap((text) => interfaceAddressOrNull(text)?.subnet ?? []);
}

/** The prefix that would have to be delegated for an address to be in it. */
function delegatedPrefixOf({ family, words }: IpAddress): string {
  return prefixOf(family, words, delegatedLength[family]).text;
}
