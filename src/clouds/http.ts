/** One HTTP call of a cloud that has no SDK here: JSON in and out, a deadline, failures as {@linkcode CloudError}. */

import { CloudError, type CloudErrorKind } from "./cloud_error.ts";

/** A call to make. */
export interface HttpCall {
  /** What the call is for, as a verb phrase that fits after "Cannot": `read router r-1`. */
  readonly action: string;
  readonly url: string | URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Deadline in milliseconds; 10,000 unless told. */
  readonly timeoutMs?: number;
  /** For a private certificate authority (`Deno.createHttpClient`). */
  readonly client?: Deno.HttpClient;
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
  const { action, url, method = "GET", timeoutMs = defaultTimeoutMs, signal } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      redirect: "error",
      signal: AbortSignal.any([signal, deadline]),
      ...(request.client === undefined ? {} : { client: request.client }),
    });
    return { status: response.status, headers: response.headers, body: parseBody(await response.text()) };
  } catch (cause) {
    signal.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${timeoutMs} ms` : describe(cause);
    throw new CloudError("unavailable", `Cannot ${action}: ${method} ${withoutQuery(url)}: ${why}`, {
      cause,
    });
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

/** A URL's query may carry a token; it never reaches a log. */
function withoutQuery(url: string | URL): string {
  const parsed = new URL(url);
  return `${parsed.origin}${parsed.pathname}`;
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/\?[^\s)]*/g, "?…") : String(cause);
}
