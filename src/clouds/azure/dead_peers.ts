/**
 * Which routers of a group are dead: their VM does not run, or the interface with their address has no VM or is gone. Interfaces are
 * found where this VM's role may list them; of a router whose interface was never found nothing is known.
 */

import { CloudError } from "../cloud_error.ts";
import type { DeadPeer, PeerRouter } from "../cloud.ts";
import { deadPeersOf } from "../kit/dead_peers.ts";
import type { ArmClient } from "./api.ts";
import { searchInterfaces } from "./interfaces.ts";
import { groupId, networkOfSubnet, parseArmId, sameId } from "./resource_id.ts";
import { readResource } from "./resources.ts";
import { type ArmInterface, instanceViewSchema, interfaceSchema } from "./schemas.ts";
import type { Vm } from "./vm.ts";

/** API version of the calls that are about virtual machines. */
const computeApiVersion = "2024-07-01";

/**
 * Power states in which a VM forwards nothing, or is about to end (https://learn.microsoft.com/azure/virtual-machines/states-billing).
 * `starting` is coming up.
 */
const endedStates: ReadonlySet<string> = new Set([
  "PowerState/stopping",
  "PowerState/stopped",
  "PowerState/deallocating",
  "PowerState/deallocated",
]);

/** Finds dead routers; it remembers which interface had which address. */
export class DeadPeers {
  /** Ids of interfaces by address. */
  readonly #known = new Map<string, string>();

  /** Asks for the routers' interfaces and VMs. @throws {CloudError} */
  async find(
    arm: ArmClient,
    vm: Vm,
    peers: readonly PeerRouter[],
    signal: AbortSignal,
  ): Promise<readonly DeadPeer[]> {
    const causes = new Map<string, string>();
    for (const address of new Set(peers.flatMap(({ nextHops }) => nextHops))) {
      const cause = await this.#causeOf(arm, vm, address, signal);
      if (cause !== null) causes.set(address, cause);
    }
    return deadPeersOf(peers, (address) => causes.get(address));
  }

  /** Why the router with an address is dead; null: that is not proven. */
  async #causeOf(arm: ArmClient, vm: Vm, address: string, signal: AbortSignal): Promise<string | null> {
    const known = this.#known.get(address);
    const standing = known === undefined ? null : await readIfAny(arm, known, signal);
    const found = standing !== null && hasAddress(standing, address, vm)
      ? standing
      : await this.#search(arm, vm, address, signal);
    if (found === null) {
      // Others may have gone to where this role does not see them: one that was seen and is not there any more is gone.
      const isGone = known !== undefined && standing === null;
      return isGone ? `network interface ${lastName(known)} does not exist any more` : null;
    }
    this.#known.set(address, found.id);
    const machine = found.properties.virtualMachine?.id;
    return machine === undefined
      ? `network interface ${found.name} belongs to no VM`
      : await causeOfMachine(arm, machine, signal);
  }

  async #search(arm: ArmClient, vm: Vm, address: string, signal: AbortSignal): Promise<ArmInterface | null> {
    const places = [
      groupId(arm.subscription, vm.resourceGroup),
      groupId(arm.subscription, parseArmId(vm.networkId).resourceGroup),
      `/subscriptions/${arm.subscription}`,
    ];
    const action = `find the network interface with ${address}`;
    const isMeant = (item: ArmInterface): boolean => hasAddress(item, address, vm);
    return (await searchInterfaces(arm, { places, action, isMeant }, signal))[0] ?? null;
  }
}

/** Why a VM is dead; null: that is not proven. */
async function causeOfMachine(arm: ArmClient, id: string, signal: AbortSignal): Promise<string | null> {
  const name = lastName(id);
  const request = {
    action: `read the power state of VM ${name}`,
    id: `${id}/instanceView`,
    apiVersion: computeApiVersion,
  };
  const view = await ifAny(readResource(arm, request, instanceViewSchema, signal));
  if (view === null) return `VM ${name} does not exist`;
  const ended = view.statuses.find(({ code }) => endedStates.has(code));
  return ended === undefined ? null : `VM ${name} is ${ended.code.replace("PowerState/", "")}`;
}

function readIfAny(arm: ArmClient, id: string, signal: AbortSignal): Promise<ArmInterface | null> {
  return ifAny(readResource(arm, { action: `read network interface ${id}`, id }, interfaceSchema, signal));
}

/** A 404 may also say that a subscription or an API version is not there, which proves nothing. */
async function ifAny<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof CloudError && error.kind === "gone" && error.code === "ResourceNotFound") {
      return null;
    }
    throw error;
  }
}

function hasAddress({ properties }: ArmInterface, address: string, { networkId }: Vm): boolean {
  return properties.ipConfigurations.some(({ properties: { privateIPAddress, subnet } }) =>
    privateIPAddress === address && subnet !== undefined && subnet !== null &&
    sameId(networkOfSubnet(subnet.id), networkId)
  );
}

function lastName(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}
