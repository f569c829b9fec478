/**
 * Which addresses of the VM's own subnets belong to other machines.
 *
 * A subnet names every IP configuration in it by id. So it is known which resource groups and scale sets have interfaces
 * there, and only those are listed: a role on the subscription is not needed.
 */

import { getLogger } from "@logtape/logtape";
import { type IpAddress, parseAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./arm_client.ts";
import { groupId, parseArmId } from "./arm_id.ts";
import { listResources } from "./arm_resources.ts";
import { type ArmInterface, interfaceSchema } from "./arm_schema.ts";
import { type Machine, readSubnet, scaleSetApiVersion } from "./machine.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** How long a listing is believed in milliseconds: for addresses that it has, and for those that it lacks. */
const believedMs = 300_000;
const disbelievedMs = 30_000;

/** Addresses of interfaces at one moment. */
interface Listing {
  readonly addresses: ReadonlySet<string>;
  /** False where a list was denied, so that an address may belong to a machine that is not seen. */
  readonly whole: boolean;
  readonly readAt: number;
}

/** Knows the machines beside this one. */
export class Neighbours {
  readonly #now: () => number;
  #listing: Listing | null = null;
  #denialTold = false;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Finds for each gateway its own address if an interface has it, else null. Where listing is denied every gateway of
   * the subnet is taken for a machine.
   */
  async resolve(
    arm: ArmClient,
    machine: Machine,
    gateways: readonly IpAddress[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    if (gateways.length === 0) return new Map();
    const texts = gateways.map((gateway) => gateway.text);
    const listing = this.#believable(texts) ?? await this.#list(arm, machine, signal);
    const isMachine = (text: string): boolean => listing.addresses.has(text) || !listing.whole;
    return new Map(texts.map((text) => [text, isMachine(text) ? text : null]));
  }

  #believable(texts: readonly string[]): Listing | null {
    const listing = this.#listing;
    if (listing === null) return null;
    const hasAll = texts.every((text) => listing.addresses.has(text));
    return this.#now() - listing.readAt < (hasAll ? believedMs : disbelievedMs) ? listing : null;
  }

  async #list(arm: ArmClient, machine: Machine, signal: AbortSignal): Promise<Listing> {
    const readAt = this.#now();
    const subnets = await Promise.all(machine.subnetIds.map((id) => readSubnet(arm, id, signal)));
    const lists = listsFor(
      subnets.flatMap(({ properties }) => (properties.ipConfigurations ?? []).map(({ id }) => id)),
    );
    const results = await Promise.all(lists.map((list) => this.#readList(arm, list, signal)));
    const addresses = results.flatMap((interfaces) => (interfaces ?? []).flatMap(addressesOf));
    this.#listing = { addresses: new Set(addresses), whole: !results.includes(null), readAt };
    return this.#listing;
  }

  /** The interfaces of one list, or null if reading it is denied. */
  async #readList(arm: ArmClient, list: InterfaceList, signal: AbortSignal): Promise<ArmInterface[] | null> {
    try {
      return await listResources(
        arm,
        { action: "list the network interfaces of the subnet", ...list },
        interfaceSchema,
        signal,
      );
    } catch (error) {
      if (!(error instanceof CloudError) || error.kind !== "denied") throw error;
      if (!this.#denialTold) {
        logger.warn(
          "A gateway in the VM's subnet is taken for a machine, as it cannot be looked up: {reason}",
          {
            reason: error.message,
          },
        );
      }
      this.#denialTold = true;
      return null;
    }
  }
}

interface InterfaceList {
  readonly path: string;
  readonly apiVersion?: string;
}

/** The lists that hold the interfaces of these IP configurations, each once. */
function listsFor(configurationIds: readonly string[]): InterfaceList[] {
  const lists = new Map<string, InterfaceList>();
  for (const id of configurationIds) {
    const { subscription, resourceGroup, names } = parseArmId(id);
    const scaleSet = names.get("virtualmachinescalesets");
    if (!names.has("networkinterfaces")) continue;
    const group = groupId(subscription, resourceGroup);
    const list = scaleSet === undefined
      ? { path: `${group}/providers/Microsoft.Network/networkInterfaces` }
      : {
        path: `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/${scaleSet}/networkInterfaces`,
        apiVersion: scaleSetApiVersion,
      };
    lists.set(list.path.toLowerCase(), list);
  }
  return [...lists.values()];
}

/** A private endpoint's interface belongs to a service: packets cannot go by way of it. */
function addressesOf({ properties }: ArmInterface): string[] {
  if ((properties.privateEndpoint ?? null) !== null) return [];
  return properties.ipConfigurations.flatMap((item) => item.properties.privateIPAddress ?? [])
    .map((text) => parseAddress(text).text);
}
