/** What it means when a token is refused, or does not come. */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { kindOfStatus, retryAfterMs } from "../http.ts";
import { TransportError } from "../kit/transport_error.ts";

/** The last answer of the token endpoint, or why there was none; null if it was not asked. */
export type TokenOutcome = TokenAnswer | TransportError | null;

/** An answer of the token endpoint. */
export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * OAuth's form of a refusal (RFC 6749 section 5.2). Entra ID and the metadata service both use it; the latter gives `error` alone in
 * places.
 */
const refusalSchema = v.object({ error: v.string(), error_description: v.optional(v.string()) });

const noIdentity =
  "assign a managed identity to this VM, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";
const severalIdentities = "name the client id of one of them in AZURE_CLIENT_ID";

/**
 * Makes the error of a token that did not come.
 *
 * @param who in words, which credential was used.
 * @param outcome what the library does not pass on: it keeps neither Retry-After nor the whole reason.
 * @param cause what the library threw.
 * @param now milliseconds since the epoch.
 */
export function tokenError(who: string, outcome: TokenOutcome, cause: unknown, now: number): CloudError {
  const action = `Cannot get a token for Azure as ${who}`;
  if (outcome instanceof TransportError) {
    return new CloudError("unavailable", `${action}: ${outcome.message}`, { cause });
  }
  if (outcome === null || outcome.status < 400) {
    // The endpoint has no part in it: a file that cannot be read, a certificate that is none, an answer that makes no sense.
    const why = cause instanceof Error ? cause.message : String(cause);
    return new CloudError("denied", `${action}: ${oneLine(why)}`, { cause });
  }
  const { status, headers } = outcome;
  const why = reasonOf(outcome);
  const remedy = remedyOf(why);
  const advice = remedy === undefined ? "" : `: ${remedy}`;
  const details = { status, retryAfterMs: retryAfterMs(headers, now), remedy, cause };
  return new CloudError(kindOf(status, why), `${action}: ${status} ${why}${advice}`, details);
}

/** The metadata service answers 404 and 410 while it is updated, and while an identity is being assigned ("retry"). */
function kindOf(status: number, why: string): "denied" | "throttled" | "unavailable" {
  // AADSTS90… are the login service's own troubles, 50196 is its answer to a client that asks too often.
  if (/AADSTS(90\d{3}|50196)\b/.test(why)) return "unavailable";
  const kind = kindOfStatus(status);
  if (kind === "throttled") return kind;
  return status === 404 || status === 410 || kind === "unavailable" ? "unavailable" : "denied";
}

function remedyOf(why: string): string | undefined {
  if (/identity not found/i.test(why)) return noIdentity;
  return /multiple user assigned identities/i.test(why) ? severalIdentities : undefined;
}

function reasonOf({ text }: TokenAnswer): string {
  const parsed = v.safeParse(refusalSchema, parse(text));
  if (!parsed.success) return text === "" ? "no reason given" : oneLine(text).slice(0, 200);
  const { error, error_description: description } = parsed.output;
  return description === undefined ? error : `${error}: ${oneLine(description)}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** In one line and without the ids of the request, which follow the reason. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replace(/ Trace ID: .*$/, "").trim();
}
