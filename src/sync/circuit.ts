/**
 * Keeps calls that would only fail again from being repeated: what a quota, a missing permission or the cloud's rules forbid is tried
 * again once a minute, not in a loop.
 */

import { doubledMs } from "../async/back_off.ts";
import type { CloudError } from "../clouds/cloud_error.ts";
import { eachMinuteMs, meaningOf } from "../clouds/error_meaning.ts";
import type { PlannedChange } from "./planned_change.ts";

/** The same for an add that was over the quota though a withdrawal had just freed places: the cloud may not have counted it yet. */
const firstOpenAfterFreedMs = 1_000;

/** Remembers which changes are not worth trying before when. */
export class Circuit {
  readonly #until = new Map<string, number>();
  /** By key of the changes for which places were freed: how often they were refused since. */
  readonly #refusedSinceFreed = new Map<string, number>();
  /** By key: the limit that the last refusal named, and when a refusal named it first. */
  readonly #namedLimits = new Map<string, { readonly limit: number; readonly at: number }>();

  /**
   * Takes note of a failure; does nothing for those that may heal by themselves.
   *
   * @param now the same for all failures of one write.
   */
  open(change: PlannedChange, error: CloudError, now: number): void {
    const key = circuitKey(change, error);
    if (key === null || this.#isNewLimit(key, error, now)) return;
    this.#until.set(key, now + this.#openMs(key));
  }

  /** Whether a change is worth a try. */
  isRetryable(change: PlannedChange, now: number): boolean {
    if (this.#until.size === 0) return true;
    return !this.isForbidden(change, now) && !this.#isOpen(familyKey(change), now);
  }

  /** Whether a permission or the cloud's rules forbid a change; free places would not help it. */
  isForbidden(change: PlannedChange, now: number): boolean {
    // As nearly always: of a million changes no key need be made.
    if (this.#until.size === 0) return false;
    return this.#isOpen(actionKey(change), now) || this.#isOpen(changeKey(change), now);
  }

  /** When a change that is not retryable now may be tried again; null: it may be now. */
  retryAt(change: PlannedChange, now: number): number | null {
    const until = Math.max(
      ...[actionKey(change), changeKey(change), familyKey(change)].map((key) => this.#until.get(key) ?? 0),
    );
    return until > now ? until : null;
  }

  #isOpen(key: string, now: number): boolean {
    return (this.#until.get(key) ?? 0) > now;
  }

  /** Places were freed: adds of that family are worth a try, and replaces, which may need places where next hops count. */
  placesFreed({ prefix }: Pick<PlannedChange, "prefix">): void {
    for (const action of ["add", "replace"] as const) {
      const key = familyKey({ action, prefix });
      this.#until.delete(key);
      this.#refusedSinceFreed.set(key, 0);
    }
  }

  /** When the next of them may be tried; null if there is none. */
  nextAt(now: number): number | null {
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key);
    return this.#until.size === 0 ? null : Math.min(...this.#until.values());
  }

  /** A limit that was not known before: from now on the plan leaves out what is over it, and what is not is worth a try. */
  #isNewLimit(key: string, { limit }: CloudError, now: number): boolean {
    if (limit === undefined) return false;
    const named = this.#namedLimits.get(key);
    if (named?.limit === limit) return named.at === now;
    this.#namedLimits.set(key, { limit, at: now });
    return true;
  }

  #openMs(key: string): number {
    const refused = this.#refusedSinceFreed.get(key);
    if (refused === undefined) return eachMinuteMs;
    this.#refusedSinceFreed.set(key, refused + 1);
    return doubledMs(firstOpenAfterFreedMs, refused, eachMinuteMs);
  }
}

function circuitKey(change: PlannedChange, error: CloudError): string | null {
  const { retry, scope } = meaningOf(error);
  if (retry !== "each-minute") return null;
  switch (scope) {
    case "action":
      return actionKey(change);
    case "family":
      // A delete takes no place: it was refused only for the company that it was in.
      return change.action === "delete" ? null : familyKey(change);
    case "change":
      return changeKey(change);
    case "table":
      return null;
  }
}

function actionKey(change: Pick<PlannedChange, "action">): string {
  return `action ${change.action}`;
}

/** A quota stops one kind of change of a family; deletes go on in any case. */
function familyKey(change: Pick<PlannedChange, "action" | "prefix">): string {
  return `quota ${change.action} ${change.prefix.family}`;
}

function changeKey(change: PlannedChange): string {
  return `change ${change.action} ${change.prefix.text} ${change.to?.join(",") ?? ""}`;
}
