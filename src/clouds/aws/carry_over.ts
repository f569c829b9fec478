/**
 * Makes our table a copy of the tables that its subnets used before, so that no VM loses its way out: by the rule of
 * `kit/living_copy.ts`, with the calls that EC2 has for each kind of route.
 *
 * | entry                              | added or changed by                       | removed by                         |
 * | ---------------------------------- | ----------------------------------------- | ---------------------------------- |
 * | prefix list to a gateway endpoint  | ModifyVpcEndpoint: CreateRoute is refused | ModifyVpcEndpoint                  |
 * | propagation                        | EnableVgwRoutePropagation                 | DisableVgwRoutePropagation         |
 * | `local` with another target        | ReplaceRoute                              | ReplaceRoute with LocalTarget      |
 * | any other route                    | CreateRoute, ReplaceRoute                 | DeleteRoute                        |
 *
 * Gateway endpoints: https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html.
 */

import { CloudError } from "../cloud_error.ts";
import { CopyRecord } from "../kit/copy_record.ts";
import { type CopyPlan, type CopyStep, type FormerTable, planCopies } from "../kit/living_copy.ts";
import { entriesOf, propagatingGatewayOf, routeOf } from "./carried_entries.ts";
import { destinationOf, type Ec2Route, type Ec2RouteTable } from "./schemas.ts";
import type { CreateRouteCommandInput, Ec2Api } from "./api.ts";
import { copyRecordOf } from "./tags.ts";

/** The calls that carrying over takes. */
export type CarryCalls = Pick<
  Ec2Api,
  | "createRoute"
  | "replaceRoute"
  | "deleteRoute"
  | "modifyVpcEndpoint"
  | "enablePropagation"
  | "disablePropagation"
>;

/** A table as the rule of the living copy takes it. */
export function asFormer(table: Ec2RouteTable): FormerTable {
  return { name: table.RouteTableId, entries: entriesOf(table) };
}

/**
 * Plans what makes our table a copy of the former ones again.
 *
 * A route of ours to a network interface that is no copy is this program's own work, or was put there by hand: it goes before one.
 */
export function planCarryOver(formers: readonly Ec2RouteTable[], own: Ec2RouteTable): CopyPlan {
  const record = CopyRecord.parse(copyRecordOf(own));
  const plan = planCopies(formers.map(asFormer), {
    ...asFormer(own),
    isCopy: (key, value) => record.has(key, value),
    goesBefore: (_, value) => value.startsWith("eni-"),
  });
  return { ...plan, faults: [...plan.faults, ...formers.flatMap((former) => advertised(former, own))] };
}

/**
 * Makes one step.
 *
 * @param formers the tables that the steps were planned from.
 * @throws {CloudError} if EC2 refuses it.
 */
export async function makeStep(
  api: CarryCalls,
  step: CopyStep,
  formers: readonly Ec2RouteTable[],
  own: Ec2RouteTable,
  signal: AbortSignal,
): Promise<void> {
  const tableId = own.RouteTableId;
  const gateway = propagatingGatewayOf(step.key);
  if (gateway !== null) {
    const switching = step.to === null ? "disablePropagation" : "enablePropagation";
    return await api[switching](tableId, gateway, signal);
  }
  const standing = routeOf(own, step.key);
  const source = formers.map((former) => routeOf(former, step.key)).find((route) => route !== undefined);
  const leaves = standing === undefined ? null : gatewayEndpointOf(standing);
  const enters = step.to === null || source === undefined ? null : gatewayEndpointOf(source);
  if (leaves !== null) {
    await api.modifyVpcEndpoint({ VpcEndpointId: leaves, RemoveRouteTableIds: [tableId] }, signal);
  }
  if (enters !== null) {
    const change = { VpcEndpointId: enters, AddRouteTableIds: [tableId] };
    await orThereAlready(api.modifyVpcEndpoint(change, signal));
  } else if (step.to !== null && source !== undefined) {
    await put(api, sameRouteIn(tableId, source), leaves === null ? standing : undefined, signal);
  } else if (leaves === null && standing !== undefined) await takeAway(api, tableId, standing, signal);
}

/** The gateway endpoint that a route belongs to, or null if it is another kind of route. */
export function gatewayEndpointOf(route: Ec2Route): string | null {
  if (route.DestinationPrefixListId === undefined) return null;
  return route.GatewayId?.startsWith("vpce-") ? route.GatewayId : null;
}

async function put(
  api: CarryCalls,
  route: CreateRouteCommandInput,
  standing: Ec2Route | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (standing === undefined) await orThereAlready(api.createRoute(route, signal));
  else await api.replaceRoute(route, signal);
}

/** EC2 may not list yet what a try before this one has created: then it is there already. */
async function orThereAlready(creation: Promise<void>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!(error instanceof CloudError) || error.code !== "RouteAlreadyExists") throw error;
  }
}

async function takeAway(
  api: CarryCalls,
  tableId: string,
  route: Ec2Route,
  signal: AbortSignal,
): Promise<void> {
  const destination = { RouteTableId: tableId, ...destinationFields(route) };
  if (route.Origin === "CreateRouteTable") {
    await api.replaceRoute({ ...destination, LocalTarget: true }, signal);
  } else await api.deleteRoute(destination, signal);
}

/** What a VPC Route Server puts into a former table and not into ours: no call of ours can copy it. */
function advertised(former: Ec2RouteTable, own: Ec2RouteTable): string[] {
  const isAdvertised = ({ Origin }: Ec2Route): boolean => Origin === "Advertisement";
  const ours = new Set(own.Routes.filter(isAdvertised).map(destinationOf));
  const missing = former.Routes.find((route) => isAdvertised(route) && !ours.has(destinationOf(route)));
  if (missing === undefined) return [];
  return [
    `Cannot carry over route ${
      destinationOf(missing)
    } from ${former.RouteTableId}: a VPC Route Server put it there; ` +
    `enable its propagation for ${own.RouteTableId} and associate the subnet by hand, or hand over ` +
    `${former.RouteTableId} with -route-table`,
  ];
}

/** The same destination and target, for another table. */
function sameRouteIn(tableId: string, route: Ec2Route): CreateRouteCommandInput {
  return { RouteTableId: tableId, ...destinationFields(route), ...targetField(route) };
}

function destinationFields(route: Ec2Route): Omit<CreateRouteCommandInput, "RouteTableId"> {
  const { DestinationCidrBlock, DestinationIpv6CidrBlock, DestinationPrefixListId } = route;
  return { DestinationCidrBlock, DestinationIpv6CidrBlock, DestinationPrefixListId };
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
