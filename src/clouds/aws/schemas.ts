/** What EC2 answers, checked at the edge: the SDK's types say that every field may be missing. */

import * as v from "valibot";
import { parseAnswer } from "../kit/answer.ts";

const text = v.optional(v.string());

const routeSchema = v.object({
  DestinationCidrBlock: text,
  DestinationIpv6CidrBlock: text,
  DestinationPrefixListId: text,
  NetworkInterfaceId: text,
  InstanceId: text,
  GatewayId: text,
  NatGatewayId: text,
  TransitGatewayId: text,
  VpcPeeringConnectionId: text,
  EgressOnlyInternetGatewayId: text,
  CarrierGatewayId: text,
  LocalGatewayId: text,
  CoreNetworkArn: text,
  OdbNetworkArn: text,
  Origin: text,
  State: text,
});

const associationSchema = v.object({
  RouteTableAssociationId: v.string(),
  Main: v.optional(v.boolean(), false),
  SubnetId: text,
  GatewayId: text,
  AssociationState: v.optional(v.object({ State: text })),
});

const tagSchema = v.object({ Key: v.string(), Value: v.optional(v.string(), "") });

const routeTableSchema = v.object({
  RouteTableId: v.string(),
  VpcId: v.string(),
  Routes: v.optional(v.array(routeSchema), []),
  Associations: v.optional(v.array(associationSchema), []),
  PropagatingVgws: v.optional(v.array(v.object({ GatewayId: v.string() })), []),
  Tags: v.optional(v.array(tagSchema), []),
});

const networkInterfaceSchema = v.object({
  NetworkInterfaceId: v.string(),
  SourceDestCheck: v.optional(v.boolean()),
  Attachment: v.optional(v.object({ InstanceId: text, Status: text })),
  PrivateIpAddress: text,
  PrivateIpAddresses: v.optional(v.array(v.object({ PrivateIpAddress: text })), []),
  Ipv6Addresses: v.optional(v.array(v.object({ Ipv6Address: text })), []),
  Ipv4Prefixes: v.optional(v.array(v.object({ Ipv4Prefix: text })), []),
  Ipv6Prefixes: v.optional(v.array(v.object({ Ipv6Prefix: text })), []),
});

const instanceSchema = v.object({
  InstanceId: v.string(),
  State: v.optional(v.object({ Name: text })),
  NetworkInterfaces: v.optional(v.array(networkInterfaceSchema), []),
});

const prefixListSchema = v.object({
  PrefixListId: v.string(),
  PrefixListName: text,
  AddressFamily: text,
  MaxEntries: v.optional(v.number()),
});

/** A route of EC2's. */
export type Ec2Route = v.InferOutput<typeof routeSchema>;
/** A route table of EC2's. */
export type Ec2RouteTable = v.InferOutput<typeof routeTableSchema>;
/** Which subnet or gateway uses a table. */
export type Ec2Association = v.InferOutput<typeof associationSchema>;
/** A network interface of EC2's. */
export type Ec2NetworkInterface = v.InferOutput<typeof networkInterfaceSchema>;
/** An instance of EC2's. */
export type Ec2Instance = v.InferOutput<typeof instanceSchema>;
/** A managed prefix list of EC2's. */
export type Ec2PrefixList = v.InferOutput<typeof prefixListSchema>;

/** Checks route tables. @throws {CloudError} of kind `malformed` that says which field is not as documented. */
export function parseRouteTables(answer: unknown): Ec2RouteTable[] {
  return parseAnswer(v.array(routeTableSchema), answer, "read route tables");
}

/** Checks one route table. @throws {CloudError} of kind `malformed`. */
export function parseRouteTable(answer: unknown): Ec2RouteTable {
  return parseAnswer(routeTableSchema, answer, "read a route table");
}

/** Checks network interfaces. @throws {CloudError} of kind `malformed`. */
export function parseNetworkInterfaces(answer: unknown): Ec2NetworkInterface[] {
  return parseAnswer(v.array(networkInterfaceSchema), answer, "read network interfaces");
}

/** Checks instances. @throws {CloudError} of kind `malformed`. */
export function parseInstances(answer: unknown): Ec2Instance[] {
  return parseAnswer(v.array(instanceSchema), answer, "read instances");
}

/** Checks prefix lists. @throws {CloudError} of kind `malformed`. */
export function parsePrefixLists(answer: unknown): Ec2PrefixList[] {
  return parseAnswer(v.array(prefixListSchema), answer, "read prefix lists");
}

/** The value of a tag; null where the table has none of that key. */
export function tagOf(table: Ec2RouteTable, key: string): string | null {
  return table.Tags.find((tag) => tag.Key === key)?.Value ?? null;
}

/** What a route points at, by EC2's id for it: an interface where there is one, `local`, or whatever word it has. */
export function targetOf(route: Ec2Route): string {
  return route.NetworkInterfaceId ?? route.GatewayId ?? route.NatGatewayId ?? route.TransitGatewayId ??
    route.VpcPeeringConnectionId ?? route.EgressOnlyInternetGatewayId ?? route.CarrierGatewayId ??
    route.LocalGatewayId ?? route.CoreNetworkArn ?? route.OdbNetworkArn ?? route.InstanceId ?? "unknown";
}

/** A route's destination as EC2 writes it: a prefix, or the id of a prefix list. */
export function destinationOf(route: Ec2Route): string {
  return route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? route.DestinationPrefixListId ?? "";
}

/** Whether a route came by itself: from a virtual private gateway or a VPC Route Server, not by CreateRoute. */
export function isPropagated(route: Ec2Route): boolean {
  return route.Origin === "EnableVgwRoutePropagation" || route.Origin === "Advertisement";
}
