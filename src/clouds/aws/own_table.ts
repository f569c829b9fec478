/** The route table that this program makes for its owner: found, made, completed, kept a living copy, removed. */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../async/clock.ts";
import type { PreparationStep } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { meaningOf } from "../error_meaning.ts";
import { CopyRecord } from "../kit/copy_record.ts";
import { type CopyPlan, type CopyStep, whyNotTogether } from "../kit/living_copy.ts";
import { keeperOf, keptByAnother } from "../kit/table_keeper.ts";
import { routeOf } from "./carried_entries.ts";
import { asFormer, makeStep, planCarryOver } from "./carry_over.ts";
import { type Ec2RouteTable, tagOf } from "./schemas.ts";
import type { Ec2Api } from "./api.ts";
import { CreationToken } from "./creation_token.ts";
import { formersInUse, type FormerTables, usedBefore } from "./former_tables.ts";
import { knownKeepers } from "./known_keepers.ts";
import { removeOwnTable } from "./own_table_removal.ts";
import {
  associate,
  associationOf,
  formerName,
  type SubnetRef,
  type UsedTable,
  usedTable,
} from "./subnet_association.ts";
import {
  changedTags,
  copyRecordTags,
  createdTag,
  creationTags,
  formerTag,
  isOwnTable,
  ownerTag,
  ownTableFilters,
  ownTablesOf,
} from "./tags.ts";
import { tableToBe } from "./table_to_be.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** So long a table that was made counts as there although EC2 does not list it, in milliseconds. */
const recentlyMs = 120_000;

/** So long EC2 may not know the id of a table that it has made, or show a state from before, in milliseconds. */
const unknownMs = 20_000;

/** Whose table it is and what may be done. */
export interface OwnTableOptions {
  readonly owner: string;
  /** Refuse rather than change which table the subnet uses. */
  readonly noAssociate: boolean;
}

/** A table made a moment ago: EC2 is consistent only in the end, and may not list it before some seconds have passed. */
interface RecentlyCreated {
  readonly table: Ec2RouteTable;
  readonly subnetId: string;
  /** What the subnet used when it was made: what EC2 shows meanwhile may be neither the old state nor the new one. */
  readonly used: UsedTable;
  /** Whether the subnet was given to it. */
  readonly associated: boolean;
  readonly at: number;
}

/** A table and the tables that it is to be a copy of. */
export interface Copying {
  readonly own: Ec2RouteTable;
  readonly formers: FormerTables;
  readonly plan: CopyPlan;
}

/** What is to be done before a subnet uses our table. */
interface Joining extends Copying {
  /** What the subnet uses now. */
  readonly used: UsedTable;
}

/** The owner's table in a VPC. */
export class OwnTable {
  readonly #api: Ec2Api;
  readonly #options: OwnTableOptions;
  readonly #clock: Clock;
  readonly #token: CreationToken;
  /** So that a later try does not make a second table because EC2 does not list the first one yet. */
  #recent: RecentlyCreated | null = null;
  #associatedAt: number | null = null;
  /** Whether EC2 has shown the association that was made last. */
  #isShown = false;
  #twins: readonly string[] = [];
  #problems: readonly string[] = [];

  constructor(api: Ec2Api, options: OwnTableOptions, clock: Clock) {
    this.#api = api;
    this.#options = options;
    this.#clock = clock;
    this.#token = new CreationToken(options.owner, () => Date.now());
  }

  /** What of the former tables could not be followed when it was last tried: sentences. */
  get problems(): readonly string[] {
    return [...this.#twins, ...this.#problems];
  }

  /**
   * Whether a subnet uses the table as it was read. Until EC2 has shown an association once, one that was just made counts as well, and
   * some seconds longer, since EC2's answers may be older than the one before.
   */
  isUsedBy(subnetId: string, read: Ec2RouteTable): boolean {
    if (associationOf(read, subnetId) !== null) {
      this.#isShown = true;
      return true;
    }
    const settlesInMs = this.#isShown ? unknownMs : recentlyMs;
    return this.#associatedAt !== null && this.#clock.now() - this.#associatedAt < settlesInMs;
  }

  /** Finds it; null if there is none. Of several the oldest is used and the others are a problem. */
  async find(subnet: SubnetRef, signal: AbortSignal): Promise<Ec2RouteTable | null> {
    const { owner } = this.#options;
    const found = await this.#api.findRouteTables(ownTableFilters(owner, subnet.vpcId), signal);
    const [oldest, ...others] = ownTablesOf(found, owner, subnet.vpcId);
    this.#twins = oldest === undefined
      ? []
      : others.map(({ RouteTableId: id }) =>
        `Route table ${id} carries the tags of owner ${owner} as well: ${oldest.RouteTableId} is used, as the older one; ` +
        `delete the other, or take its tags away`
      );
    return oldest ?? null;
  }

  /**
   * Makes it ready: exists, holds what the tables hold that its subnets used before, is associated.
   *
   * @throws {CloudError} `invalid` if the subnet must not be given to it: `-no-associate`, another owner or controller has it, other
   * subnets of the table need other routes. What cannot be followed for a subnet that uses it already is a problem, and no error.
   */
  async prepare(subnet: SubnetRef, signal: AbortSignal): Promise<Ec2RouteTable> {
    const found = await this.find(subnet, signal);
    if (found !== null && associationOf(found, subnet.subnetId) !== null) {
      await this.#follow(found, signal);
      return found;
    }
    const recent = found === null ? this.#recentFor(subnet) : null;
    if (recent?.associated) return recent.table;
    const joining = await this.#joining(subnet, found, signal);
    const { used, formers } = joining;
    const table = found ?? recent?.table ?? await this.#create(subnet, used, signal);
    const copying = { own: table, formers, plan: planCarryOver(formers.tables, table) };
    const made = tagOf(table, createdTag) === null ? { [createdTag]: new Date().toISOString() } : {};
    try {
      await this.#rememberTags(copying, { [formerTag(subnet.subnetId)]: formerName(used), ...made }, signal);
      this.#problems = await this.#carryOver(copying, signal);
      await associate(this.#api, table, subnet, used, signal);
    } catch (error) {
      this.doubt(table.RouteTableId, error);
      throw error;
    }
    this.#associatedAt = this.#clock.now();
    this.#isShown = false;
    if (this.#recent?.table === table) this.#recent = { ...this.#recent, associated: true };
    return table;
  }

  /** What {@linkcode prepare} would do, without doing it; throws as it does. */
  async foresee(
    subnet: SubnetRef,
    signal: AbortSignal,
  ): Promise<{ readonly steps: readonly PreparationStep[]; readonly toBe: Ec2RouteTable | null }> {
    const found = await this.find(subnet, signal);
    if (found !== null && associationOf(found, subnet.subnetId) !== null) {
      return { steps: copySteps((await this.copying(found, signal)).plan), toBe: null };
    }
    const { used, plan } = await this.#joining(subnet, found, signal);
    const name = found?.RouteTableId ?? "(new)";
    const creation = {
      action: "create",
      what: `route table in ${subnet.vpcId}`,
      from: null,
      to: null,
    } as const;
    const association = {
      action: "associate",
      what: subnet.subnetId,
      from: used.table.RouteTableId,
      to: name,
    } as const;
    const steps = [...found === null ? [creation] : [], ...copySteps(plan), association];
    return { steps, toBe: found === null ? tableToBe(used.table, true) : null };
  }

  /** How far our table is a copy of the former ones. */
  async copying(own: Ec2RouteTable, signal: AbortSignal): Promise<Copying> {
    const formers = await formersInUse(this.#api, own, null, signal);
    return { own, formers, plan: planCarryOver(formers.tables, own) };
  }

  /** Puts the subnet's former association back and deletes the table; does nothing if there is none. */
  async remove(subnet: SubnetRef, signal: AbortSignal): Promise<void> {
    const table = await this.find(subnet, signal);
    if (table !== null) await removeOwnTable(this.#api, table, subnet, this.#clock, signal);
  }

  /** Makes our table a copy of the former ones again. What cannot be done is a problem, and keeps nothing else from being done. */
  async #follow(own: Ec2RouteTable, signal: AbortSignal): Promise<void> {
    try {
      const copying = await this.copying(own, signal);
      await this.#rememberTags(copying, {}, signal);
      this.#problems = await this.#carryOver(copying, signal, (error) => error.message);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudError)) throw error;
      this.#problems = [error.message];
    }
  }

  /** What joining takes, with all that forbids it looked at. @param found our table, if there is one. */
  async #joining(subnet: SubnetRef, found: Ec2RouteTable | null, signal: AbortSignal): Promise<Joining> {
    if (this.#options.noAssociate) throw associationRefused(subnet, found);
    const recent = found === null ? this.#recentFor(subnet) : null;
    const used = recent?.used ?? await this.#usedBeforeOurs(subnet, signal);
    checkMayLeave(used.table, subnet, this.#options.owner);
    const own = found ?? recent?.table ?? tableToBe(used.table, false);
    const others = await formersInUse(this.#api, own, subnet.subnetId, signal);
    const apart = whyNotTogether(
      subnet.subnetId,
      asFormer(used.table),
      others.tables.map(asFormer),
      own.RouteTableId,
    );
    const tables = [
      used.table,
      ...others.tables.filter((each) => each.RouteTableId !== used.table.RouteTableId),
    ];
    const plan = planCarryOver(tables, own);
    const refusal = apart ?? plan.faults[0];
    if (refusal !== undefined) throw new CloudError("invalid", refusal);
    return { used, own, formers: { ...others, tables }, plan };
  }

  /** What the subnet uses now; where that is a second table of this owner, what it used before. */
  async #usedBeforeOurs(subnet: SubnetRef, signal: AbortSignal): Promise<UsedTable> {
    const used = await usedTable(this.#api, subnet, signal);
    return isOwnTable(used.table, this.#options.owner)
      ? await usedBefore(this.#api, used, subnet.subnetId, signal)
      : used;
  }

  async #create(subnet: SubnetRef, used: UsedTable, signal: AbortSignal): Promise<Ec2RouteTable> {
    const table = await this.#api.createRouteTable({
      VpcId: subnet.vpcId,
      ClientToken: this.#token.of(subnet.vpcId),
      TagSpecifications: [{ ResourceType: "route-table", Tags: creationTags(this.#options.owner) }],
    }, signal);
    this.#token.used();
    const at = this.#clock.now();
    this.#recent = { table, subnetId: subnet.subnetId, used, associated: false, at };
    log.info("Created route table {table} in {vpc}", {
      event: "table-created",
      table: table.RouteTableId,
      vpc: subnet.vpcId,
    });
    return table;
  }

  /** The table that was just made for a subnet; null if there is none, or if it should have been listed long since. */
  #recentFor({ subnetId }: SubnetRef): RecentlyCreated | null {
    const recent = this.#recent;
    if (recent === null || recent.subnetId !== subnetId) return null;
    if (this.#clock.now() - recent.at < recentlyMs) return recent;
    this.#forgetRecent();
    return null;
  }

  /**
   * Takes note that a call about a table failed. One that was made a moment ago may be unknown to EC2 for some seconds; later it was
   * deleted, and another one is to be made. EC2 answers a repeated creation with the table of the first one.
   */
  doubt(tableId: string, error: unknown): void {
    if (!(error instanceof CloudError) || error.kind !== "gone") return;
    if (this.#recent?.table.RouteTableId !== tableId) return;
    if (this.#clock.now() - this.#recent.at > unknownMs) this.#forgetRecent();
  }

  #forgetRecent(): void {
    this.#recent = null;
    this.#token.failed();
  }

  /** Says on the table what is to be restored, and before any copy is made which entries are copies. */
  async #rememberTags(
    { own, plan }: Copying,
    tags: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const record = CopyRecord.of(plan.copies).values();
    const changed = changedTags(own, { ...tags, ...copyRecordTags(own, record) });
    if (changed.length === 0) return;
    await this.#api.createTags({ Resources: [own.RouteTableId], Tags: changed }, signal);
  }

  /**
   * Makes the steps of a plan.
   *
   * @param excuse the problem that a refused step is; without it the first one throws, but for a route whose target is gone: the former
   * table drops its packets as well.
   * @returns the plan's faults, and what was excused.
   */
  async #carryOver(
    { own, formers, plan }: Copying,
    signal: AbortSignal,
    excuse: ((error: CloudError) => string) | null = null,
  ): Promise<readonly string[]> {
    const problems = [...plan.faults];
    for (const step of plan.steps) {
      try {
        await makeStep(this.#api, step, formers.tables, own, signal);
        tell(step, own.RouteTableId);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof CloudError)) throw error;
        const ignored = leadsNowhere(step, formers.tables) && error.code?.endsWith("NotFound");
        if (excuse === null && !ignored) throw error;
        problems.push(error.message);
        if (!ignored && meaningOf(error).healsByItself) break;
      }
    }
    return problems;
  }
}

function tell({ action, key, from, to }: CopyStep, table: string): void {
  log.info("Carried over to {table}: {action} {key}: {from} -> {to}", {
    event: "carried-over",
    table,
    action,
    key,
    from: from ?? "none",
    to: to ?? "none",
  });
}

function copySteps({ steps }: CopyPlan): PreparationStep[] {
  return steps.map(({ key, from, to }) => ({ action: "copy", what: key, from, to }));
}

/** Whether the route that a step copies is a blackhole in each former table that has it. */
function leadsNowhere({ key }: CopyStep, formers: readonly Ec2RouteTable[]): boolean {
  return formers.every((former) => (routeOf(former, key)?.State ?? "blackhole") === "blackhole");
}

/** Two owners who take a subnet from each other would do so for ever, each with the other's routes carried over as foreign. */
function checkMayLeave(used: Ec2RouteTable, { subnetId }: SubnetRef, owner: string): void {
  const other = tagOf(used, ownerTag);
  const id = used.RouteTableId;
  if (other !== null && other !== owner) {
    throw new CloudError(
      "invalid",
      `Cannot associate subnet ${subnetId} with a table of owner ${owner}: it uses route table ${id} of owner ${other}; ` +
        `share that one with -route-table ${id}`,
    );
  }
  const keeper = keeperOf(used.Tags.map(({ Key }) => Key), knownKeepers);
  if (keeper !== null) throw new CloudError("invalid", keptByAnother(subnetId, { name: id, id }, keeper));
}

function associationRefused({ subnetId }: SubnetRef, found: Ec2RouteTable | null): CloudError {
  const what = found === null ? "a table of its own" : `route table ${found.RouteTableId}`;
  return new CloudError(
    "invalid",
    `Cannot associate subnet ${subnetId} with ${what}: -no-associate forbids it; ` +
      `associate it by hand, or hand over a table with -route-table`,
  );
}
