/** The transport as Azure's SDK wants its HTTP client: what the SDK would send over node:http goes through the one transport. */

import type { TokenCredentialOptions } from "@azure/identity";
import type { Transport, TransportAnswer } from "../kit/transport.ts";

/** What every client and credential of the SDK takes as its option `httpClient`. */
export type SdkHttpClient = NonNullable<TokenCredentialOptions["httpClient"]>;
type SdkRequest = Parameters<SdkHttpClient["sendRequest"]>[0];
type SdkResponse = Awaited<ReturnType<SdkHttpClient["sendRequest"]>>;
type SdkHeaders = SdkResponse["headers"];

/** How the SDK's requests are sent. */
export interface SdkHttpClientOptions {
  readonly transport: Transport;
  /** Deadline of a request in milliseconds. */
  readonly timeoutMs: number;
  /** Past every proxy: for the metadata service. */
  readonly direct: boolean;
}

/** Ends nothing: for a request without a signal, which has its deadline alone. */
const never = new AbortController().signal;

/** Makes the client. It throws what the transport throws. */
export function sdkHttpClient({ transport, timeoutMs, direct }: SdkHttpClientOptions): SdkHttpClient {
  return {
    sendRequest: async (request) => {
      const answer = await transport.send({
        method: request.method,
        url: request.url,
        headers: request.headers.toJSON({ preserveCase: true }),
        body: bodyOf(request),
        timeoutMs: request.timeout > 0 ? Math.min(request.timeout, timeoutMs) : timeoutMs,
        direct,
        signal: signalOf(request),
      });
      return responseOf(request, answer);
    },
  };
}

/** @throws {TypeError} for a stream or form: no call of this program has one. */
function bodyOf({ body }: SdkRequest): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string") return body;
  throw new TypeError("Cannot send what the Azure SDK made: the body is no text");
}

/** The SDK's own type is wider, but what it is given, and what it makes itself, are signals of the platform. */
function signalOf({ abortSignal }: SdkRequest): AbortSignal {
  return abortSignal instanceof AbortSignal ? abortSignal : never;
}

function responseOf(request: SdkRequest, { status, headers, body }: TransportAnswer): SdkResponse {
  return {
    request,
    status,
    headers: new SdkHeadersOver(headers),
    bodyAsText: new TextDecoder().decode(body),
  };
}

/** Headers in the SDK's form. */
class SdkHeadersOver implements SdkHeaders {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = new Headers(headers);
  }

  get(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }

  has(name: string): boolean {
    return this.#headers.has(name);
  }

  set(name: string, value: string | number | boolean): void {
    this.#headers.set(name, String(value));
  }

  delete(name: string): void {
    this.#headers.delete(name);
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#headers);
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#headers.entries();
  }
}
