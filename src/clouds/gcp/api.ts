/** Calls to the Compute Engine API v1: authorised, paged, validated; failures as CloudError. */

import * as v from "valibot";
import { abortable } from "../../async/abortable.ts";
import { CloudError } from "../cloud_error.ts";
import { call } from "../http.ts";
import type { Transport } from "../kit/transport.ts";
import type { MetadataCredentials } from "./credentials.ts";
import { parseAnswer } from "../kit/answer.ts";
import { errorOfAnswer } from "./errors.ts";

/** Google's public endpoint, in place of which `-gcp-endpoint` may name another. */
export const computeEndpoint = "https://compute.googleapis.com";

/** A call to make. */
export interface ApiCall<T> {
  /** Verb phrase that fits after "Cannot". */
  readonly action: string;
  /** The permission that the call needs, to name it where the answer does not. */
  readonly permission: string;
  /** GET by default. */
  readonly method?: "GET" | "POST" | "DELETE";
  /** Below `/compute/v1/`, or a whole URL of another Google API. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Milliseconds; see `http.ts` for the default. */
  readonly timeoutMs?: number;
  readonly answer: v.GenericSchema<unknown, T>;
}

/** The API as this VM's service account sees it. */
export class ComputeApi {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly #transport: Transport;
  readonly #credentials: MetadataCredentials;

  constructor(transport: Transport, endpoint: string, credentials: MetadataCredentials) {
    this.#transport = transport;
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.#credentials = credentials;
  }

  /**
   * Makes a call.
   *
   * @throws {CloudError} for every failure, also an error status and an answer that does not fit.
   */
  async send<T>(request: ApiCall<T>, signal: AbortSignal): Promise<T> {
    const { action, permission, method = "GET", body, timeoutMs } = request;
    const token = await abortable(this.#credentials.token(), signal);
    const answer = await call({
      transport: this.#transport,
      action,
      url: this.#url(request),
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      signal,
    });
    if (answer.status === 401) this.#credentials.forget();
    if (answer.status >= 300) throw errorOfAnswer(action, answer, permission);
    // A change may have taken effect whatever its answer says.
    return parseAnswer(request.answer, answer.body, action, {
      kind: method === "GET" ? "malformed" : "unavailable",
      status: answer.status,
    });
  }

  /** Makes a call to a list as often as it has pages: at most 500 entries come at once. */
  async pages<T extends { readonly nextPageToken?: string | undefined }>(
    request: ApiCall<T>,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const pages: T[] = [];
    let token: string | undefined;
    do {
      const query = {
        maxResults: "500",
        ...request.query,
        ...(token === undefined ? {} : { pageToken: token }),
      };
      const page = await this.send({ ...request, query }, signal);
      if (page.nextPageToken !== undefined && page.nextPageToken === token) {
        throw new CloudError(
          "malformed",
          `Cannot ${request.action}: the answer names one page as its own next`,
        );
      }
      pages.push(page);
      token = page.nextPageToken === "" ? undefined : page.nextPageToken;
    } while (token !== undefined);
    return pages;
  }

  #url(request: Pick<ApiCall<unknown>, "path" | "query">): URL {
    const whole = /^https?:\/\//.test(request.path);
    const url = new URL(whole ? request.path : `${this.endpoint}/compute/v1/${request.path}`);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    return url;
  }
}
