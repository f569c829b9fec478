/** What a reconciler says of itself, for logs, metrics, health and systemd. */

import type { CloudQuota } from "../clouds/cloud.ts";

/** The state of one table. */
export interface SyncStatus {
  /** The table's name for people, and its id. */
  readonly table: string;
  readonly id: string;
  /** Whether all that is wanted is there and nothing of ours is there that is not wanted. */
  readonly inStep: boolean;
  /** Number of wanted routes. */
  readonly wanted: number;
  /** Owned routes in the table as last read. */
  readonly owned: number;
  readonly foreign: number;
  /** Changes that wait for a write, a retry or the withdraw delay. */
  readonly pending: number;
  /** Withdrawals that the guard holds, and why. */
  readonly held: number;
  readonly heldWhy: string | null;
  /** Canonical prefixes for which no quota has room. */
  readonly unfit: readonly string[];
  /** Canonical prefixes where a foreign route stands. */
  readonly conflicts: readonly string[];
  readonly quotas: readonly CloudQuota[];
  /** The last error of each prefix, and of the table under "". */
  readonly errors: ReadonlyMap<string, string>;
  /** Writes done since the start. */
  readonly writes: Readonly<Record<"add" | "replace" | "delete", number>>;
  readonly failures: number;
  readonly reads: number;
  /** When all was last in step, in milliseconds of the loop's clock; null: never yet. */
  readonly inStepAt: number | null;
}
