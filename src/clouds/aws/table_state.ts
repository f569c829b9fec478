/** What the program sees of a table that was read: its routes, its quotas, whether this VM's subnets use it. */

import type { Family, Prefix } from "../../routes/prefix.ts";
import type { TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { abandonedRoutes } from "./abandoned_routes.ts";
import { readTable } from "./handed_over.ts";
import type { InstanceFacts } from "./metadata.ts";
import type { Region } from "./region.ts";
import { cloudRoutesOf, cloudTableOf, prefixListsOf, quotasOf, usedBy } from "./routes.ts";
import type { Ec2Route, Ec2RouteTable } from "./schemas.ts";
import { isOwnTable } from "./tags.ts";

/** Whose table it is, and for which VM it is looked at. */
export interface StateContext {
  readonly region: Region;
  readonly facts: InstanceFacts;
  readonly owner: string;
  /** Whether tables were handed over: then none is our own. */
  readonly handedOver: boolean;
}

/** See the head of this file. @throws {CloudError} where EC2 has to be asked for more. */
export async function stateOf(
  context: StateContext,
  read: Ec2RouteTable,
  signal: AbortSignal,
): Promise<TableState> {
  const { limit, lists } = context.region;
  const sizes = await lists.of(prefixListsOf(read), signal);
  return {
    table: cloudTableOf(read, context.owner),
    routes: cloudRoutesOf(read, await abandonedIn(context, read, signal)),
    quotas: quotasOf(read, sizes, (family) => limit.of(read.RouteTableId, family)),
    version: null,
    ownSubnets: await ownSubnets(context, read, signal),
    problems: problemsOf(context, read),
  };
}

/**
 * What a refusal says of the limit: a full table holds as many routes as it may, where Service Quotas does not tell it.
 *
 * @returns the limit that is known now; null: the table cannot be read.
 */
export async function learnLimit(
  { api, limit, lists }: Region,
  tableId: string,
  family: Family,
  signal: AbortSignal,
): Promise<number | null> {
  const known = limit.of(tableId, family);
  if (known !== null) return known;
  try {
    const read = await readTable(api, tableId, signal);
    const full = usedBy(read, await lists.of(prefixListsOf(read), signal), family);
    limit.learn(tableId, family, full);
    return full;
  } catch (cause) {
    if (!(cause instanceof CloudError)) throw cause;
    return null;
  }
}

async function abandonedIn(
  { region, owner, handedOver }: StateContext,
  read: Ec2RouteTable,
  signal: AbortSignal,
): Promise<(route: Ec2Route) => boolean> {
  const isOurs = !handedOver && isOwnTable(read, owner);
  return isOurs ? await abandonedRoutes(region.api, read, signal) : () => false;
}

/** This VM's subnets that use a table; that of our own table counts before EC2 shows it. */
async function ownSubnets(
  { region: { subnetUse }, facts: { primary, interfaces }, handedOver }: StateContext,
  read: Ec2RouteTable,
  signal: AbortSignal,
): Promise<readonly Prefix[]> {
  const mine = interfaces.filter(({ vpcId }) => vpcId === primary.vpcId);
  const using = await subnetUse.usersOf(read, mine.map(({ subnetId }) => subnetId), signal);
  if (!handedOver) using.add(primary.subnetId);
  return mine.filter(({ subnetId }) => using.has(subnetId)).flatMap(({ subnets }) => subnets);
}

/** What keeps packets of the own subnet from taking the table's routes. */
function problemsOf(
  { region: { own }, facts, handedOver }: StateContext,
  read: Ec2RouteTable,
): readonly string[] {
  if (handedOver) return [];
  const { subnetId } = facts.primary;
  const unused = own.isUsedBy(subnetId, read)
    ? []
    : [`Subnet ${subnetId} does not use route table ${read.RouteTableId}`];
  return [...unused, ...own.problems];
}
