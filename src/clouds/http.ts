/** One HTTP call of a cloud that has no SDK here: JSON in and out, failures as {@linkcode CloudError}. */

import { CloudError, type CloudErrorKind } from "./cloud_error.ts";
import type { Transport } from "./kit/transport.ts";
import { TransportError } from "./kit/transport_error.ts";

/** A call to make. */
export interface HttpCall {
  readonly transport: Transport;
  /** What the call is for, as a verb phrase that fits after "Cannot": `read router r-1`. */
  readonly action: string;
  readonly url: string | URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Deadline in milliseconds; 10,000 unless given. */
  readonly timeoutMs?: number;
  /** Past every proxy: for a metadata service. */
  readonly direct?: boolean;
  /** The device to leave by, for a GET of a link-local address. */
  readonly device?: string | undefined;
  readonly signal: AbortSignal;
}

/** An answer, whatever its status. `body` is the parsed JSON, the text where it is not JSON, or null where it is empty. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const defaultTimeoutMs = 10_000;

/**
 * Makes the call and returns the answer, also one with an error status.
 *
 * @throws {CloudError} of kind `unavailable` if there was no answer: refused, reset, unresolved, timed out.
 * @throws the signal's reason if the caller gave up.
 */
export async function call(request: HttpCall): Promise<HttpAnswer> {
  const { transport, action, url, method = "GET", timeoutMs = defaultTimeoutMs, signal } = request;
  const { direct, device } = request;
  const content = request.body === undefined ? {} : { "content-type": "application/json" };
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers = { accept: "application/json", ...content, ...request.headers };
  try {
    const answer = await transport.send({ method, url, headers, body, timeoutMs, direct, device, signal });
    return { ...answer, body: parseBody(new TextDecoder().decode(answer.body)) };
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause;
    throw new CloudError("unavailable", `Cannot ${action}: ${cause.message}`, { cause });
  }
}

/** What a status means when the cloud's own code says nothing better. */
export function kindOfStatus(status: number): CloudErrorKind {
  switch (status) {
    case 401:
    case 403:
      return "denied";
    case 404:
    case 410:
      return "gone";
    case 409:
    case 412:
      return "conflict";
    case 408:
      return "unavailable";
    case 429:
      return "throttled";
    default:
      return status >= 500 ? "unavailable" : "invalid";
  }
}

/**
 * The delay that a Retry-After header names (RFC 9110 section 10.2.3: seconds or a date), in milliseconds from `now`.
 *
 * @param now milliseconds since the epoch.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function parseBody(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
