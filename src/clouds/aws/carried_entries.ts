/**
 * What of an EC2 route table is carried over to ours, as entries that compare.
 *
 * | route                                  | entry                                                              |
 * | -------------------------------------- | ------------------------------------------------------------------ |
 * | `local`                                | none: every table is born with it                                  |
 * | `local` with another target            | like any other route                                               |
 * | from a virtual private gateway         | none; the gateway's propagation is an entry                        |
 * | from a VPC Route Server                | none: whoever runs the server must add our table                   |
 * | `pl-…` to `VpcLattice`                 | none: EC2 puts it into every table of the VPC by itself            |
 * | blackhole                              | like any other route: what it points at may come back              |
 * | anything else                          | the destination, and what it points at                             |
 *
 * VPC Lattice: https://github.com/hashicorp/terraform-provider-aws/pull/30515.
 */

import type { Entries } from "../kit/living_copy.ts";
import { destinationOf, type Ec2Route, type Ec2RouteTable, isPropagated, targetOf } from "./schemas.ts";

/** What EC2 shows as the gateway of a route that a VPC Lattice association puts into a table. */
const latticeGateway = "VpcLattice";

const propagationPrefix = "propagation from ";
const propagates = "on";

/** The entries of a table. */
export function entriesOf(table: Ec2RouteTable): Entries {
  const gateways = table.PropagatingVgws.map(({ GatewayId }) =>
    [`${propagationPrefix}${GatewayId}`, propagates] as const
  );
  const routes = table.Routes.filter(isCarried).map((route) => [keyOf(route), targetOf(route)] as const);
  return new Map([...gateways, ...routes]);
}

/** The route of a table that an entry is of; undefined for a propagation, and where there is none. */
export function routeOf(table: Ec2RouteTable, key: string): Ec2Route | undefined {
  return table.Routes.find((route) => keyOf(route) === key && !isPropagated(route));
}

/** The virtual private gateway whose propagation an entry is; null if it is a route. */
export function propagatingGatewayOf(key: string): string | null {
  return key.startsWith(propagationPrefix) ? key.slice(propagationPrefix.length) : null;
}

/** Whether EC2 itself put a route into the table for VPC Lattice. */
export function isOfLattice(route: Ec2Route): boolean {
  return route.GatewayId === latticeGateway;
}

/** The key of a route's entry. */
export function keyOf(route: Ec2Route): string {
  return `route ${destinationOf(route)}`;
}

function isCarried(route: Ec2Route): boolean {
  return route.GatewayId !== "local" && !isPropagated(route) && !isOfLattice(route);
}
