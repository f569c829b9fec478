/**
 * Holds back a mass withdrawal. Pure: time comes in as an argument.
 *
 * A routing daemon that restarts removes all its routes and re-learns them 10 to 15 s later (FRR without -K). Mirroring that
 * would take the network down. So when too many of the owned routes would go at once they stay for a while, and go only if the
 * kernel still says so then. Adds and replaces are never held.
 *
 * "At once" is measured over the hold itself: a daemon that dies slowly, or a burst that is seen in pieces, counts as one. What is
 * withdrawn and comes back does not count.
 */

/** The guard's bounds. */
export interface GuardSettings {
  /** `-max-withdraw` as a share, 0 to 1: more than this of the owned routes is too many. */
  readonly maxWithdraw: number;
  /** `-hold` in milliseconds. */
  readonly holdMs: number;
}

/** Fewer withdrawals than this are never held: small tables change as a whole all the time. */
export const fewestHeld = 10;

/** What the guard remembers between calls. Start with {@linkcode newGuardState}. */
export interface GuardState {
  /** When each pending withdrawal was first asked for, by canonical prefix. */
  readonly since: ReadonlyMap<string, number>;
  /** How many routes were owned, and when; the oldest first, within the last hold. */
  readonly owned: readonly { readonly at: number; readonly count: number }[];
}

/** The decision. */
export interface GuardDecision {
  /** Canonical prefixes that may go now. */
  readonly released: readonly string[];
  readonly held: readonly string[];
  /** When the first of the held may go; null if none is held. */
  readonly heldUntil: number | null;
  /** Why they are held, for people; null if none is. */
  readonly why: string | null;
  readonly state: GuardState;
}

/** The memory of a guard that has seen nothing. */
export function newGuardState(): GuardState {
  return { since: new Map(), owned: [] };
}

/**
 * Decides which withdrawals may go.
 *
 * @param withdrawals canonical prefixes of all owned routes that are not wanted now.
 * @param owned number of owned routes in the table now.
 * @param now milliseconds of a monotonic clock.
 */
export function guard(
  withdrawals: readonly string[],
  owned: number,
  now: number,
  settings: GuardSettings,
  state: GuardState,
): GuardDecision {
  const since = new Map(withdrawals.map((prefix) => [prefix, state.since.get(prefix) ?? now]));
  const age = (prefix: string): number => now - (since.get(prefix) ?? now);
  const ripe = withdrawals.filter((prefix) => age(prefix) >= settings.holdMs);
  const fresh = withdrawals.filter((prefix) => age(prefix) < settings.holdMs);
  const samples = remember(state.owned, owned, now, settings.holdMs);
  const next: GuardState = { since, owned: forget(samples, ripe.length) };
  const before = samples[0]?.count ?? owned;
  const lost = before - owned + fresh.length;
  if (fresh.length === 0 || lost < fewestHeld || lost <= settings.maxWithdraw * before) {
    return { released: withdrawals, held: [], heldUntil: null, why: null, state: next };
  }
  const oldest = fresh.reduce((most, prefix) => Math.max(most, age(prefix)), 0);
  return {
    released: ripe,
    held: fresh,
    heldUntil: now - oldest + settings.holdMs,
    why: `${lost} of ${before} owned routes would go within ${settings.holdMs / 1000} s, ` +
      `more than ${Math.round(settings.maxWithdraw * 100)} %`,
    state: next,
  };
}

/** Adds a sample, drops those older than the hold and those that a later one reaches: the first is the highest. */
function remember(
  samples: GuardState["owned"],
  count: number,
  now: number,
  holdMs: number,
): GuardState["owned"] {
  const recent = samples.filter((sample) => now - sample.at < holdMs && sample.count > count);
  return [...recent, { at: now, count }];
}

/** What went after its hold was agreed to and is no loss any more. */
function forget(samples: GuardState["owned"], count: number): GuardState["owned"] {
  return samples.map((sample) => ({ at: sample.at, count: sample.count - count }));
}
