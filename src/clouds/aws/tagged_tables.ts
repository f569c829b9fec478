/** The route tables of a VPC that `-route-table tag:KEY=VALUE` names. */

import type { TableTag } from "../kit/table_tag.ts";
import type { Ec2Api } from "./api.ts";
import { type Ec2RouteTable, tagOf } from "./schemas.ts";

/**
 * Finds them, one call a tag; a table with several of the tags is there once.
 *
 * @throws {CloudError} if EC2 does not answer.
 */
export async function taggedTables(
  api: Pick<Ec2Api, "findRouteTables">,
  tags: readonly TableTag[],
  vpcId: string,
  signal: AbortSignal,
): Promise<readonly Ec2RouteTable[]> {
  const found = await Promise.all(tags.map(async ({ key, value }) => {
    const filters = [
      { Name: "vpc-id", Values: [vpcId] },
      { Name: `tag:${key}`, Values: [patternOf(value)] },
    ];
    return (await api.findRouteTables(filters, signal)).filter((table) =>
      table.VpcId === vpcId && tagOf(table, key) === value
    );
  }));
  return [...new Map(found.flat().map((table) => [table.RouteTableId, table])).values()];
}

/**
 * A filter's value that matches a tag's value, and perhaps others: EC2 takes `*`, `?` and the backslash for more than themselves ("Filter
 * your resources", EC2 User Guide), and `?` stands for any one character.
 */
function patternOf(value: string): string {
  return value.replace(/[*\\]/g, "?");
}
