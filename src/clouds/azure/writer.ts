/**
 * Executes changes of one route table: one PUT of the whole table whatever their number, or the PUT of a single route where that is
 * the whole change.
 *
 * A route leaves by a PUT of the whole table too, never by a DELETE of its own: a `CanNotDelete` lock on the table, its resource
 * group or the subscription refuses the one and not the other (learn.microsoft.com, "Lock your resources"; MicrosoftDocs/azure-docs#56524).
 */

import type { Prefix } from "../../routes/prefix.ts";
import type { Change, ChangeOutcome, CloudTable, Sign } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./api.ts";
import { refusesApiVersion } from "./errors.ts";
import { sameId } from "./resource_id.ts";
import { writeResource } from "./resources.ts";
import type { ArmRoute, ArmRouteTable } from "./schemas.ts";
import { EcmpSupport } from "./ecmp_support.ts";
import { cutOffNextHop } from "./loop_guard.ts";
import { StandingRoutes } from "./standing_routes.ts";
import { withOneNextHop, writeInParts } from "./partial_write.ts";
import { checkNextHopsShown, encodeRoute, type NewRoute, sameRoutes } from "./routes.ts";

/** Who writes, and into what. */
export interface WriterContext {
  readonly arm: ArmClient;
  readonly owner: string;
  /** How names of this VM's routes name it; null: not at all. */
  readonly sign: Sign | null;
  /** Address space of the VM's virtual network. */
  readonly networks: readonly Prefix[];
  /** Reads the table again. */
  readonly reread: () => Promise<ArmRouteTable>;
  readonly ecmp: EcmpSupport;
}

/** What a change comes to: a part of the write, or without one its outcome. */
type Step = ChangeOutcome & { readonly isWritten: boolean };

/**
 * Executes changes. Those that Azure refuses fail alone.
 *
 * @param raw the table as last read; everything in it that the changes do not name goes back to the letter.
 * @returns one outcome a change, and whether anything was written.
 * @throws {CloudError} if the first call failed; then nothing, or with `unavailable` perhaps a part, is done.
 */
export async function writeTable(
  context: WriterContext,
  table: CloudTable,
  changes: readonly Change[],
  raw: ArmRouteTable,
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly ChangeOutcome[]; readonly written: boolean }> {
  const standing = new StandingRoutes(raw.properties.routes);
  const steps = changes.map((change) => stepOf(change, table, standing, context.networks));
  const wanted = steps.filter(({ isWritten }) => isWritten).map(({ change }) => change);
  if (wanted.length === 0) return { outcomes: steps, written: false };
  const copy = new TableCopy(context, table, raw);
  const { outcomes, written, reduced } = await writeInParts(wanted, (part) => copy.write(part, signal));
  for (const { change: { prefix }, refusal } of reduced) context.ecmp.refused(prefix, refusal);
  const refused = outcomes.map(({ change, error }) => ({ change, error: error && copy.tell(error, change) }));
  return { outcomes: [...steps.filter(({ isWritten }) => !isWritten), ...refused], written };
}

/** A table while parts of a batch go into it one after the other. */
class TableCopy {
  readonly #context: WriterContext;
  readonly #table: CloudTable;
  /** As it stands in Azure, or after a write as it should. */
  #raw: ArmRouteTable;
  /** Whether it is as a write of ours should have left it, and was not read since. */
  #isStale = false;

  constructor(context: WriterContext, table: CloudTable, raw: ArmRouteTable) {
    this.#context = context;
    this.#table = table;
    this.#raw = raw;
  }

  /** Writes changes, or says why Azure refuses what is among them. */
  async write(changes: readonly Change[], signal: AbortSignal): Promise<CloudError | null> {
    if (this.#isStale) await this.#readBack();
    const { arm, ecmp } = this.#context;
    const possible = ecmp.allows(arm) ? changes : changes.map(withOneNextHop);
    const body = withChanges(this.#raw, possible, this.#context);
    try {
      await execute(this.#context, this.#table, possible, this.#raw.etag, body, signal);
    } catch (error) {
      if (!(error instanceof CloudError) || !concernsContent(error, body)) throw error;
      return error;
    }
    this.#raw = body;
    this.#isStale = true;
    return null;
  }

  /** A refusal in the words of one change; a limit that no refusal names, or wrongly, is what fitted. */
  tell(error: CloudError, change: Change): CloudError {
    const { kind, status, code, requestId, action, retryAfterMs, remedy } = error;
    const message = error.message.replace(
      /^Cannot write [0-9]+ changes of /,
      `Cannot ${change.action} route ${change.prefix.text} in `,
    );
    const limit = kind === "quota" ? this.#limitAfter(error) : error.limit;
    return new CloudError(kind, message, {
      status,
      code,
      requestId,
      action,
      retryAfterMs,
      remedy,
      limit,
      cause: error,
    });
  }

  /** The limit that a refusal names, unless a part of what it refused has fitted; else what the table has now. */
  #limitAfter({ limit }: CloudError): number | undefined {
    const count = this.#raw.properties.routes.length;
    if (limit !== undefined && (!this.#isStale || limit <= count)) return limit;
    return count > 0 ? count : undefined;
  }

  /** The next condition is the ETag of what is there now, which must be what was written: else somebody else wrote as well. */
  async #readBack(): Promise<void> {
    const now = await this.#context.reread();
    if (!sameRoutes(now.properties.routes, this.#raw.properties.routes)) {
      throw new CloudError(
        "conflict",
        `Cannot write route table ${this.#table.name}: somebody else has written to it at the same time`,
      );
    }
    this.#raw = now;
    this.#isStale = false;
  }
}

/**
 * Whether Azure refuses what the table would hold, rather than this caller, this moment or this API version. A limit that a refusal
 * names is none of it, unless the table is well below that.
 */
function concernsContent({ kind, code, status, limit }: CloudError, body: ArmRouteTable): boolean {
  switch (kind) {
    case "invalid":
      return !refusesApiVersion({ code: code ?? "" });
    case "conflict":
      return status === 400;
    case "quota":
      return limit === undefined || limit >= body.properties.routes.length;
    default:
      return false;
  }
}

function stepOf(
  change: Change,
  table: CloudTable,
  standing: StandingRoutes,
  networks: readonly Prefix[],
): Step {
  if (change.action === "delete") {
    return { change, error: null, isWritten: standing.leavingBy(change).length > 0 };
  }
  const there = change.action === "add" ? standing.at(change.prefix.text) : undefined;
  if (there !== undefined) {
    const message =
      `Cannot add route ${change.prefix.text} to ${table.name}: route ${there.name} is there already`;
    return { change, error: new CloudError("conflict", message), isWritten: false };
  }
  const cutOff = cutOffNextHop(change.prefix, change.to, networks);
  if (cutOff === null) return { change, error: null, isWritten: true };
  const message =
    `Cannot ${change.action} route ${change.prefix.text} in ${table.name}: it contains its own next hop ` +
    `${cutOff}, so packets for that router would come back to the route for ever`;
  return { change, error: new CloudError("invalid", message), isWritten: false };
}

async function execute(
  context: WriterContext,
  table: CloudTable,
  changes: readonly Change[],
  etag: string,
  body: ArmRouteTable,
  signal: AbortSignal,
): Promise<void> {
  const [change, ...others] = changes;
  const isOne = change !== undefined && others.length === 0;
  const action = isOne
    ? `${change.action} route ${change.prefix.text} in route table ${table.name}`
    : `write ${changes.length} changes of route table ${table.name}`;
  const { arm } = context;
  if (isOne && standsAlone(change, context)) {
    const route = newRoute(change, context);
    return await writeResource(arm, { action, id: `${table.id}/routes/${route.name}`, body: route }, signal);
  }
  checkNextHopsShown(body.properties.routes, action);
  await writeResource(arm, { action, id: table.id, body, ifMatch: etag }, signal);
}

/**
 * Whether a change can be made by the PUT of its route alone. That has no condition, so where a route takes several next hops, which
 * another router may be adding to just now, only the whole table's ETag keeps them; and a route of another name (a foreign one that is
 * adopted, a peer's that is taken over) is only replaced without a gap by the whole table. An add cannot write over anything: Azure
 * refuses a second route of a prefix, and no other router uses the name.
 */
function standsAlone(change: Change, context: WriterContext): change is WritingChange {
  if (change.action === "delete" || change.to.length > 1) return false;
  if (change.action === "add") return true;
  const takesSets = context.ecmp.mostOf(change.prefix, context.arm) > 1;
  return !takesSets && sameId(change.from.id ?? "", newRoute(change, context).name);
}

type WritingChange = Exclude<Change, { readonly action: "delete" }>;

/**
 * The route that a change makes. One with next hops of several routers keeps the name that says whose those next hops are that are no
 * router's, for as long as that router has one of its own in it.
 */
function newRoute(change: WritingChange, { owner, sign }: WriterContext): NewRoute {
  const { prefix, to } = change;
  const ofPeers = change.action === "replace" ? change.ofPeers ?? [] : [];
  const signer = change.action === "replace" ? change.from.writer : undefined;
  const theirs = signer?.address?.text;
  if (signer === undefined || theirs === undefined || !ofPeers.includes(theirs)) {
    return encodeRoute(owner, prefix, to, sign, ofPeers);
  }
  const self = to.filter((hop) => sign?.nextHops.includes(hop));
  return encodeRoute(owner, prefix, to, signer, [...ofPeers.filter((hop) => hop !== theirs), ...self]);
}

/** The table with the changes made and all else as it was. */
function withChanges(raw: ArmRouteTable, changes: readonly Change[], context: WriterContext): ArmRouteTable {
  const standing = new StandingRoutes(raw.properties.routes);
  const leaving = new Set(changes.flatMap((change) => standing.leavingBy(change)));
  const routes: (ArmRoute | NewRoute)[] = raw.properties.routes.filter((route) => !leaving.has(route));
  for (const change of changes) {
    if (change.action !== "delete") routes.push(newRoute(change, context));
  }
  // A new route lacks what Azure adds to one (etag, id, state), which the type of a read route leaves open as well.
  return { ...raw, properties: { ...raw.properties, routes: routes as ArmRoute[] } };
}
