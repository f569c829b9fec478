/**
 * Keeps hopeless calls from being repeated: what a quota, a missing permission or the cloud's rules forbid is tried again once a
 * minute, not in a loop.
 */

import type { CloudError } from "../clouds/cloud_error.ts";
import type { PlannedChange } from "./plan.ts";

/** How long a hopeless call is left alone, in milliseconds. */
export const circuitOpenMs = 60_000;
/** The same for an add that found no room though a withdrawal had just made some: the cloud may not have counted it yet. */
const firstOpenAfterRoomMs = 1_000;

/** Remembers which changes are not worth trying before when. */
export class Circuit {
  readonly #until = new Map<string, number>();
  /** By key of the changes for which room was made: how often they were refused since. */
  readonly #refusedSinceRoom = new Map<string, number>();

  /** Takes note of a failure; does nothing for those that may heal by themselves. */
  open(change: PlannedChange, error: CloudError, now: number): void {
    const key = circuitKey(change, error);
    if (key !== null) this.#until.set(key, now + this.#openMs(key));
  }

  /** Whether a change would only fail again. */
  isOpen(change: PlannedChange, now: number): boolean {
    return this.isRefused(change, now) || this.#isOpen(familyKey(change), now);
  }

  /** Whether a permission or the cloud's rules forbid a change; that more room would not help it. */
  isRefused(change: PlannedChange, now: number): boolean {
    return this.#isOpen(actionKey(change), now) || this.#isOpen(changeKey(change), now);
  }

  #isOpen(key: string, now: number): boolean {
    return (this.#until.get(key) ?? 0) > now;
  }

  /** Room was made: adds of that family are worth a try, and replaces, which may need places where next hops count. */
  roomMade({ prefix }: Pick<PlannedChange, "prefix">): void {
    for (const action of ["add", "replace"] as const) {
      const key = familyKey({ action, prefix });
      this.#until.delete(key);
      this.#refusedSinceRoom.set(key, 0);
    }
  }

  /** When the next of them may be tried; null if there is none. */
  nextAt(now: number): number | null {
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key);
    return this.#until.size === 0 ? null : Math.min(...this.#until.values());
  }

  #openMs(key: string): number {
    const refused = this.#refusedSinceRoom.get(key);
    if (refused === undefined) return circuitOpenMs;
    this.#refusedSinceRoom.set(key, refused + 1);
    return Math.min(circuitOpenMs, firstOpenAfterRoomMs * 2 ** Math.min(refused, 10));
  }
}

function circuitKey(change: PlannedChange, error: CloudError): string | null {
  switch (error.kind) {
    case "denied":
      return actionKey(change);
    case "quota":
      return familyKey(change);
    case "invalid":
      return changeKey(change);
    case "throttled":
    case "conflict":
    case "gone":
    case "unavailable":
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
