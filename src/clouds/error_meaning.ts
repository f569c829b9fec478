/**
 * What follows from a failed call, by the kind of its error. Everything that judges an error (retries, health, the write, doctor)
 * reads this table, so that one error means one thing.
 */

import type { CloudError, CloudErrorKind } from "./cloud_error.ts";

/** See the head of this file. */
export interface ErrorMeaning {
  /** Whether waiting alone may heal it. If not a person must act, and health says `degraded`. */
  readonly healsByItself: boolean;
  /**
   * When the same call is worth another try: `back-off`: soon, and no sooner than Retry-After; `each-minute`: it would fail again until
   * somebody acts, and is tried once a minute in case somebody did; `prepare`: once the tables have been prepared anew.
   */
  readonly retry: "back-off" | "each-minute" | "prepare";
  /**
   * What else would fail now: this very `change` only; changes with the same `action` and `family` (a quota); all with the same
   * `action` (a permission); every call of the `table`.
   */
  readonly scope: "change" | "family" | "action" | "table";
  /** What a person should type, for the log; left out: what helps depends on the error's own words. */
  readonly remedy?: string;
}

const meanings: Readonly<Record<CloudErrorKind, ErrorMeaning>> = {
  throttled: { healsByItself: true, retry: "back-off", scope: "table" },
  unavailable: { healsByItself: true, retry: "back-off", scope: "table" },
  malformed: { healsByItself: false, retry: "back-off", scope: "table" },
  conflict: { healsByItself: true, retry: "back-off", scope: "change" },
  gone: { healsByItself: false, retry: "prepare", scope: "table" },
  quota: { healsByItself: false, retry: "each-minute", scope: "family" },
  denied: {
    healsByItself: false,
    retry: "each-minute",
    scope: "action",
    remedy: "cloudroutesync doctor -policy prints the permissions that it needs",
  },
  invalid: { healsByItself: false, retry: "each-minute", scope: "change" },
};

/** What follows from an error. */
export function meaningOf({ kind }: Pick<CloudError, "kind">): ErrorMeaning {
  return meanings[kind];
}

/** How long what is tried `each-minute` is left alone, in milliseconds. */
export const eachMinuteMs = 60_000;

/** How often in a row a command that ends tries what needs a correction. */
export const fewTries = 3;

/**
 * Whether something is simply wrong, a setting or an answer, and stays so until a person corrects it: a command that ends gives up
 * after {@linkcode fewTries}, where it waits out what is merely full or forbidden as long as it has time.
 */
export function needsCorrection({ kind }: Pick<CloudError, "kind">): boolean {
  return kind === "invalid" || kind === "malformed";
}
