/** Executes one change of a route table: one call of EC2's, or two where there is nothing to replace. */

import type { Prefix } from "../../routes/prefix.ts";
import type { Change } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { isRouteMissing } from "./errors.ts";
import type { Ec2Api, ReplaceRouteCommandInput } from "./api.ts";

/** The calls that a change may take. */
export type RouteCalls = Pick<Ec2Api, "createRoute" | "replaceRoute" | "deleteRoute">;

/**
 * Executes a change.
 *
 * @returns null if it is done, or was done already (a route to delete that is not there).
 * @throws the signal's reason if the caller gave up.
 */
export async function writeChange(
  api: RouteCalls,
  tableId: string,
  change: Change,
  signal: AbortSignal,
): Promise<CloudError | null> {
  const route = { RouteTableId: tableId, ...destinationField(change.prefix) };
  try {
    switch (change.action) {
      case "add":
        await api.createRoute({ ...route, NetworkInterfaceId: onlyInterface(change) }, signal);
        break;
      case "replace":
        await replaceOrCreate(api, { ...route, NetworkInterfaceId: onlyInterface(change) }, signal);
        break;
      case "delete":
        // Version 1.0 adopted the VPC's own route: it cannot be deleted, and is restored so.
        if (change.from.protected === true) await api.replaceRoute({ ...route, LocalTarget: true }, signal);
        else await api.deleteRoute(route, signal);
        break;
    }
    return null;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return change.action === "delete" && isRouteMissing(error) ? null : error;
  }
}

/** The destination in the field that EC2 has for its family. */
export function destinationField(
  prefix: Prefix,
): { readonly DestinationCidrBlock: string } | { readonly DestinationIpv6CidrBlock: string } {
  return prefix.family === 4
    ? { DestinationCidrBlock: prefix.text }
    : { DestinationIpv6CidrBlock: prefix.text };
}

/**
 * A prefix without a route to replace (it was taken away, or it has only one that a gateway propagates) loses nothing by a new one.
 * Where EC2 only did not know the route yet, it refuses the new one.
 */
async function replaceOrCreate(
  api: RouteCalls,
  route: ReplaceRouteCommandInput,
  signal: AbortSignal,
): Promise<void> {
  try {
    await api.replaceRoute(route, signal);
  } catch (error) {
    if (!(error instanceof CloudError) || !isRouteMissing(error)) throw error;
    await api.createRoute(route, signal);
  }
}

function onlyInterface(change: Change & { readonly to: readonly string[] }): string {
  const [target] = change.to;
  if (target !== undefined && change.to.length === 1 && target.startsWith("eni-")) return target;
  throw new CloudError(
    "invalid",
    `Cannot ${change.action} route ${change.prefix.text}: EC2 takes one network interface, not "${
      change.to.join(", ")
    }"`,
  );
}
