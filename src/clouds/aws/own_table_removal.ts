/** Removes the table that this program made, once nobody needs it. */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../async/clock.ts";
import { delay } from "../../async/delay.ts";
import { CloudError } from "../cloud_error.ts";
import { warnOfStay } from "../kit/own_table.ts";
import { gatewayEndpointOf } from "./carry_over.ts";
import type { Ec2Route, Ec2RouteTable } from "./schemas.ts";
import type { Ec2Api } from "./api.ts";
import { foreignRoutesOf, routeText } from "./foreign_routes.ts";
import { allFormers } from "./former_tables.ts";
import { restoreAssociation, type SubnetRef } from "./association.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** How often a table is read again, and how many milliseconds apart, before a route in it is taken for somebody else's. */
const rechecks = { count: 5, apartMs: 2_000 };

/**
 * Puts the subnet's former association back and deletes the table. The table stays where it still holds routes of others that are
 * nowhere else.
 *
 * @throws {CloudError} `invalid` if others use the table.
 */
export async function removeOwnTable(
  api: Ec2Api,
  table: Ec2RouteTable,
  subnet: SubnetRef,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  await restoreAssociation(api, table, subnet, signal);
  const users = table.Associations.flatMap((each) => each.SubnetId ?? each.GatewayId ?? [])
    .filter((user) => user !== subnet.subnetId);
  if (users.length > 0) {
    throw new CloudError(
      "invalid",
      `Cannot delete route table ${table.RouteTableId}: ${users.join(", ")} still use it; ` +
        `run cleanup on their routers, or associate them with another table`,
    );
  }
  const foreign = await foreignRoutes(api, table, clock, signal);
  if (foreign.length > 0) {
    const why = "routes of others are in it and nowhere else";
    return warnOfStay(log, table.RouteTableId, why, foreign.map(routeText));
  }
  await leaveEndpoints(api, table, signal);
  await api.deleteRouteTable(table.RouteTableId, false, signal);
  log.info("Deleted route table {table}", { event: "table-deleted", table: table.RouteTableId });
}

/** Own routes were withdrawn just before and EC2 may list them for some seconds more: only what stays is somebody else's. */
async function foreignRoutes(
  api: Ec2Api,
  own: Ec2RouteTable,
  clock: Clock,
  signal: AbortSignal,
): Promise<Ec2Route[]> {
  const formers = await allFormers(api, own, signal);
  let foreign = foreignRoutesOf(own, formers);
  for (let look = 0; look < rechecks.count && foreign.length > 0; look++) {
    await delay(rechecks.apartMs, signal, clock);
    const [now] = await api.readRouteTables([own.RouteTableId], signal);
    if (now !== undefined) foreign = foreignRoutesOf(now, formers);
  }
  return foreign;
}

/** A gateway endpoint that still names the table would keep it from being deleted. */
async function leaveEndpoints(api: Ec2Api, table: Ec2RouteTable, signal: AbortSignal): Promise<void> {
  const endpoints = new Set(table.Routes.flatMap((route) => gatewayEndpointOf(route) ?? []));
  for (const endpoint of endpoints) {
    const change = { VpcEndpointId: endpoint, RemoveRouteTableIds: [table.RouteTableId] };
    await api.modifyVpcEndpoint(change, signal);
  }
}
