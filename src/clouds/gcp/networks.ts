/**
 * A "route table" here is a VPC network: its routes are one global list, which all its subnets follow.
 * Nothing has to be made or associated, so finding the tables is all there is to do.
 */

import { CloudError, ConfigurationError } from "../cloud_error.ts";
import type { CloudTable } from "../cloud.ts";
import { checkAnyIsThere, foundOf, lookUpGiven, missingOf, type MissingTable } from "../kit/given_tables.ts";
import { namedTables, uniqueName } from "../kit/table_tag.ts";
import { resourceName, shortUrl } from "./resource_url.ts";
import type { Vm, VmInterface } from "./vm.ts";

/**
 * Refuses tags: routes belong to a network, and Google gives networks no labels.
 *
 * @throws {ConfigurationError} that says what Google has instead.
 */
export function checkNetworks(given: readonly string[]): void {
  const [tag] = namedTables(given).tags;
  if (tag === undefined) return;
  throw new ConfigurationError(
    `Cannot use -route-table ${tag.text}: Google Cloud's route tables are its VPC networks, which have no labels; ` +
      "name networks (-route-table NETWORK), and limit routes to instances with a network tag by -instance-tag",
  );
}

/** The networks to keep in step. */
export interface GivenNetworks {
  /** The VM's interfaces in them. */
  readonly legs: readonly VmInterface[];
  /** Those that the VM has no interface in, so that no route could point at it. */
  readonly missing: readonly MissingTable[];
}

/**
 * Finds the VM's interfaces in the networks to keep in step: the first one's, or those that `-route-table` names by name or URL.
 *
 * @param own the interface that `-self` picks, instead of the first; of the named networks it stands for its own.
 * @throws {CloudError} of kind `invalid` if this VM has no interface in any of them.
 */
export async function networksOf(
  vm: Vm,
  named: readonly string[],
  own: VmInterface | null,
  signal: AbortSignal,
): Promise<GivenNetworks> {
  if (named.length === 0) return { legs: own === null ? vm.interfaces.slice(0, 1) : [own], missing: [] };
  const looked = await lookUpGiven(named, (name) => Promise.try(interfaceIn, name, vm, own), signal);
  checkAnyIsThere(looked, 0);
  return { legs: foundOf(looked), missing: missingOf(looked) };
}

function interfaceIn(name: string, vm: Vm, own: VmInterface | null): VmInterface {
  const short = shortUrl(name);
  const interfaces = own === null ? vm.interfaces : [own, ...vm.interfaces];
  const found = interfaces.find(({ network }) => network === short || resourceName(network) === name);
  if (found !== undefined) return found;
  const its = vm.interfaces.map(({ network }) => resourceName(network)).join(", ");
  throw new CloudError(
    "invalid",
    `Cannot use network "${name}": instance ${vm.name} has no interface in it, only in ${its}`,
  );
}

/** The tables, each network once; one that is missing as it was named. */
export function tablesOf({ legs, missing }: GivenNetworks): readonly CloudTable[] {
  const ids = [...new Set([...legs.map(({ network }) => network), ...missing.map(({ given }) => given)])];
  const networks = ids.map((id) => ({ id, name: resourceName(id) }));
  return networks.map((network) => ({ id: network.id, name: uniqueName(network, networks), ours: false }));
}
