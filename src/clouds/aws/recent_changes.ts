/**
 * What this run remembers of the changes that it made: EC2 is consistent only in the end, and may not list a table or show an association
 * before some seconds have passed. What it shows meanwhile may be neither the old state nor the new one.
 */

import type { Clock } from "../../async/clock.ts";
import { CloudError } from "../cloud_error.ts";
import { CreationToken } from "./creation_token.ts";
import type { Ec2RouteTable } from "./schemas.ts";
import { associationOf, type SubnetRef, type UsedTable } from "./association.ts";

/** So long a table that was made counts as there although EC2 does not list it, in milliseconds. */
const recentlyMs = 120_000;

/** So long EC2 may not know the id of a table that it has made, or show a state from before, in milliseconds. */
const unknownMs = 20_000;

/** A table made a moment ago. */
export interface RecentlyCreated {
  readonly table: Ec2RouteTable;
  readonly subnetId: string;
  /** What the subnet used when it was made. */
  readonly used: UsedTable;
  /** Whether the subnet was given to it. */
  readonly associated: boolean;
  readonly at: number;
}

/** See the head of this file. */
export class RecentChanges {
  readonly #clock: Clock;
  /** The token of a creation: EC2 answers a repeated one with the table of the first. */
  readonly token: CreationToken;
  #created: RecentlyCreated | null = null;
  #associatedAt: number | null = null;
  /** Whether EC2 has shown the association that was made last. */
  #isShown = false;

  constructor(owner: string, clock: Clock) {
    this.#clock = clock;
    this.token = new CreationToken(owner, () => Date.now());
  }

  /** Takes note that a table was made for a subnet, so that a later try does not make a second one. */
  created(table: Ec2RouteTable, { subnetId }: SubnetRef, used: UsedTable): void {
    this.token.used();
    this.#created = { table, subnetId, used, associated: false, at: this.#clock.now() };
  }

  /** Takes note that the subnet was given to a table. */
  associated(table: Ec2RouteTable): void {
    this.#associatedAt = this.#clock.now();
    this.#isShown = false;
    if (this.#created?.table === table) this.#created = { ...this.#created, associated: true };
  }

  /** The table that was just made for a subnet; null if there is none, or if it should have been listed long since. */
  createdFor({ subnetId }: SubnetRef): RecentlyCreated | null {
    const recent = this.#created;
    if (recent === null || recent.subnetId !== subnetId) return null;
    if (this.#clock.now() - recent.at < recentlyMs) return recent;
    this.#forget();
    return null;
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

  /**
   * Takes note that a call about a table failed. One that was made a moment ago may be unknown to EC2 for some seconds; later it was
   * deleted, and another one is to be made.
   */
  doubt(tableId: string, error: unknown): void {
    if (!(error instanceof CloudError) || error.kind !== "gone") return;
    if (this.#created?.table.RouteTableId !== tableId) return;
    if (this.#clock.now() - this.#created.at > unknownMs) this.#forget();
  }

  #forget(): void {
    this.#created = null;
    this.token.failed();
  }
}
