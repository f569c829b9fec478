/**
 * What a failure of Google's means.
 *
 * The HTTP status says little (403 is a missing permission, a full quota and a rate limit alike), the reason says it:
 * `rateLimitExceeded` in an answer, `RATE_LIMIT_EXCEEDED` in an operation
 * (https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-api-errors).
 */

import * as v from "valibot";
import { CloudError, type CloudErrorKind } from "../cloud_error.ts";
import { type HttpAnswer, kindOfStatus, retryAfterMs } from "../http.ts";
import { untilRefillMs } from "./minute_quota.ts";
import { errorAnswer, type Operation } from "./schemas.ts";

/**
 * Google's words while a peering is made or removed: the network takes no routes meanwhile, and the answer is a 400
 * `badRequest` like one that will never be taken (https://github.com/hashicorp/terraform-provider-google/issues/6361).
 */
const passing = /operation in progress.*try again later/is;

/** Reasons whose meaning differs from their status', letters only and lower case. */
const kindsByReason: Readonly<Record<string, CloudErrorKind>> = {
  ratelimitexceeded: "throttled",
  userratelimitexceeded: "throttled",
  concurrentlimitexceeded: "throttled",
  concurrentoperationsquotaexceeded: "throttled",
  resourceoperationrateexceeded: "throttled",
  quotaexceeded: "quota",
  limitexceeded: "quota",
  alreadyexists: "conflict",
  resourcealreadyexists: "conflict",
  conditionnotmet: "conflict",
  resourcenotready: "conflict",
  resourceinuse: "conflict",
  resourceinusebyanotherresource: "conflict",
  notfound: "gone",
  resourcenotfound: "gone",
  forbidden: "denied",
  permissionserror: "denied",
  iampermissiondenied: "denied",
  insufficientpermissions: "denied",
  accesstokenscopeinsufficient: "denied",
  accessnotconfigured: "denied",
  servicedisabled: "denied",
  autherror: "denied",
  invalidfieldvalue: "invalid",
  backenderror: "unavailable",
  internalerror: "unavailable",
  unavailable: "unavailable",
};

/**
 * The error that an answer with an error status stands for.
 *
 * @param action verb phrase that fits after "Cannot".
 * @param permission the permission that the call needs, for an answer that does not name it.
 */
export function errorOfAnswer(action: string, answer: HttpAnswer, permission: string): CloudError {
  const { status } = answer;
  const parsed = v.safeParse(errorAnswer, answer.body);
  const error = parsed.success ? parsed.output.error : null;
  const reasons = [...(error?.errors ?? []), ...(error?.details ?? [])].flatMap(({ reason }) => reason ?? []);
  const code = reasons[0] ?? error?.status;
  const message = error?.message ?? "";
  const kind = kindOf(reasons, message, status);
  const note = status === 401 ? "; a new token is fetched for the next call" : "";
  const remedy = remedyWithoutRole(reasons, error);
  return new CloudError(
    kind,
    `Cannot ${action}: ${status}${code ? ` ${code}` : ""}${message ? `: ${message}` : ""}${note}`,
    {
      status,
      code,
      retryAfterMs: retryAfterMs(answer.headers, Date.now()) ?? refillMs(reasons),
      action: kind === "denied" && remedy === undefined ? (permissionIn(message) ?? permission) : undefined,
      limit: kind === "quota" ? limitIn(message) : undefined,
      remedy,
    },
  );
}

/** What gives a VM the access scope that writing routes takes; the VM must be stopped for it. */
export function scopeRemedy(vm: string, zone: string): string {
  return `Stop the VM, then gcloud compute instances set-service-account ${vm} --zone=${zone} ` +
    "--service-account=ACCOUNT --scopes=cloud-platform";
}

/**
 * What to do about a refusal that no role heals: the token's scopes do not cover the call, or the API is not enabled
 * (https://cloud.google.com/compute/docs/access/service-accounts, https://cloud.google.com/apis/docs/troubleshooting).
 */
function remedyWithoutRole(
  reasons: readonly string[],
  error: v.InferOutput<typeof errorAnswer>["error"] | null,
): string | undefined {
  const has = (...names: readonly string[]): boolean =>
    reasons.some((reason) => names.includes(plain(reason)));
  if (has("insufficientpermissions", "accesstokenscopeinsufficient")) return scopeRemedy("VM", "ZONE");
  if (!has("accessnotconfigured", "servicedisabled")) return undefined;
  const metadata = error?.details.find(({ metadata: found }) => found?.service !== undefined)?.metadata;
  const project = metadata?.consumer?.replace(/^projects\//, "") ?? "PROJECT";
  return `Enable the API: gcloud services enable ${
    metadata?.service ?? "compute.googleapis.com"
  } --project=${project}`;
}

/** The error that a finished operation carries, or null where it ended well. Of several errors the first counts. */
export function errorOfOperation(action: string, operation: Operation): CloudError | null {
  if (operation.error === undefined) return null;
  const status = operation.httpErrorStatusCode;
  const first = operation.error.errors[0];
  const code = first?.code ?? "UNKNOWN";
  const message = first?.message ?? "";
  const kind = kindOf([code], message, status ?? 400);
  const quota = first?.errorDetails.find(({ quotaInfo }) => quotaInfo?.limit !== undefined)?.quotaInfo;
  return new CloudError(
    kind,
    `Cannot ${action}: operation ${operation.name} ended with ${code}: ${message}`,
    {
      status,
      code,
      requestId: operation.name,
      retryAfterMs: refillMs([code]),
      action: kind === "denied" ? permissionIn(message) ?? undefined : undefined,
      limit: kind === "quota" ? quota?.limit ?? limitIn(message) : undefined,
    },
  );
}

function kindOf(reasons: readonly string[], message: string, status: number): CloudErrorKind {
  // A token that is not taken, whatever the reason's name: a new one is fetched before the next call, so no person need help.
  if (status === 401 || passing.test(message)) return "unavailable";
  for (const reason of reasons) {
    const kind = kindsByReason[plain(reason)];
    if (kind !== undefined) return kind;
  }
  return kindOfStatus(status);
}

/** Where the quota of a minute is used up: how long until it is refilled, in milliseconds. */
function refillMs(reasons: readonly string[]): number | undefined {
  return reasons.some((reason) => plain(reason) === "ratelimitexceeded")
    ? untilRefillMs(Date.now(), Math.random())
    : undefined;
}

/** A reason as {@linkcode kindsByReason} has it. */
function plain(reason: string): string {
  return reason.toLowerCase().replace(/[^a-z]/g, "");
}

/** As in "Required 'compute.routes.create' permission for 'projects/p/global/routes/r'". */
function permissionIn(message: string): string | null {
  return /'([a-z]+\.[A-Za-z]+\.[A-Za-z]+)' permission/.exec(message)?.[1] ?? null;
}

/** As in "Quota 'ROUTES' exceeded.  Limit: 250.0 globally." */
function limitIn(message: string): number | undefined {
  const limit = /\bLimit: ([0-9]+)/.exec(message)?.[1];
  return limit === undefined ? undefined : Number(limit);
}
