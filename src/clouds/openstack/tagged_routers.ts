/** The routers that `-route-table tag:KEY=VALUE` names: those with the tag `KEY=VALUE` on a subnet of this VM. */

import { getLogger } from "@logtape/logtape";
import type { TableTag } from "../kit/table_tag.ts";
import type { Neutron } from "./api.ts";
import type { Port, RouterName } from "./schemas.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/**
 * Finds them, in the order of their ids. One that is on no subnet of this VM is passed over: Neutron takes no route of it by way of this
 * VM ("not connected with router").
 *
 * @param ports those of this VM that routes may point at.
 */
export async function taggedRouters(
  neutron: Pick<Neutron, "routersWithTag" | "routerPorts">,
  tags: readonly TableTag[],
  ports: readonly Port[],
  signal: AbortSignal,
): Promise<readonly RouterName[]> {
  const found = new Map<string, RouterName>();
  for (const { text, key, value } of tags) {
    for (const router of await neutron.routersWithTag(`${key}=${value}`, signal)) {
      if (!found.has(router.id)) found.set(router.id, { ...router, foundBy: text });
    }
  }
  if (found.size === 0) return [];
  const subnets = new Set(ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.subnet_id)));
  const interfaces = await neutron.routerPorts([...new Set(ports.map((port) => port.network_id))], signal);
  const near = new Set(
    interfaces.filter((port) => port.fixed_ips.some((fixed) => subnets.has(fixed.subnet_id)))
      .map((port) => port.device_id),
  );
  for (const { id, name, foundBy } of found.values()) {
    if (near.has(id)) continue;
    logger.debug("Passing over router {router} of {foundBy}: it is on no subnet of this VM", {
      router: name === "" ? id : name,
      foundBy,
    });
  }
  return [...found.values()].filter(({ id }) => near.has(id))
    .sort((left, right) => left.id < right.id ? -1 : 1);
}
