/**
 * What a new table must take over from the table its subnet used before, so that no VM loses its way out.
 *
 * | former table's route                   | becomes                                              |
 * | -------------------------------------- | ---------------------------------------------------- |
 * | `local`                                | nothing: every table is born with it                 |
 * | `local` with another target            | ReplaceRoute of the new table's own `local`          |
 * | prefix list to a gateway endpoint      | ModifyVpcEndpoint: EC2 refuses to create such a route |
 * | from a virtual private gateway         | EnableVgwRoutePropagation                            |
 * | from a VPC Route Server                | a refusal: whoever runs the server must add the table |
 * | blackhole                              | nothing, with a warning                              |
 * | anything else                          | CreateRoute with the same target                     |
 *
 * Gateway endpoints: https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html.
 */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { destinationOf, type Ec2Route, type Ec2RouteTable, isPropagated, targetOf } from "./ec2_answers.ts";
import type { CreateRouteCommandInput, Ec2Api } from "./ec2_api.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** One step of carrying over. */
export type CarryStep =
  | { readonly kind: "create" | "replace"; readonly route: CreateRouteCommandInput }
  | { readonly kind: "endpoint"; readonly endpointId: string }
  | { readonly kind: "propagation"; readonly gatewayId: string };

/** The calls that carrying over takes. */
export type CarryCalls = Pick<
  Ec2Api,
  "createRoute" | "replaceRoute" | "modifyVpcEndpoint" | "enablePropagation"
>;

/**
 * What is still missing in a table that takes the place of another.
 *
 * @param former the table that the subnet uses now.
 * @param own the table that it will use.
 * @throws {CloudError} of kind `invalid` if the two cannot be reconciled: the subnet must then stay where it is.
 */
export function planCarryOver(former: Ec2RouteTable, own: Ec2RouteTable): CarryStep[] {
  const propagating = new Set(own.PropagatingVgws.map((gateway) => gateway.GatewayId));
  const steps: CarryStep[] = former.PropagatingVgws
    .filter((gateway) => !propagating.has(gateway.GatewayId))
    .map((gateway) => ({ kind: "propagation", gatewayId: gateway.GatewayId }));
  const standing = new Map(own.Routes.map((route) => [destinationOf(route), route]));
  for (const route of former.Routes) {
    const step = carryStep(route, standing.get(destinationOf(route)), former, own);
    if (step !== null) steps.push(step);
  }
  return steps;
}

/** Executes the steps in order. @throws {CloudError} at the first that fails; those before it stay. */
export async function carryOver(
  api: CarryCalls,
  steps: readonly CarryStep[],
  tableId: string,
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    switch (step.kind) {
      case "create":
        await api.createRoute(step.route, signal);
        break;
      case "replace":
        await api.replaceRoute(step.route, signal);
        break;
      case "endpoint":
        await api.modifyVpcEndpoint({ VpcEndpointId: step.endpointId, AddRouteTableIds: [tableId] }, signal);
        break;
      case "propagation":
        await api.enablePropagation(tableId, step.gatewayId, signal);
        break;
    }
  }
}

/** The gateway endpoint that a route belongs to, or null if it is another kind of route. */
export function gatewayEndpointOf(route: Ec2Route): string | null {
  if (route.DestinationPrefixListId === undefined) return null;
  return route.GatewayId?.startsWith("vpce-") ? route.GatewayId : null;
}

function carryStep(
  route: Ec2Route,
  standing: Ec2Route | undefined,
  former: Ec2RouteTable,
  own: Ec2RouteTable,
): CarryStep | null {
  if (route.GatewayId === "local" || route.Origin === "EnableVgwRoutePropagation") return null;
  if (route.Origin === "Advertisement") throw advertised(route, former, own);
  if (route.State === "blackhole") {
    log.warn(
      "Left route {destination} of {former} behind: it is a blackhole, what it points at ({target}) is gone",
      {
        destination: destinationOf(route),
        former: former.RouteTableId,
        target: targetOf(route),
      },
    );
    return null;
  }
  if (standing !== undefined && !isPropagated(standing)) return meetStanding(route, standing, former, own);
  const endpointId = gatewayEndpointOf(route);
  if (endpointId !== null) return { kind: "endpoint", endpointId };
  return { kind: "create", route: sameRouteIn(own.RouteTableId, route) };
}

/** The new table has a route for the prefix already. */
function meetStanding(
  route: Ec2Route,
  standing: Ec2Route,
  former: Ec2RouteTable,
  own: Ec2RouteTable,
): CarryStep | null {
  if (targetOf(standing) === targetOf(route)) return null;
  if (standing.GatewayId === "local") return { kind: "replace", route: sameRouteIn(own.RouteTableId, route) };
  // A route to an interface is this program's own work of before, or was put there by hand: it is what is wanted.
  if (standing.NetworkInterfaceId !== undefined) return null;
  throw new CloudError(
    "invalid",
    `Cannot carry over route ${destinationOf(route)} to ${targetOf(route)} from ${former.RouteTableId}: ` +
      `${own.RouteTableId} has it to ${targetOf(standing)}; subnets whose routes differ need a table each: ` +
      `choose another -owner, or hand over tables with -route-table`,
  );
}

function advertised(route: Ec2Route, former: Ec2RouteTable, own: Ec2RouteTable): CloudError {
  return new CloudError(
    "invalid",
    `Cannot carry over route ${
      destinationOf(route)
    } from ${former.RouteTableId}: a VPC Route Server put it there; ` +
      `enable its propagation for ${own.RouteTableId} and associate the subnet by hand, or hand over ` +
      `${former.RouteTableId} with -route-table`,
  );
}

/** The same destination and target, for another table. */
function sameRouteIn(tableId: string, route: Ec2Route): CreateRouteCommandInput {
  const {
    DestinationCidrBlock,
    DestinationIpv6CidrBlock,
    DestinationPrefixListId,
  } = route;
  return {
    RouteTableId: tableId,
    DestinationCidrBlock,
    DestinationIpv6CidrBlock,
    DestinationPrefixListId,
    ...targetField(route),
  };
}

/** A Gateway Load Balancer endpoint is shown as a gateway but must be named as an endpoint. */
function targetField(route: Ec2Route): Omit<CreateRouteCommandInput, "RouteTableId"> {
  if (route.NetworkInterfaceId !== undefined) return { NetworkInterfaceId: route.NetworkInterfaceId };
  if (route.GatewayId?.startsWith("vpce-")) return { VpcEndpointId: route.GatewayId };
  const {
    GatewayId,
    NatGatewayId,
    TransitGatewayId,
    VpcPeeringConnectionId,
    EgressOnlyInternetGatewayId,
    CarrierGatewayId,
    LocalGatewayId,
    CoreNetworkArn,
    OdbNetworkArn,
  } = route;
  return {
    GatewayId,
    NatGatewayId,
    TransitGatewayId,
    VpcPeeringConnectionId,
    EgressOnlyInternetGatewayId,
    CarrierGatewayId,
    LocalGatewayId,
    CoreNetworkArn,
    OdbNetworkArn,
  };
}
