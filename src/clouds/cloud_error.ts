/** The one error type that every cloud speaks. */

/**
 * What a failed call means for the one who made it:
 *
 * - `throttled`: asked too often; try again, not before `retryAfterMs`.
 * - `quota`: a limit is reached; retrying soon is of no use.
 * - `denied`: a permission is missing (`action` names it) or the credentials are not accepted.
 * - `conflict`: what was read is no longer so (a stale ETag, a route that exists, another writer); read again.
 * - `gone`: the table, router or route is not there (any more).
 * - `unavailable`: refused, timed out, 5xx, or a write was answered with what makes no sense; it is unknown whether the call
 *   took effect.
 * - `invalid`: the cloud will never take this change, or never work with these settings.
 * - `malformed`: a reading was answered with what does not fit what the API documents: a proxy's page, a field that is missing, a
 *   file that somebody has broken.
 *
 * What follows from each is in `error_meaning.ts`.
 */
export type CloudErrorKind =
  | "throttled"
  | "quota"
  | "denied"
  | "conflict"
  | "gone"
  | "unavailable"
  | "invalid"
  | "malformed";

/** What is known about a failed call besides its kind. */
export interface CloudErrorDetails {
  /** HTTP status. */
  readonly status?: number | undefined;
  /** The cloud's own word, such as `RouteLimitExceeded`. */
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  /** Earliest time of the next call, in milliseconds from now, where the cloud named one (Retry-After). */
  readonly retryAfterMs?: number | undefined;
  /** Set where a call was `throttled` because another change of the same resource is under way: the account's limits are not reached. */
  readonly isBusy?: boolean | undefined;
  /** The missing permission, such as `ec2:CreateRoute`. */
  readonly action?: string | undefined;
  /** The limit that was reached, where the cloud named it. */
  readonly limit?: number | undefined;
  /** What a person can do about it, where more is to be said than the message does. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/** A call to a cloud that failed. The message is a sentence: action, value, cause. */
export class CloudError extends Error {
  override readonly name: string = "CloudError";
  readonly kind: CloudErrorKind;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly isBusy: boolean;
  readonly action: string | undefined;
  readonly limit: number | undefined;
  readonly remedy: string | undefined;

  constructor(kind: CloudErrorKind, message: string, details: CloudErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.status = details.status;
    this.code = details.code;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
    this.isBusy = details.isBusy ?? false;
    this.action = details.action;
    this.limit = details.limit;
    this.remedy = details.remedy;
  }
}

/** Whether an account (project, subscription) was called too often; another change of the same resource under way is no sign of that. */
export function isOverRate(error: CloudError): boolean {
  return error.kind === "throttled" && !error.isBusy;
}

/** The same error with another earliest time of the next call, in milliseconds from now. */
export function withRetryAfter(error: CloudError, retryAfterMs: number): CloudError {
  const { kind, message, status, code, requestId, isBusy, action, limit, remedy, cause } = error;
  const details = { status, code, requestId, retryAfterMs, isBusy, action, limit, remedy };
  return new CloudError(kind, message, cause === undefined ? details : { ...details, cause });
}

/**
 * A flag or a variable of this process cannot work, whatever the cloud answers: only another start with other values heals it. What
 * depends on a file, the network or the cloud is none, since that may change while the program runs.
 */
export class ConfigurationError extends CloudError {
  override readonly name = "ConfigurationError";

  constructor(message: string, details: CloudErrorDetails = {}) {
    super("invalid", message, details);
  }
}

/** What `-route-table` names by a tag is not there: there is no table to keep in step until one gets the tag. */
export class NoTableError extends CloudError {
  constructor(message: string, details: CloudErrorDetails = {}) {
    super("gone", message, details);
  }
}

/** What is known of an error, for the log and for JSON; what is not known is left out. */
export interface ErrorFacts extends Partial<Pick<CloudError, "kind">> {
  readonly message: string;
  readonly status?: number;
  readonly code?: string;
  readonly requestId?: string;
  readonly action?: string;
  readonly limit?: number;
}

/** What is known of an error. */
export function errorFacts(error: Error): ErrorFacts {
  if (!(error instanceof CloudError)) return { message: error.message };
  const { message, kind, status, code, requestId, action, limit } = error;
  return {
    message,
    kind,
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(action === undefined ? {} : { action }),
    ...(limit === undefined ? {} : { limit }),
  };
}
