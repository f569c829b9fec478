/** The transport as the AWS SDK wants its request handler: what its clients would send over node:http goes through the one transport. */

import { buildQueryString, type HttpHandler, HttpResponse } from "@smithy/core/protocols";
import type { Transport } from "../kit/transport.ts";

type SdkRequest = Parameters<HttpHandler["handle"]>[0];

/** Ends nothing: for a request without a signal, which has its deadline alone. */
const never = new AbortController().signal;

/**
 * Makes the handler that every client of the SDK takes as its option `requestHandler`. It throws what the transport throws.
 *
 * @param timeoutMs deadline of a request in milliseconds.
 */
export function sdkRequestHandler(transport: Transport, timeoutMs: number): HttpHandler {
  return {
    handle: async (request, options) => {
      const { status, headers, body } = await transport.send({
        method: request.method,
        url: urlOf(request),
        headers: request.headers,
        body: bodyOf(request),
        timeoutMs,
        signal: options?.abortSignal instanceof AbortSignal ? options.abortSignal : never,
      });
      return {
        response: new HttpResponse({ statusCode: status, headers: Object.fromEntries(headers), body }),
      };
    },
    // It has no settings that a client could change.
    updateHttpClientConfig: (): void => {},
    httpHandlerConfigs: () => ({}),
  };
}

/** `hostname` has its brackets where it is an IPv6 address. */
function urlOf({ protocol, hostname, port, path, query }: SdkRequest): string {
  const search = buildQueryString(query);
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}${search && `?${search}`}`;
}

/** @throws {TypeError} for a stream: no call of this program has one. */
function bodyOf({ body }: SdkRequest): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  throw new TypeError("Cannot send what the AWS SDK made: the body is neither text nor bytes");
}
