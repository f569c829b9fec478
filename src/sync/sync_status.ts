/** What a reconciler says of itself, for logs, metrics, health and systemd. */

import { eachOf, finish, type Steps } from "../async/steps.ts";
import type { ChangeCause } from "./change_causes.ts";
import type { ChangeRecord } from "./change_history.ts";
import type { CloudQuota } from "../clouds/cloud.ts";
import type { Comparison, LoopingRoute } from "./comparison.ts";
import { type ErrorFacts, errorFacts } from "../clouds/cloud_error.ts";

/** A prefix that flapped too often. */
export interface DampedPrefix {
  /** Canonical. */
  readonly prefix: string;
  /** When its latest state is written, in milliseconds since the epoch. */
  readonly until: number;
}

/** The state of one table. */
export interface SyncStatus {
  /** The table's name for people, and its id. */
  readonly table: string;
  readonly id: string;
  /** Whether all that is wanted is there and nothing of ours is there that is not wanted. */
  readonly inStep: boolean;
  /** Number of wanted routes. */
  readonly wanted: number;
  /** Whether the table was read well at all: until then its numbers say nothing. */
  readonly known: boolean;
  /** Why it is not read though nothing failed, as part of a sentence; null: it is read, or calls are under way. */
  readonly waitsFor: string | null;
  /** Owned routes in the table as last read. */
  readonly owned: number;
  readonly foreign: number;
  /** Changes that wait for a write, a retry or the withdraw delay. */
  readonly pending: number;
  /** Prefixes whose changes wait since they flapped too often; they are {@linkcode pending} too. */
  readonly damped: readonly DampedPrefix[];
  /** Withdrawals that the guard holds, and why. */
  readonly held: number;
  readonly heldWhy: string | null;
  /** When the first of them may go, in milliseconds since the epoch; null if none is held. */
  readonly heldUntil: number | null;
  /** Canonical prefixes of wanted routes that are over a quota. */
  readonly overQuota: readonly string[];
  /** Wanted routes that are left out since they would turn this VM's own packets back to it. */
  readonly looping: readonly LoopingRoute[];
  /** Canonical prefixes where a foreign route stands. */
  readonly conflicts: readonly string[];
  /** This VM's subnets that use the table, where the cloud tells it. */
  readonly ownSubnets: readonly string[];
  /** What keeps packets from going where the routes say: the cloud's own sentences. */
  readonly problems: readonly string[];
  /** Routes that stand at another router of the group. */
  readonly peerRoutes: number;
  /** Canonical prefixes of wanted routes that another router of the group has, or that wait for the active address. */
  readonly standby: readonly string[];
  readonly quotas: readonly CloudQuota[];
  /** The last error of each prefix, of the table under "", of the ledger under `ledger`, of the look-up of neighbours under `neighbours`. */
  readonly errors: ReadonlyMap<string, Error>;
  /** By the same keys when what failed is tried again, in milliseconds since the epoch; left out where it is not by itself. */
  readonly nextTries: ReadonlyMap<string, number>;
  /** Whether something failed of which no later try has worked, and when the next try is made, in milliseconds since the epoch. */
  readonly nextTryAt: number | null;
  /** The last changes, the newest first, and how many there were since the start by cause. */
  readonly changes: readonly ChangeRecord[];
  readonly causes: Readonly<Record<ChangeCause, number>>;
  /** Writes done since the start. */
  readonly writes: Readonly<Record<"add" | "replace" | "delete", number>>;
  readonly failures: number;
  readonly reads: number;
  /** When all was last in step, in milliseconds of the loop's clock; null: never yet. */
  readonly inStepAt: number | null;
  /** Since when all is in step and nothing had to be written, in milliseconds since the epoch; null: it is not in step. */
  readonly inStepSince: number | null;
}

/** What a comparison says of a table. */
type ComparisonFacts = Pick<
  SyncStatus,
  "pending" | "held" | "heldWhy" | "overQuota" | "looping" | "conflicts" | "standby"
>;

/** By comparison, so that who asks for a status every few seconds does not have a million prefixes listed each time. */
const known = new WeakMap<Comparison, ComparisonFacts>();

/**
 * What a comparison says of the table.
 *
 * @param news how many prefixes the kernel has changed since.
 */
export function comparisonFacts(comparison: Comparison, news: number): ComparisonFacts {
  const facts = finish(findingFacts(comparison));
  return { ...facts, pending: facts.pending + news };
}

/** The same, but for the news: found out once for each comparison. */
export function* findingFacts(comparison: Comparison): Steps<ComparisonFacts> {
  const before = known.get(comparison);
  if (before !== undefined) return before;
  const { difference, decision, waiting, fitted, notRetryable, damped, unresolved, looping } = comparison;
  const now = fitted.waves.reduce((sum, wave) => sum + wave.length, 0);
  const overQuota: string[] = [];
  yield* eachOf(fitted.overQuota, ({ prefix }) => overQuota.push(prefix.text));
  const conflicts: string[] = [];
  yield* eachOf(difference.conflicts, ({ prefix }) => conflicts.push(prefix.text));
  const standby: string[] = [];
  yield* eachOf(difference.left, ({ prefix, verdict }) => {
    if (verdict !== "peer") standby.push(prefix.text);
  });
  const facts = {
    pending: now + waiting.length + notRetryable.length + damped.length + unresolved.length,
    held: decision.held.length,
    heldWhy: decision.why,
    overQuota,
    looping,
    conflicts,
    standby,
  };
  known.set(comparison, facts);
  return facts;
}

/** What is counted in a table; before it was read nobody knows the numbers. */
type Counted = "owned" | "foreign" | "peerRoutes" | "pending" | "held";

/** The numbers of a table as documents tell them: null where they are unknown. */
export function knownCounts(status: SyncStatus): Readonly<Record<Counted, number | null>> {
  const { known, owned, foreign, peerRoutes, pending, held } = status;
  return known
    ? { owned, foreign, peerRoutes, pending, held }
    : { owned: null, foreign: null, peerRoutes: null, pending: null, held: null };
}

/** A status as JSON: what is known of each error stands under its prefix. */
export type TableDocument =
  & Omit<SyncStatus, "errors" | "nextTries" | "waitsFor" | "changes" | "damped" | Counted>
  & ReturnType<typeof knownCounts>
  & { readonly errors: Readonly<Record<string, ErrorFacts>> };

/** The document of a table, for `/status`, the status file and `apply -output json`. */
export function tableDocument(status: SyncStatus): TableDocument {
  const errors = [...status.errors].map(([key, error]) => [key, errorFacts(error)] as const);
  const { changes: _changes, nextTries: _nextTries, waitsFor: _waitsFor, damped: _damped, ...rest } = status;
  return { ...rest, ...knownCounts(status), errors: Object.fromEntries(errors) };
}
