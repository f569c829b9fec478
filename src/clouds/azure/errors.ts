/**
 * What a refusal of Azure Resource Manager means.
 *
 * Refusals read `{"error": {"code", "message", "details": [{"code", "message"}]}}`. For quota, duplicate prefix and bad
 * next hop no recorded answer exists, so the status decides and the words only refine it.
 */

import * as v from "valibot";
import { CloudError, type CloudErrorKind } from "../cloud_error.ts";
import { kindOfStatus, retryAfterMs } from "../http.ts";

/** Azure's advice where a clash names no delay: "can be retried in 11 seconds". */
const clashDelayMs = 11_000;

const detailSchema = v.object({
  code: v.optional(v.nullable(v.string())),
  message: v.optional(v.nullable(v.string())),
});
const refusalSchema = v.object({
  error: v.object({ ...detailSchema.entries, details: v.optional(v.nullable(v.array(detailSchema))) }),
});

/** Code and message of a refusal; both empty where the body says nothing. */
export interface Refusal {
  /** Outermost code, such as `PreconditionFailed`. */
  readonly code: string;
  /** All codes and messages in one line. */
  readonly text: string;
}

/** Reads the body of a refusal or of a failed operation, whatever it is. */
export function parseRefusal(body: unknown): Refusal {
  const parsed = v.safeParse(refusalSchema, body);
  if (!parsed.success) return { code: "", text: typeof body === "string" ? body.slice(0, 200) : "" };
  const { code, message, details } = parsed.output.error;
  const words = [{ code, message }, ...(details ?? [])].map((part) =>
    [part.code, part.message].filter((word) => typeof word === "string" && word !== "").join(": ")
  );
  return { code: code ?? "", text: words.filter((word) => word !== "").join("; ") };
}

/** Whether Azure refuses the API version itself: with 400, or with a 404 that says nothing about the resource. */
export function refusesApiVersion({ code }: Pick<Refusal, "code">): boolean {
  return /^(InvalidApiVersionParameter|NoRegisteredProviderFound|InvalidResourceType)$/.test(code);
}

/**
 * Makes the error for an answer that is not a success.
 *
 * @param action what was tried, fitting after "Cannot".
 * @param status HTTP status; 0 for an operation that was accepted and failed later.
 * @param headers names in lower case.
 */
export function armError(
  action: string,
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  body: unknown,
): CloudError {
  const refusal = parseRefusal(body);
  const kind = refusalKind(status, refusal);
  const said = refusal.text === "" ? "no reason given" : refusal.text;
  const message = `Cannot ${action}: Azure answered ${status === 0 ? "" : `${status} `}${said}`;
  return new CloudError(kind, message, {
    status: status === 0 ? undefined : status,
    code: refusal.code === "" ? undefined : refusal.code,
    requestId: headers["x-ms-request-id"] ?? headers["x-ms-correlation-request-id"],
    retryAfterMs: kind === "throttled" || kind === "unavailable" ? delayOf(headers, refusal) : undefined,
    isBusy: isClash(refusal.text),
    action: kind === "denied" ? missingAction(refusal.text) : undefined,
    limit: kind === "quota" ? limitIn(refusal.text) : undefined,
    remedy: /ScopeLocked/i.test(refusal.code) ? "remove the lock that Azure names" : undefined,
  });
}

/**
 * | status   | words                                         | kind        |
 * | -------- | --------------------------------------------- | ----------- |
 * | any      | the API version is refused                    | invalid     |
 * | any      | another operation holds the resource          | throttled   |
 * | any      | a read-only or delete lock                    | denied      |
 * | any      | Azure Policy forbids what was sent            | invalid     |
 * | 0        | superseded by another operation               | conflict    |
 * | 400..409 | a limit or quota                              | quota       |
 * | 400      | a second route with the same prefix or name   | conflict    |
 * | 0        | anything else                                 | unavailable |
 * | any      | anything else                                 | by status   |
 */
function refusalKind(status: number, refusal: Refusal): CloudErrorKind {
  const { code, text } = refusal;
  if (refusesApiVersion(refusal)) return "invalid";
  if (isClash(text)) return "throttled";
  if (/ScopeLocked/i.test(code)) return "denied";
  if (/RequestDisallowedByPolicy/i.test(code)) return "invalid";
  if (/superseded|preempted/i.test(text)) return "conflict";
  if (isQuota(status, code, text)) return "quota";
  if (/same address ?prefix|duplicate|conflict/i.test(text) && (status === 400 || status === 0)) {
    return "conflict";
  }
  if (status === 0) return "unavailable";
  return kindOfStatus(status);
}

function isClash(text: string): boolean {
  return /AnotherOperationInProgress|RetryableErrorDueToAnotherOperation|ReferencedResourceNotProvisioned/i
    .test(text);
}

function isQuota(status: number, code: string, text: string): boolean {
  if (status !== 0 && status !== 400 && status !== 403 && status !== 409) return false;
  if (/limit|quota|exceed/i.test(code)) return true;
  return /\b(limit|quota|maximum number|exceed)/i.test(text) && /\broutes?\b|route ?table/i.test(text);
}

/** Earliest next call in milliseconds, where an answer names one. */
function delayOf(
  headers: Readonly<Record<string, string | undefined>>,
  { text }: Refusal,
): number | undefined {
  return delayInHeaders(headers) ?? delayInText(text) ?? (isClash(text) ? clashDelayMs : undefined);
}

/** The delay that `x-ms-retry-after-ms`, `retry-after-ms` or `retry-after` name, in milliseconds. */
export function delayInHeaders(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  const exact = headers["retry-after-ms"] ?? headers["x-ms-retry-after-ms"];
  if (exact !== undefined && /^[0-9]+$/.test(exact)) return Number(exact);
  const value = headers["retry-after"];
  return value === undefined ? undefined : retryAfterMs(new Headers({ "retry-after": value }), Date.now());
}

function delayInText(text: string): number | undefined {
  const seconds = /\b(?:in|after) ([0-9]{1,4}) seconds?\b/i.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/**
 * The action that AuthorizationFailed ("does not have authorization to perform action '…'") and
 * LinkedAuthorizationFailed ("does not have permission to perform action(s) '…' on the linked scope(s)") name.
 */
function missingAction(text: string): string | undefined {
  return /not have (?:authorization|permission) to perform action(?:\(s\))? '([^']+)'/i.exec(text)?.[1];
}

function limitIn(text: string): number | undefined {
  const number = /(?:limit|quota|maximum|at most|more than)\D{0,60}?([0-9]{2,6})\b/i.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}
