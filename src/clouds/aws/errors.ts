/**
 * What AWS' refusals mean. The codes are EC2's
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html) and those of the credential chain.
 */

import { CloudError, type CloudErrorDetails, type CloudErrorKind } from "../cloud_error.ts";
import { retryAfterMs } from "../http.ts";
import { CredentialsError } from "./credentials_error.ts";

/** Code of the refusal that proves a permission: the call would have been made but for DryRun. */
export const dryRunSucceeded = "DryRunOperation";

const kindsByCode: Readonly<Record<string, CloudErrorKind>> = {
  RequestLimitExceeded: "throttled",
  Throttling: "throttled",
  ThrottlingException: "throttled",
  ThrottledException: "throttled",
  TooManyRequestsException: "throttled",
  SlowDown: "throttled",
  RouteLimitExceeded: "quota",
  RouteTableLimitExceeded: "quota",
  TagLimitExceeded: "quota",
  UnauthorizedOperation: "denied",
  AccessDenied: "denied",
  AccessDeniedException: "denied",
  AuthFailure: "denied",
  InvalidClientTokenId: "denied",
  UnrecognizedClientException: "denied",
  SignatureDoesNotMatch: "denied",
  OptInRequired: "denied",
  PendingVerification: "denied",
  Blocked: "denied",
  // What has expired is fetched again before the next call, so that no person need help. AuthFailure and InvalidClientTokenId stay
  // denied though a key may have been rotated: EC2 says the same of a key that never was any good.
  ExpiredToken: "unavailable",
  ExpiredTokenException: "unavailable",
  RequestExpired: "unavailable",
  // No credentials at all, so that no call was made and no permission missed: most often a service that gives them is down. That an
  // instance has no role is said by `role_credentials.ts`.
  CredentialsProviderError: "unavailable",
  TokenProviderError: "unavailable",
  RouteAlreadyExists: "conflict",
  "InvalidRoute.NotFound": "conflict",
  "InvalidNetworkInterfaceID.NotFound": "conflict",
  "InvalidAssociationID.NotFound": "conflict",
  "Resource.AlreadyAssociated": "conflict",
  DependencyViolation: "conflict",
  IncorrectState: "conflict",
  IncorrectInstanceState: "conflict",
  "InvalidRouteTableID.NotFound": "gone",
  "InvalidVpcID.NotFound": "gone",
  "InvalidSubnetID.NotFound": "gone",
  InternalError: "unavailable",
  InternalFailure: "unavailable",
  ServerInternal: "unavailable",
  ServiceUnavailable: "unavailable",
  Unavailable: "unavailable",
};

/** EC2 writes `InvalidRouteTableID.NotFound` and `InvalidRouteTableId.NotFound`, by the action. */
const kinds = new Map(Object.entries(kindsByCode).map(([code, kind]) => [code.toLowerCase(), kind]));

/** Codes that say that there are no credentials at all. */
const noCredentials: ReadonlySet<string> = new Set([
  "CredentialsError",
  "CredentialsProviderError",
  "TokenProviderError",
]);

/** Codes that say that the credentials in hand are no good (any more): fetching them anew may help. */
const staleCredentials: ReadonlySet<string> = new Set([
  "AuthFailure",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "RequestExpired",
]);

/** A failed call as it is known before it is judged. */
export interface FailedCall {
  /** What the call was for, as a verb phrase that fits after "Cannot": `create route 10.1.0.0/16`. */
  readonly doing: string;
  /** The permission that the call needs, such as `ec2:CreateRoute`. */
  readonly permission: string;
  readonly error: unknown;
  /** Whether the call's own deadline ended it. */
  readonly timedOut: boolean;
  /** Milliseconds since the epoch, to judge a Retry-After date by. */
  readonly now: number;
}

/** What of an SDK's error is read; each part may be missing. */
interface SdkError {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfter: string | undefined;
}

/** Makes a {@linkcode CloudError} of whatever the SDK threw. */
export function toCloudError(call: FailedCall): CloudError {
  if (call.error instanceof CloudError) return call.error;
  if (call.error instanceof CredentialsError && !call.timedOut) {
    const { kind, name: code, message, remedy } = call.error;
    return new CloudError(kind, `Cannot ${call.doing}: ${message}`, { code, remedy, cause: call.error });
  }
  const error = readSdkError(call.error);
  const kind = kindOf(error, call.timedOut);
  const why = call.timedOut ? "no answer in time" : sentence(error);
  const details: CloudErrorDetails = {
    status: error.status,
    code: error.code,
    requestId: error.requestId,
    action: kind === "denied" ? deniedAction(error) ?? call.permission : undefined,
    retryAfterMs: error.retryAfter === undefined
      ? undefined
      : retryAfterMs(new Headers({ "retry-after": error.retryAfter }), call.now),
    cause: withoutSecrets(call.error, error),
  };
  return new CloudError(kind, `Cannot ${call.doing}: ${why}`, details);
}

/** Whether new credentials should be fetched before the next call. */
export function spoilsCredentials(error: CloudError): boolean {
  return error.code !== undefined && staleCredentials.has(error.code);
}

/** Whether there were no credentials to make the call with. */
export function lacksCredentials(error: CloudError): boolean {
  return error.code !== undefined && noCredentials.has(error.code);
}

/** Whether a route that was to be replaced or deleted is not there: EC2 has two answers for that. */
export function isRouteMissing({ code, kind }: CloudError): boolean {
  return code === "InvalidRoute.NotFound" || (code === "InvalidParameterValue" && kind === "conflict");
}

/** Whether EC2 knows no such route to replace (yet). It uses a code for it that it has for many other things. */
function isNoRouteDefined(error: SdkError): boolean {
  return error.code === "InvalidParameterValue" && /no route defined/i.test(error.message);
}

function kindOf(error: SdkError, timedOut: boolean): CloudErrorKind {
  if (timedOut) return "unavailable";
  // A call that was taken, whose answer broke off or makes no sense: it took effect, so it must not count as refused.
  if (error.status !== undefined && error.status < 300) return "unavailable";
  if (isNoRouteDefined(error)) return "conflict";
  const known = kinds.get(error.code.toLowerCase());
  if (known !== undefined) return known;
  if (error.status === 429) return "throttled";
  // Without a status there was no answer: refused, reset, unresolved, broken off, no certificate.
  if (error.status === undefined || error.status >= 500) return "unavailable";
  if (error.status === 401 || error.status === 403) return "denied";
  return "invalid";
}

function sentence(error: SdkError): string {
  const message = withoutEncodedMessage(error.message);
  const hint = hintOf(error.code);
  if (hint !== null) return `${error.code}: ${message.replace(/\.$/, "")}; ${hint}`;
  return error.code === "" || error.code === "Error" ? message : `${error.code}: ${message}`;
}

/** What a person should know about credentials that are missing or refused. */
function hintOf(code: string): string | null {
  if (staleCredentials.has(code)) return "new credentials are fetched for the next call";
  if (!noCredentials.has(code)) return null;
  return "they come from the instance's role and its metadata service, unless the environment names others";
}

/** The encoded message is long, and whoever decodes it learns the account's policies; no log needs it. */
function withoutEncodedMessage(message: string): string {
  return message.replace(/\s*Encoded authorization failure message:.*$/s, "");
}

/** The action that EC2's text names: `… is not authorized to perform: ec2:CreateRoute on resource: …`. */
function deniedAction(error: SdkError): string | undefined {
  return /not authorized to perform:\s*([a-z0-9-]+:[A-Za-z*]+)/.exec(error.message)?.[1];
}

function readSdkError(error: unknown): SdkError {
  const fields = record(error);
  const metadata = record(fields["$metadata"]);
  const headers = record(record(fields["$response"])["headers"]);
  return {
    code: text(fields["Code"]) ?? text(fields["name"]) ?? "",
    message: text(fields["message"]) || text(fields["code"]) || String(error),
    status: number(metadata["httpStatusCode"]),
    requestId: text(metadata["requestId"]),
    retryAfter: text(headers["retry-after"]),
  };
}

/** The cause kept with the error: the SDK's own, unless its text or its response holds what no log may show. */
function withoutSecrets(cause: unknown, error: SdkError): unknown {
  return error.status === undefined ? cause : new Error(sentence(error));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  // An object's own and inherited fields may be read by name; each one read is checked for its type.
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
