/**
 * Executes changes of one route table: one PUT of the whole table whatever their number, or the PUT or DELETE of a single
 * route where that is the whole change.
 */

import { getLogger } from "@logtape/logtape";
import { compareAddresses, parseAddress, type Prefix } from "../../routes/prefix.ts";
import type { Change, CloudTable } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./arm_client.ts";
import { sameId } from "./arm_id.ts";
import { deleteResource, writeResource } from "./arm_resources.ts";
import type { ArmRoute, ArmRouteTable } from "./arm_schema.ts";
import { cutOffNextHop } from "./loop_guard.ts";
import { decodeRoute, encodeRoute, type NewRoute } from "./route_codec.ts";
import { routeName } from "./route_name.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** Who writes, and into what. */
export interface WriterContext {
  readonly arm: ArmClient;
  readonly owner: string;
  /** Address space of the VM's virtual network. */
  readonly networks: readonly Prefix[];
}

/** What a change comes to: nothing to do, a refusal, or a part of the write. */
type Step = { readonly outcome: CloudError | null } | { readonly change: Change };

/** Writes route tables for one owner, and remembers whether Azure takes several next hops here. */
export class TableWriter {
  #takesEcmp: boolean;

  constructor(ecmp: boolean) {
    this.#takesEcmp = ecmp;
  }

  /** Whether routes with several next hops may be asked for. */
  takesEcmp(arm: ArmClient | null): boolean {
    return this.#takesEcmp && (arm === null || arm.knowsEcmp);
  }

  /**
   * Executes changes.
   *
   * @param raw the table as last read; everything in it that the changes do not name goes back to the letter.
   * @returns one outcome a change, and whether anything was written.
   * @throws {CloudError} if the write as a whole failed; then nothing, or with `unavailable` perhaps a part, is done.
   */
  async write(
    context: WriterContext,
    table: CloudTable,
    changes: readonly Change[],
    raw: ArmRouteTable,
    signal: AbortSignal,
  ): Promise<{ readonly outcomes: readonly (CloudError | null)[]; readonly written: boolean }> {
    const steps = changes.map((change) => stepOf(change, table, raw, context.networks));
    const wanted = steps.flatMap((step) => "change" in step ? [step.change] : []);
    if (wanted.length > 0) await this.#execute(context, table, wanted, raw, signal);
    return {
      outcomes: steps.map((step) => "change" in step ? null : step.outcome),
      written: wanted.length > 0,
    };
  }

  async #execute(
    context: WriterContext,
    table: CloudTable,
    changes: readonly Change[],
    raw: ArmRouteTable,
    signal: AbortSignal,
  ): Promise<void> {
    const hasEcmp = changes.some((change) => (change.to?.length ?? 0) > 1);
    if (!hasEcmp || !this.takesEcmp(context.arm)) {
      return await execute(context, table, changes.map(withOneNextHop), raw, signal);
    }
    try {
      await execute(context, table, changes, raw, signal);
    } catch (error) {
      if (!(error instanceof CloudError) || error.status !== 400 || error.kind !== "invalid") throw error;
      await execute(context, table, changes.map(withOneNextHop), raw, signal);
      this.#takesEcmp = false;
      logger.warn("Azure takes one next hop a route here; the lowest address is used: {reason}", {
        reason: error.message,
      });
    }
  }
}

function stepOf(change: Change, table: CloudTable, raw: ArmRouteTable, networks: readonly Prefix[]): Step {
  const standing = raw.properties.routes.find((route) =>
    decodeRoute(route)?.prefix.text === change.prefix.text
  );
  if (change.action === "delete") {
    return raw.properties.routes.some((route) => isFrom(route, change)) ? { change } : { outcome: null };
  }
  if (change.action === "add" && standing !== undefined) {
    const message =
      `Cannot add route ${change.prefix.text} to ${table.name}: route ${standing.name} is there already`;
    return { outcome: new CloudError("conflict", message) };
  }
  const cutOff = cutOffNextHop(change.prefix, change.to, networks);
  if (cutOff === null) return { change };
  const message =
    `Cannot ${change.action} route ${change.prefix.text} in ${table.name}: it contains its own next hop ` +
    `${cutOff}, so packets for that router would come back to the route for ever`;
  return { outcome: new CloudError("invalid", message) };
}

async function execute(
  context: WriterContext,
  table: CloudTable,
  changes: readonly Change[],
  raw: ArmRouteTable,
  signal: AbortSignal,
): Promise<void> {
  const [change] = changes;
  if (changes.length === 1 && change !== undefined && touchesOnlyItself(change, context.owner)) {
    return await executeSingle(context, table, change, raw, signal);
  }
  await writeResource(context.arm, {
    action: `write ${changes.length} changes of route table ${table.name}`,
    id: table.id,
    body: withChanges(raw, changes, context.owner),
    ifMatch: raw.etag,
  }, signal);
}

/** A foreign route that is adopted has a name of its own: only the whole table replaces it without a gap. */
function touchesOnlyItself(change: Change, owner: string): boolean {
  return change.action !== "replace" || sameId(change.from.id ?? "", routeName(owner, change.prefix));
}

async function executeSingle(
  { arm, owner }: WriterContext,
  table: CloudTable,
  change: Change,
  raw: ArmRouteTable,
  signal: AbortSignal,
): Promise<void> {
  const what = `${change.action} route ${change.prefix.text} in route table ${table.name}`;
  if (change.action === "delete") {
    const name = raw.properties.routes.find((route) => isFrom(route, change))?.name ?? "";
    return await deleteResource(arm, { action: what, id: `${table.id}/routes/${name}` }, signal);
  }
  const route = encodeRoute(owner, change.prefix, change.to);
  await writeResource(arm, { action: what, id: `${table.id}/routes/${route.name}`, body: route }, signal);
}

/** The table with the changes made and all else as it was. */
function withChanges(raw: ArmRouteTable, changes: readonly Change[], owner: string): ArmRouteTable {
  const leaving = changes.filter((change) => change.action !== "add");
  const routes: (ArmRoute | NewRoute)[] = raw.properties.routes.filter((route) =>
    !leaving.some((change) => isFrom(route, change))
  );
  for (const change of changes) {
    if (change.action !== "delete") routes.push(encodeRoute(owner, change.prefix, change.to));
  }
  // A new route lacks what Azure adds to one (etag, id, state), which the type of a read route leaves open as well.
  return { ...raw, properties: { ...raw.properties, routes: routes as ArmRoute[] } };
}

function isFrom(route: ArmRoute, change: Change): boolean {
  if (change.from === null) return false;
  if (change.from.id !== undefined) return sameId(route.name, change.from.id);
  return decodeRoute(route)?.prefix.text === change.prefix.text;
}

function withOneNextHop(change: Change): Change {
  if (change.action === "delete" || change.to.length < 2) return change;
  const lowest = change.to.map(parseAddress).sort(compareAddresses)[0];
  return lowest === undefined ? change : { ...change, to: [lowest.text] };
}
