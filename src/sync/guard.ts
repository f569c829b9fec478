/**
 * Holds back a mass withdrawal. Pure: time comes in as an argument, and only `letGo` and `wantedAgain` change a state, the one they get.
 *
 * A routing daemon that restarts removes all its routes and re-learns them 10 to 15 s later (FRR without -K). Mirroring that
 * would take the network down. So when too many of the owned routes would go at once they stay for a while, and go only if the
 * kernel still says so then. Adds and replaces are never held.
 *
 * "At once" is measured over the hold itself: a daemon that dies slowly, or a burst that is seen in pieces, counts as one. What is
 * withdrawn and comes back does not count.
 */

import { eachOf, finish, type Steps } from "../async/steps.ts";

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
  readonly since: Map<string, number>;
  /** When each withdrawal of the last hold was let go without a hold, by canonical prefix. */
  readonly unheld: ReadonlyMap<string, number>;
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

/** The canonical prefixes of the routes that are owned now: a set, or a map by prefix. */
export interface OwnedRoutes {
  readonly size: number;
  has(prefix: string): boolean;
}

/** The memory of a guard that has seen nothing. */
export function newGuardState(): GuardState {
  return { since: new Map(), unheld: new Map() };
}

/** Decides at once; see {@linkcode guarding}. */
export function guard(
  withdrawals: readonly string[],
  owned: OwnedRoutes,
  now: number,
  settings: GuardSettings,
  state: GuardState,
): GuardDecision {
  return finish(guarding(withdrawals, owned, now, settings, state));
}

/**
 * Decides which withdrawals may go.
 *
 * @param withdrawals canonical prefixes of all owned routes that are not wanted now.
 * @param now milliseconds of a monotonic clock.
 */
export function* guarding(
  withdrawals: readonly string[],
  owned: OwnedRoutes,
  now: number,
  settings: GuardSettings,
  state: GuardState,
): Steps<GuardDecision> {
  const since = new Map<string, number>();
  yield* eachOf(withdrawals, (prefix) => since.set(prefix, state.since.get(prefix) ?? now));
  const unheld = yield* stillLost(state.unheld, owned, since, now, settings.holdMs);
  let gone = 0;
  yield* eachOf(unheld.keys(), (prefix) => {
    if (!owned.has(prefix)) gone++;
  });
  const agreed: string[] = [];
  const fresh: string[] = [];
  let oldest = 0;
  yield* eachOf(withdrawals, (prefix) => {
    const age = now - (since.get(prefix) ?? now);
    if (age >= settings.holdMs || unheld.has(prefix)) agreed.push(prefix);
    else {
      fresh.push(prefix);
      oldest = Math.max(oldest, age);
    }
  });
  const went = unheld.size;
  const lost = went + fresh.length;
  const before = owned.size + gone;
  if (fresh.length === 0 || lost < fewestHeld || lost <= settings.maxWithdraw * before) {
    yield* eachOf(fresh, (prefix) => unheld.set(prefix, now));
    return { released: withdrawals, held: [], heldUntil: null, why: null, state: { since, unheld } };
  }
  return {
    released: agreed,
    held: fresh,
    heldUntil: now - oldest + settings.holdMs,
    why: `${fresh.length} of ${owned.size} owned routes would go${
      went === 0 ? "" : ` and ${went} went`
    } within ${settings.holdMs / 1000} s, more than ${Math.round(settings.maxWithdraw * 100)} %`,
    state: { since, unheld },
  };
}

/**
 * The losses of the last hold, without those that came back. A withdrawal that the cloud has not made yet counts from now on, or,
 * once it was asked for during a full hold, as agreed to.
 */
function* stillLost(
  unheld: GuardState["unheld"],
  owned: OwnedRoutes,
  since: GuardState["since"],
  now: number,
  holdMs: number,
): Steps<Map<string, number>> {
  const lost = new Map<string, number>();
  yield* eachOf(unheld, ([prefix, at]) => {
    const pending = since.get(prefix);
    if (pending !== undefined) {
      const isTheSame = pending <= at;
      if (isTheSame && now - pending < holdMs) lost.set(prefix, now);
    } else if (now - at < holdMs && !owned.has(prefix)) lost.set(prefix, at);
  });
  return lost;
}

/**
 * Lets a withdrawal go at the next decision, as if its hold had ended (`release`). One that is not asked for any more is not let go.
 *
 * @param endedAt a time that lies a hold back.
 */
export function letGo({ since }: GuardState, prefix: string, endedAt: number): void {
  if (since.has(prefix)) since.set(prefix, endedAt);
}

/**
 * Forgets in a state since when a prefix was to go that is wanted again: if it is to go once more, its hold starts over. A copy of
 * the state for each would take as long as the state is large.
 */
export function wantedAgain({ since }: GuardState, prefix: string): void {
  since.delete(prefix);
}
