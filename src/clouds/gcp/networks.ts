/**
 * A "route table" here is a VPC network: its routes are one global list, which all its subnets follow.
 * Nothing has to be made or associated, so finding the tables is all there is to do.
 */

import { CloudError } from "../cloud_error.ts";
import type { CloudTable } from "../cloud.ts";
import { resourceName, shortUrl } from "./resource_url.ts";
import type { Vm, VmInterface } from "./vm.ts";

/**
 * The VM's interfaces in the networks to keep in step: the first one's, or those that `-route-table` names by
 * name or URL.
 *
 * @throws {CloudError} of kind `invalid` for a network that this VM has no interface in: no route could point at it.
 */
export function interfacesOf(vm: Vm, named: readonly string[]): readonly VmInterface[] {
  if (named.length === 0) return vm.interfaces.slice(0, 1);
  return named.map((name) => {
    const short = shortUrl(name);
    const found = vm.interfaces.find(({ network }) => network === short || resourceName(network) === name);
    if (found !== undefined) return found;
    const own = vm.interfaces.map(({ network }) => resourceName(network)).join(", ");
    throw new CloudError(
      "invalid",
      `Cannot use network "${name}": instance ${vm.name} has no interface in it, only in ${own}`,
    );
  });
}

/** The tables of some interfaces, each network once. */
export function tablesOf(interfaces: readonly VmInterface[]): readonly CloudTable[] {
  const networks = [...new Set(interfaces.map(({ network }) => network))];
  return networks.map((id) => {
    const name = resourceName(id);
    const unique = networks.filter((other) => resourceName(other) === name).length === 1;
    return { id, name: unique ? name : id, ours: false };
  });
}
