/** The routers that `-route-table` and `-router` hand over: ids, names, and those with a tag. */

import { CloudError } from "../cloud_error.ts";
import { checkAnyIsThere, foundOf, lookUpGiven, missingOf, type MissingTable } from "../kit/given_tables.ts";
import { noTaggedTable, type TableTag } from "../kit/table_tag.ts";
import type { Neutron } from "./api.ts";
import type { Port, RouterName } from "./schemas.ts";
import { taggedRouters } from "./tagged_routers.ts";

/**
 * What to do about a router that this login does not see: Neutron shares networks with other projects (RBAC,
 * https://docs.openstack.org/neutron/latest/admin/config-rbac.html), and no routers. The owner of a network sees all ports on it.
 */
export const otherProjects =
  "Neutron shows a router to its own project alone: log in for the project that has both network and router, " +
  "or have the operator's policy let this login see and write the router";

/** The calls that find routers. */
export type RouterApi = Pick<Neutron, "findRouters" | "routersWithTag" | "routerPorts">;

/** The routers to keep in step. */
export interface GivenRouters {
  /** Those that are there, each once. */
  readonly routers: readonly RouterName[];
  /** Those that were named and cannot be kept. */
  readonly missing: readonly MissingTable[];
}

/**
 * Looks them up.
 *
 * @param ports those of this VM that routes may point at.
 * @throws {CloudError} the first failure, if none of the named ones is there and no tag names another; and any that time may heal.
 * @throws {NoTableError} if tags alone were given and no router has one of them.
 */
export async function handedOver(
  neutron: RouterApi,
  given: readonly string[],
  tags: readonly TableTag[],
  ports: readonly Port[],
  signal: AbortSignal,
): Promise<GivenRouters> {
  const looked = await lookUpGiven(given, (text) => findGivenRouter(neutron, text, signal), signal);
  const tagged = await taggedRouters(neutron, tags, ports, signal);
  checkAnyIsThere(looked, tagged.length);
  const routers = new Map(foundOf(looked).map((router) => [router.id, router]));
  for (const router of tagged) if (!routers.has(router.id)) routers.set(router.id, router);
  if (routers.size === 0) throw noTaggedTable(tags, "router on this VM's subnets");
  return { routers: [...routers.values()], missing: missingOf(looked) };
}

/** Finds one by its id or name. @throws {CloudError} `gone` if there is none, `invalid` if it is not clear which one is meant. */
export async function findGivenRouter(
  neutron: Pick<Neutron, "findRouters">,
  text: string,
  signal: AbortSignal,
): Promise<RouterName> {
  const [router, ...others] = await neutron.findRouters(text, signal);
  if (router === undefined) {
    throw new CloudError(
      "gone",
      `Cannot find router "${text}": no router of this project has that id or name`,
      { remedy: `give its id or name as "openstack router list" shows it; ${otherProjects}` },
    );
  }
  if (others.length === 0) return router;
  const ids = [router, ...others].map(({ id }) => id).join(", ");
  throw new CloudError(
    "invalid",
    `Cannot tell which router "${text}" is meant: ${ids} have that name; give the id`,
  );
}
