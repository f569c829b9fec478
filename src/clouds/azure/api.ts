/**
 * Calls of Azure Resource Manager through the SDK's pipeline (token, user agent) and our own transport, with raw JSON in and out.
 *
 * The SDK's models know only the properties of their own API version, so reading a subnet into one and writing it back
 * would drop what they do not know. Whatever is read here can be written back to the letter.
 */

import { createNetworkManagement } from "@azure/arm-network/api";
import { getLogger } from "@logtape/logtape";
import { abortable } from "../../async/abortable.ts";
import { CloudError } from "../cloud_error.ts";
import type { Transport } from "../kit/transport.ts";
import { TransportError } from "../kit/transport_error.ts";
import { ApiVersions } from "./api_version.ts";
import { armError } from "./errors.ts";
import type { AzureCredential, Token } from "./credentials.ts";
import type { AzureEnvironment } from "./environment.ts";
import { sdkHttpClient } from "./sdk_http_client.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** Deadlines in milliseconds; a write of a thousand routes takes Azure a few seconds to accept. */
const readTimeoutMs = 10_000;
const writeTimeoutMs = 20_000;

/** Headers by their names in lower case. */
export type ArmHeaders = Readonly<Record<string, string | undefined>>;

/** A call to make. */
export interface ArmCall {
  /** What the call is for, as a verb phrase that fits after "Cannot": `read route table r1`. */
  readonly action: string;
  readonly method: "GET" | "PUT" | "DELETE";
  /** A resource's id, with a query if need be; or a URL that Azure itself named. */
  readonly path: string;
  /** API version, where it is not Microsoft.Network's. */
  readonly apiVersion?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** ETag that the resource must still have. */
  readonly ifMatch?: string | undefined;
  readonly signal: AbortSignal;
}

/** A successful answer. */
export interface ArmAnswer {
  readonly status: number;
  readonly headers: ArmHeaders;
  readonly body: unknown;
}

/** Settings of an {@linkcode ArmClient}. */
export interface ArmClientOptions {
  readonly environment: AzureEnvironment;
  readonly subscription: string;
  readonly credential: Pick<AzureCredential, "getToken" | "current" | "refused">;
  readonly transport: Transport;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** A session with Azure Resource Manager. It never repeats a call for the sake of a failure that time may heal. */
export class ArmClient {
  readonly #options: ArmClientOptions;
  #sdk: ReturnType<typeof createNetworkManagement>;
  readonly #versions: ApiVersions;

  constructor(options: ArmClientOptions) {
    this.#options = options;
    this.#versions = new ApiVersions(options.now);
    this.#sdk = this.#open();
  }

  get subscription(): string {
    return this.#options.subscription;
  }

  /** Whether it is a session with this place. */
  isWith({ resourceManager }: AzureEnvironment, subscription: string): boolean {
    return this.#options.environment.resourceManager === resourceManager &&
      this.subscription === subscription;
  }

  /** Whether the API version in use knows routes with several next hops. */
  get knowsEcmp(): boolean {
    return this.#versions.knowsEcmp;
  }

  /**
   * Makes a call.
   *
   * @throws {CloudError} for any answer but 2xx, and if there is none.
   * @throws the signal's reason if the caller gave up.
   */
  async send(request: ArmCall): Promise<ArmAnswer> {
    const asked = request.apiVersion ?? this.#versions.versionFor(request);
    const token = this.#options.credential.current;
    const answer = await this.#attempt(request, asked);
    if (answer.status === 401) {
      return this.#check(request, await this.#attemptWithNewToken(request, asked, token));
    }
    if (
      answer.status < 400 || request.apiVersion !== undefined || !this.#versions.lower(asked, answer.body)
    ) {
      return this.#check(request, answer);
    }
    if (this.#versions.writesBack(request)) {
      throw new CloudError(
        "conflict",
        `Cannot ${request.action}: Azure does not have API version ${asked} here, in which it was read; reading it again`,
      );
    }
    return this.#check(request, await this.#attempt(request, this.#versions.versionFor(request)));
  }

  #check(request: ArmCall, answer: ArmAnswer): ArmAnswer {
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw armError(request.action, answer.status, answer.headers, answer.body);
  }

  /** One try with a deadline, which counts the token too: that is shared by all calls, so no caller's signal ends it. */
  async #attempt(request: ArmCall, version: string): Promise<ArmAnswer> {
    const deadline = AbortSignal.timeout(request.method === "GET" ? readTimeoutMs : writeTimeoutMs);
    const signal = AbortSignal.any([request.signal, deadline]);
    try {
      return await abortable(this.#send(request, version, signal), signal);
    } catch (cause) {
      request.signal.throwIfAborted();
      throw this.#connectionError(request, cause, deadline.aborted);
    }
  }

  async #send(request: ArmCall, version: string, abortSignal: AbortSignal): Promise<ArmAnswer> {
    const { method, body, ifMatch } = request;
    const resource = this.#sdk.pathUnchecked(this.#url(request, version));
    const options = {
      abortSignal,
      ...(body === undefined ? {} : { body, contentType: "application/json" }),
      headers: ifMatch === undefined ? {} : { "if-match": ifMatch },
    };
    const answer =
      await (method === "GET"
        ? resource.get(options)
        : method === "PUT"
        ? resource.put(options)
        : resource.delete(options));
    return { status: Number(answer.status), headers: answer.headers, body: answer.body };
  }

  #url(request: ArmCall, version: string): string {
    if (request.path.startsWith("https://")) return this.#trusted(request);
    const separator = request.path.includes("?") ? "&" : "?";
    return `${request.path}${separator}api-version=${version}`;
  }

  /**
   * An answer may name where to ask next; the token goes nowhere but to the API itself. That has several hosts: what a regional one
   * (`REGION.management.azure.com`) accepts is followed at the cloud's own.
   */
  #trusted({ action, path }: ArmCall): string {
    const { resourceManager, audience } = this.#options.environment;
    const homes = [resourceManager, audience].map((url) => new URL(url));
    const url = new URL(path);
    const isHome = (home: URL): boolean =>
      url.host === home.host || url.hostname.endsWith(`.${home.hostname}`);
    if (homes.some(isHome)) return path;
    throw new CloudError(
      "malformed",
      `Cannot ${action}: Azure names ${url.origin}, which is not ${homes[0]?.origin}`,
    );
  }

  /** A token can be refused before its end (revoked, clock wrong), and the SDK's pipeline would go on using it. */
  async #attemptWithNewToken(request: ArmCall, version: string, refused: Token | null): Promise<ArmAnswer> {
    logger.info("Azure does not accept the token any more; getting a new one");
    this.#options.credential.refused(refused ?? this.#options.credential.current);
    this.#sdk = this.#open();
    return await this.#attempt(request, version);
  }

  #open(): ReturnType<typeof createNetworkManagement> {
    const { environment, subscription, credential, transport } = this.#options;
    return createNetworkManagement(credential, subscription, {
      endpoint: environment.resourceManager,
      credentials: { scopes: [`${environment.audience}/.default`] },
      httpClient: sdkHttpClient({ transport, timeoutMs: writeTimeoutMs, direct: false }),
      retryOptions: { maxRetries: 0 },
      userAgentOptions: { userAgentPrefix: "cloudroutesync" },
    });
  }

  #connectionError({ action, method, path }: ArmCall, cause: unknown, timedOut: boolean): CloudError {
    if (cause instanceof CloudError) return cause;
    const { origin, pathname } = new URL(path, this.#options.environment.resourceManager);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const why = timedOut
      ? `no answer in time (${method} ${origin}${pathname})`
      : cause instanceof TransportError
      ? reason
      : `${reason} (${method} ${origin}${pathname})`;
    return new CloudError("unavailable", `Cannot ${action}: ${why}`, { cause });
  }
}
