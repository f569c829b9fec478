/**
 * Routes of our own table that a router of this owner has left behind: they point at an interface that is deleted for good, and are no
 * copies. A blackhole alone proves less: the interface of a stopped instance comes back.
 */

import { CopyRecord } from "../kit/copy_record.ts";
import type { Ec2Api } from "./api.ts";
import { keyOf } from "./carried_entries.ts";
import { type Ec2Route, type Ec2RouteTable, isPropagated, targetOf } from "./schemas.ts";
import { copyRecordOf } from "./tags.ts";

/** Tells which routes are abandoned; asks EC2 only where there are blackholes. @throws {CloudError} */
export async function abandonedRoutes(
  api: Pick<Ec2Api, "findNetworkInterfaces">,
  own: Ec2RouteTable,
  signal: AbortSignal,
): Promise<(route: Ec2Route) => boolean> {
  const copies = CopyRecord.parse(copyRecordOf(own));
  const dead = own.Routes.filter((route) =>
    route.State === "blackhole" && route.NetworkInterfaceId !== undefined && !isPropagated(route) &&
    route.Origin !== "CreateRouteTable" && !copies.has(keyOf(route), targetOf(route))
  );
  const ids = [...new Set(dead.map(targetOf))];
  if (ids.length === 0) return () => false;
  const gone = await goneInterfaces(api, ids, signal);
  const abandoned = new Set(dead.filter((route) => gone.has(targetOf(route))));
  return (route) => abandoned.has(route);
}

/** Those of the targets that are network interfaces which EC2 knows no more; it gives no id a second time. @throws {CloudError} */
export async function goneInterfaces(
  api: Pick<Ec2Api, "findNetworkInterfaces">,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(targets.filter((target) => target.startsWith("eni-")))];
  if (ids.length === 0) return new Set();
  const found = await api.findNetworkInterfaces([{ Name: "network-interface-id", Values: ids }], signal);
  const standing = new Set(found.map(({ NetworkInterfaceId }) => NetworkInterfaceId));
  return new Set(ids.filter((id) => !standing.has(id)));
}
