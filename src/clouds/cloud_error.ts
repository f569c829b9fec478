/** The one error type that every cloud speaks. */

/**
 * What a failed call means for the one who made it:
 *
 * - `throttled`: asked too often; try again, not before `retryAfterMs`.
 * - `quota`: a limit is reached; trying again soon is of no use.
 * - `denied`: a permission is missing (`action` names it) or the credentials are not accepted.
 * - `conflict`: what was read is no longer so (a stale ETag, a route that exists, another writer); read again.
 * - `gone`: the table, router or route is not there (any more).
 * - `unavailable`: refused, timed out, 5xx; it is unknown whether the call took effect.
 * - `invalid`: the cloud will never take this; or it answered what makes no sense.
 */
export type CloudErrorKind =
  | "throttled"
  | "quota"
  | "denied"
  | "conflict"
  | "gone"
  | "unavailable"
  | "invalid";

/** What is known about a failed call besides its kind. */
export interface CloudErrorDetails {
  /** HTTP status. */
  readonly status?: number | undefined;
  /** The cloud's own word, such as `RouteLimitExceeded`. */
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  /** Earliest time of the next call, in milliseconds from now, where the cloud named one (Retry-After). */
  readonly retryAfterMs?: number | undefined;
  /** The missing permission, such as `ec2:CreateRoute`. */
  readonly action?: string | undefined;
  /** The limit that was reached, where the cloud told it. */
  readonly limit?: number | undefined;
  readonly cause?: unknown;
}

/** A call to a cloud that failed. The message is a sentence: action, value, cause. */
export class CloudError extends Error {
  override readonly name = "CloudError";
  readonly kind: CloudErrorKind;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly action: string | undefined;
  readonly limit: number | undefined;

  constructor(kind: CloudErrorKind, message: string, details: CloudErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.status = details.status;
    this.code = details.code;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
    this.action = details.action;
    this.limit = details.limit;
  }
}
