/**
 * The least-privilege policy of the router's role. Which actions can be limited to which resources:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html.
 */

import { namedTables } from "../kit/table_tag.ts";
import { ownerTag } from "./tags.ts";

/** What is known of where the policy is for; `*` where it is not. */
export interface PolicyScope {
  readonly owner: string;
  readonly region: string;
  readonly accountId: string;
  readonly vpcId: string;
  /** Tables handed over with `-route-table`; empty: one of its own. */
  readonly routeTables: readonly string[];
}

interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Calls that only look; EC2 cannot limit them to resources. */
export const readActions: readonly string[] = [
  "ec2:DescribeInstances",
  "ec2:DescribeManagedPrefixLists",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeRouteTables",
  "ec2:DescribeSubnets",
];

/** Calls that keep the routes of a table in step. */
export const routeActions: readonly string[] = ["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"];

/** Calls that change which table a subnet uses. */
export const associationActions: readonly string[] = [
  "ec2:AssociateRouteTable",
  "ec2:DisassociateRouteTable",
  "ec2:ReplaceRouteTableAssociation",
];

/** Calls that let a virtual private gateway put routes into a table; they need both as a resource. */
export const propagationActions: readonly string[] = [
  "ec2:DisableVgwRoutePropagation",
  "ec2:EnableVgwRoutePropagation",
];

/** The policy as an IAM document in JSON. */
export function iamPolicy(scope: PolicyScope): string {
  const statements = scope.routeTables.length === 0 ? ownTable(scope) : handedTables(scope);
  const policy = { Version: "2012-10-17", Statement: [...reading(scope), ...statements] };
  return `${JSON.stringify(policy, null, 2)}\n`;
}

function reading(scope: PolicyScope): Statement[] {
  return [
    {
      Sid: "Look",
      Effect: "Allow",
      Action: readActions,
      Resource: "*",
      ...(scope.region === "*"
        ? {}
        : { Condition: { StringEquals: { "aws:RequestedRegion": scope.region } } }),
    },
    {
      Sid: "ReadRouteQuota",
      Effect: "Allow",
      Action: ["servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota"],
      Resource: "*",
    },
    {
      Sid: "SwitchOffSourceDestCheck",
      Effect: "Allow",
      Action: ["ec2:ModifyNetworkInterfaceAttribute"],
      Resource: arn(scope, "network-interface/*"),
      ...inVpc(scope),
    },
  ];
}

function handedTables(scope: PolicyScope): Statement[] {
  const { ids, tags } = namedTables(scope.routeTables);
  const named: Statement = {
    Sid: "WriteRoutes",
    Effect: "Allow",
    Action: routeActions,
    Resource: ids.map((id) => arn(scope, `route-table/${id}`)),
  };
  const tagged = tags.map(({ key, value }, index): Statement => ({
    Sid: `WriteRoutesOfTaggedTables${index === 0 ? "" : index + 1}`,
    Effect: "Allow",
    Action: routeActions,
    Resource: arn(scope, "route-table/*"),
    Condition: { StringEquals: { [`aws:ResourceTag/${key}`]: value } },
  }));
  return [...(ids.length === 0 ? [] : [named]), ...tagged];
}

function ownTable(scope: PolicyScope): Statement[] {
  const table = arn(scope, "route-table/*");
  const owned = { StringEquals: { [`aws:ResourceTag/${ownerTag}`]: scope.owner } };
  return [
    {
      Sid: "WriteRoutesOfOwnTable",
      Effect: "Allow",
      Action: [...routeActions, "ec2:DeleteRouteTable", ...propagationActions],
      Resource: table,
      Condition: owned,
    },
    {
      Sid: "CreateTableInVpc",
      Effect: "Allow",
      Action: ["ec2:CreateRouteTable"],
      Resource: arn(scope, `vpc/${scope.vpcId}`),
    },
    {
      Sid: "CreateTableOfOwner",
      Effect: "Allow",
      Action: ["ec2:CreateRouteTable"],
      Resource: table,
      Condition: { StringEquals: { [`aws:RequestTag/${ownerTag}`]: scope.owner } },
    },
    {
      Sid: "TagNewTable",
      Effect: "Allow",
      Action: ["ec2:CreateTags"],
      Resource: table,
      Condition: { StringEquals: { "ec2:CreateAction": "CreateRouteTable" } },
    },
    {
      Sid: "RememberFormerTable",
      Effect: "Allow",
      Action: ["ec2:CreateTags"],
      Resource: table,
      Condition: owned,
    },
    {
      Sid: "AssociateSubnet",
      Effect: "Allow",
      Action: associationActions,
      Resource: [table, arn(scope, "subnet/*")],
      ...inVpc(scope),
    },
    {
      Sid: "CarryOverPropagation",
      Effect: "Allow",
      Action: propagationActions,
      Resource: arn(scope, "vpn-gateway/*"),
    },
    {
      Sid: "CarryOverGatewayEndpoints",
      Effect: "Allow",
      Action: ["ec2:ModifyVpcEndpoint"],
      Resource: [table, arn(scope, "vpc-endpoint/*")],
    },
  ];
}

/** Tables, subnets and interfaces know their VPC by its ARN. */
function inVpc(scope: PolicyScope): Pick<Statement, "Condition"> {
  return scope.vpcId === "*"
    ? {}
    : { Condition: { ArnLike: { "ec2:Vpc": arn(scope, `vpc/${scope.vpcId}`) } } };
}

function arn(scope: PolicyScope, resource: string): string {
  return `arn:${partitionOf(scope.region)}:ec2:${scope.region}:${scope.accountId}:${resource}`;
}

/** Beginnings of the regions' names by partition; all others are in `aws`. */
const partitions: readonly (readonly [string, string])[] = [
  ["cn-", "aws-cn"],
  ["us-gov-", "aws-us-gov"],
  ["us-iso-", "aws-iso"],
  ["us-isob-", "aws-iso-b"],
  ["eu-isoe-", "aws-iso-e"],
  ["us-isof-", "aws-iso-f"],
  ["eusc-", "aws-eusc"],
];

/** China, the governments' and Europe's sovereign regions are partitions of their own. */
function partitionOf(region: string): string {
  if (region === "*") return "*";
  return partitions.find(([start]) => region.startsWith(start))?.[1] ?? "aws";
}
