/** The route table that this program makes for its owner: found, made, completed, given to the subnet, removed. */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../async/clock.ts";
import type { CopiesWhen, PreparationStep } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { whyNotTogether } from "../kit/living_copy.ts";
import {
  associationForbidden,
  copySteps,
  joiningSteps,
  keeperOf,
  keptByAnother,
  ownedByAnother,
} from "../kit/own_table.ts";
import type { Ec2Api } from "./api.ts";
import { asFormer, planCarryOver } from "./carry_over.ts";
import { formersInUse, usedBefore } from "./former_tables.ts";
import { knownKeepers } from "./known_keepers.ts";
import { carryOver, type Copying, copyingOf, followFormers, rememberCopies } from "./own_table_copy.ts";
import { removeOwnTable } from "./own_table_removal.ts";
import { RecentChanges } from "./recent_changes.ts";
import { type Ec2RouteTable, tagOf } from "./schemas.ts";
import {
  associate,
  associationOf,
  formerName,
  type SubnetRef,
  type UsedTable,
  usedTable,
} from "./association.ts";
import { newTableName, tableToBe } from "./table_to_be.ts";
import {
  createdTag,
  creationTags,
  formerTag,
  isOwnTable,
  ownerTag,
  ownTableFilters,
  ownTablesOf,
} from "./tags.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** Whose table it is and what may be done. */
export interface OwnTableOptions {
  readonly owner: string;
  /** Refuse rather than change which table the subnet uses. */
  readonly noAssociate: boolean;
}

/** What is to be done before a subnet uses our table. */
interface Joining extends Copying {
  /** What the subnet uses now. */
  readonly used: UsedTable;
}

/** Our table once it is ready. */
export interface ReadyTable {
  readonly table: Ec2RouteTable;
  /** Whether it stands as it was read: nothing of it was changed since. */
  readonly isAsRead: boolean;
  /** Whether the next call is to look if it is still a copy of the former tables. */
  readonly copiesLater: boolean;
}

/** What makes our table ready. */
export interface ForeseenTable {
  /** As it is now; null: it does not exist yet. */
  readonly found: Ec2RouteTable | null;
  readonly steps: readonly PreparationStep[];
  /** As it will be, where it does not exist yet; else null. */
  readonly toBe: Ec2RouteTable | null;
}

/** The owner's table in a VPC. */
export class OwnTable {
  readonly #api: Ec2Api;
  readonly #options: OwnTableOptions;
  readonly #clock: Clock;
  readonly #recent: RecentChanges;
  #twins: readonly string[] = [];
  #problems: readonly string[] = [];

  constructor(api: Ec2Api, options: OwnTableOptions, clock: Clock) {
    this.#api = api;
    this.#options = options;
    this.#clock = clock;
    this.#recent = new RecentChanges(options.owner, clock);
  }

  /** What of the former tables could not be followed when it was last tried: sentences. */
  get problems(): readonly string[] {
    return [...this.#twins, ...this.#problems];
  }

  /** Whether a subnet uses the table as it was read, or was given to it a moment ago. */
  isUsedBy(subnetId: string, read: Ec2RouteTable): boolean {
    return this.#recent.isUsedBy(subnetId, read);
  }

  /** Takes note that a call about a table failed: one that was just made may be gone again. */
  doubt(tableId: string, error: unknown): void {
    this.#recent.doubt(tableId, error);
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
  async prepare(subnet: SubnetRef, copies: CopiesWhen, signal: AbortSignal): Promise<ReadyTable> {
    const found = await this.find(subnet, signal);
    if (found !== null && associationOf(found, subnet.subnetId) !== null) {
      if (copies === "later") return { table: found, isAsRead: true, copiesLater: true };
      const { problems, isAsRead } = await followFormers(this.#api, found, signal);
      this.#problems = problems;
      return { table: found, isAsRead, copiesLater: false };
    }
    const changed = { isAsRead: false, copiesLater: false };
    const recent = found === null ? this.#recent.createdFor(subnet) : null;
    if (recent?.associated) return { table: recent.table, ...changed };
    const joining = await this.#joining(subnet, found, signal);
    const { used, formers } = joining;
    const table = found ?? recent?.table ?? await this.#create(subnet, used, signal);
    const copying = { own: table, formers, plan: planCarryOver(formers.tables, table) };
    const made = tagOf(table, createdTag) === null ? { [createdTag]: new Date().toISOString() } : {};
    try {
      await rememberCopies(
        this.#api,
        copying,
        { [formerTag(subnet.subnetId)]: formerName(used), ...made },
        signal,
      );
      this.#problems = await carryOver(this.#api, copying, signal);
      await associate(this.#api, table, subnet, used, signal);
    } catch (error) {
      this.doubt(table.RouteTableId, error);
      throw error;
    }
    this.#recent.associated(table);
    return { table, ...changed };
  }

  /** What {@linkcode prepare} would do, without doing it; throws as it does. */
  async foresee(subnet: SubnetRef, signal: AbortSignal): Promise<ForeseenTable> {
    const found = await this.find(subnet, signal);
    if (found !== null && associationOf(found, subnet.subnetId) !== null) {
      return { found, steps: copySteps((await copyingOf(this.#api, found, signal)).plan), toBe: null };
    }
    const { used, plan } = await this.#joining(subnet, found, signal);
    const made = found === null ? `route table in ${subnet.vpcId}` : null;
    const steps = joiningSteps(made, plan, {
      what: subnet.subnetId,
      from: used.table.RouteTableId,
      to: found?.RouteTableId ?? newTableName,
    });
    return { found, steps, toBe: found === null ? tableToBe(used.table, true) : null };
  }

  /** Puts the subnet's former association back and deletes the table; does nothing if there is none. */
  async remove(subnet: SubnetRef, signal: AbortSignal): Promise<void> {
    const table = await this.find(subnet, signal);
    if (table !== null) await removeOwnTable(this.#api, table, subnet, this.#clock, signal);
  }

  /** What joining takes, with all that forbids it looked at. @param found our table, if there is one. */
  async #joining(subnet: SubnetRef, found: Ec2RouteTable | null, signal: AbortSignal): Promise<Joining> {
    const recent = found === null ? this.#recent.createdFor(subnet) : null;
    const used = recent?.used ?? await this.#usedBeforeOurs(subnet, signal);
    if (this.#options.noAssociate) {
      throw associationForbidden(subnet.subnetId, `route table ${used.table.RouteTableId}`);
    }
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
      ClientToken: this.#recent.token.of(subnet.vpcId),
      TagSpecifications: [{ ResourceType: "route-table", Tags: creationTags(this.#options.owner) }],
    }, signal);
    this.#recent.created(table, subnet, used);
    log.info("Created route table {table} in {vpc}", {
      event: "table-created",
      table: table.RouteTableId,
      vpc: subnet.vpcId,
    });
    return table;
  }
}

/** Refuses to take a subnet from another owner or another controller. */
function checkMayLeave(used: Ec2RouteTable, { subnetId }: SubnetRef, owner: string): void {
  const other = tagOf(used, ownerTag);
  const table = { name: used.RouteTableId, id: used.RouteTableId };
  if (other !== null && other !== owner) throw ownedByAnother(subnetId, table, owner, other);
  const keeper = keeperOf(used.Tags.map(({ Key }) => Key), knownKeepers);
  if (keeper !== null) throw new CloudError("invalid", keptByAnother(subnetId, table, keeper));
}
