/** Routes that others put into this program's own table. */

import { CopyRecord } from "../kit/copy_record.ts";
import { isOfLattice, keyOf } from "./carried_entries.ts";
import { gatewayEndpointOf } from "./carry_over.ts";
import { destinationOf, type Ec2Route, type Ec2RouteTable, isPropagated, targetOf } from "./schemas.ts";
import { copyRecordOf } from "./tags.ts";

/**
 * The routes that would be lost with our table, its own being withdrawn: what somebody created there that leads somewhere and that
 * none of the former tables has as well. What came by itself (`local`, propagated, of a gateway endpoint, of VPC Lattice) comes again
 * elsewhere, and a copy was never anybody's own.
 */
export function foreignRoutesOf(own: Ec2RouteTable, formers: readonly Ec2RouteTable[]): Ec2Route[] {
  const kept = new Set(formers.flatMap((former) => former.Routes.map(routeText)));
  const copies = CopyRecord.parse(copyRecordOf(own));
  return own.Routes.filter((route) =>
    route.GatewayId !== "local" && route.State !== "blackhole" && !isPropagated(route) &&
    !isOfLattice(route) &&
    gatewayEndpointOf(route) === null && !kept.has(routeText(route)) &&
    !copies.has(keyOf(route), targetOf(route))
  );
}

/** A route for people: `10.9.0.0/16 to eni-1`. */
export function routeText(route: Ec2Route): string {
  return `${destinationOf(route)} to ${targetOf(route)}`;
}
