/**
 * The one way to the network: every HTTP call of every cloud, of its SDK and for its credentials goes through here, over Deno's
 * fetch. (But for link-local addresses, which fetch does not take: `link_local_exchange.ts`.)
 *
 * - An exchange has a deadline, from the first packet to the last byte of the answer, and a caller's signal. Either ends it: the
 *   socket is closed, nothing goes on unseen.
 * - HTTP/1.1 only. A connection that a call has timed out on is closed then; one of HTTP/2 would stay, and take the next calls
 *   with it until the kernel gives it up.
 * - Proxies are the environment's (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, lower case too), but never for a metadata
 *   service, which answers from the VM's own host.
 * - Redirects are not followed: a token must not go elsewhere.
 */

import { getLogger } from "@logtape/logtape";
import { type ApiCall, type ApiWords, noApiWords, operationOf, placeOf, requestIdOf } from "./api_call.ts";
import { linkLocalExchange } from "./link_local_exchange.ts";
import { isMetadataAddress } from "./metadata_address.ts";
import { CloudError } from "../cloud_error.ts";
import { noProxyAtAll, withoutProxyVariables } from "./proxy_variables.ts";
import { reasonOf, TransportError } from "./transport_error.ts";

/** A call to make. */
export interface TransportRequest {
  readonly method: string;
  /** Also with an IPv6 address in brackets. */
  readonly url: string | URL;
  /** Those that say how the body is framed, and `host`, are left out: the transport makes them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Deadline of the whole exchange in milliseconds. */
  readonly timeoutMs: number;
  /** Past every proxy: for a metadata service at an address of its own. */
  readonly direct?: boolean | undefined;
  /** The device to leave by, for a GET of a link-local address; past every proxy. */
  readonly device?: string | undefined;
  readonly signal: AbortSignal;
}

/** An answer, whatever its status. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What proves to a server who calls (mutual TLS). In PEM form. */
export interface ClientCertificate {
  readonly certificate: string;
  /** Secret. */
  readonly key: string;
}

/** Headers that fetch makes by itself. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "transfer-encoding",
]);

const userAgent = "cloudroutesync";
const log = getLogger(["cloudroutesync", "api"]);

/** See the head of this file. */
export class Transport implements Disposable {
  readonly #certificates: readonly string[];
  readonly #onCall: (call: ApiCall) => void;
  readonly #shown: ClientCertificate | null;
  readonly #words: ApiWords;
  readonly #proxied: Deno.HttpClient;
  readonly #direct: Deno.HttpClient;

  /**
   * @param certificates certificate authorities (PEM) that are trusted besides the public ones.
   * @param onCall hears of each exchange that has ended, but not of those that the caller gave up.
   * @param shown what is shown to servers that ask who calls; null: nothing.
   * @param words what names the calls of the API that is spoken to.
   * @throws {CloudError} of kind `invalid` if one of them cannot be understood.
   */
  constructor(
    certificates: readonly string[] = [],
    onCall: (call: ApiCall) => void = () => {},
    shown: ClientCertificate | null = null,
    words: ApiWords = noApiWords,
  ) {
    this.#certificates = certificates;
    this.#onCall = onCall;
    this.#shown = shown;
    this.#words = words;
    const open = (): Deno.HttpClient => openClient(certificates, shown);
    this.#proxied = noProxyAtAll() ? withoutProxyVariables(open) : open();
    this.#direct = withoutProxyVariables(open);
  }

  /** Another transport that trusts these certificate authorities (PEM) too. */
  trusting(certificates: readonly string[]): Transport {
    return new Transport([...this.#certificates, ...certificates], this.#onCall, this.#shown, this.#words);
  }

  /** Another transport that shows this certificate to servers that ask who calls. */
  showing(certificate: ClientCertificate): Transport {
    return new Transport(this.#certificates, this.#onCall, certificate, this.#words);
  }

  /**
   * Makes a call, once, and reads the whole answer.
   *
   * @throws {TransportError} if there was no answer, or not a whole one: refused, reset, unresolved, not trusted, timed out.
   * @throws the signal's reason if the caller gave up.
   */
  async send(request: TransportRequest): Promise<TransportAnswer> {
    const { method, timeoutMs, signal } = request;
    signal.throwIfAborted();
    const url = urlOf(request);
    const deadline = AbortSignal.timeout(timeoutMs);
    const headers = headersOf(request.headers);
    const startedAt = performance.now();
    const ended = (status: number | null, requestId: string | null): void =>
      this.#ended({
        operation: operationOf({ method, url, headers, body: request.body }, this.#words),
        place: placeOf(method, url),
        status,
        requestId,
        milliseconds: performance.now() - startedAt,
      });
    try {
      const answer = await this.#exchange(request, url, headers, AbortSignal.any([signal, deadline]));
      ended(answer.status, requestIdOf(answer.headers, this.#words));
      return answer;
    } catch (cause) {
      signal.throwIfAborted();
      ended(null, null);
      const timedOut = deadline.aborted;
      const why = timedOut ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
      throw new TransportError(placeOf(method, url), why, { cause, timedOut });
    }
  }

  async #exchange(
    { method, body, direct, device }: TransportRequest,
    url: URL,
    headers: Headers,
    signal: AbortSignal,
  ): Promise<TransportAnswer> {
    if (device !== undefined) return await linkLocalExchange(url, device, headers, signal);
    const response = await fetch(url, {
      method,
      headers,
      body: body ?? null,
      redirect: "error",
      signal,
      client: direct === true || isMetadataAddress(url) ? this.#direct : this.#proxied,
    });
    return { status: response.status, headers: response.headers, body: await response.bytes() };
  }

  #ended(call: ApiCall): void {
    log.debug("{operation} ({place}): {answer} in {milliseconds} ms{request}", {
      event: "api-call",
      ...call,
      answer: call.status ?? "no answer",
      milliseconds: Math.round(call.milliseconds * 10) / 10,
      request: call.requestId === null ? "" : `, request ${call.requestId}`,
    });
    this.#onCall(call);
  }

  /** Closes its connections. */
  [Symbol.dispose](): void {
    this.#proxied.close();
    this.#direct.close();
  }
}

function urlOf({ method, url }: TransportRequest): URL {
  const parsed = URL.parse(url);
  if (parsed !== null) return parsed;
  throw new TransportError(`${method} ${String(url).replace(/\?.*$/s, "")}`, "this is not a URL");
}

function headersOf(given: Readonly<Record<string, string>>): Headers {
  const headers = new Headers({ "user-agent": userAgent });
  for (const [name, value] of Object.entries(given)) {
    if (!ownHeaders.has(name.toLowerCase())) headers.set(name, value);
  }
  return headers;
}

function openClient(certificates: readonly string[], shown: ClientCertificate | null): Deno.HttpClient {
  const identity = shown === null ? {} : { cert: shown.certificate, key: shown.key };
  try {
    return Deno.createHttpClient({ caCerts: [...certificates], http2: false, ...identity });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = shown === null
      ? "the certificate authorities that are to be trusted"
      : "the client certificate, or the authorities that are to be trusted";
    throw new CloudError("invalid", `Cannot use ${what}: ${why}`, { cause });
  }
}
