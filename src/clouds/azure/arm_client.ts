/**
 * Calls of Azure Resource Manager through the SDK's pipeline (token, proxy, user agent), with raw JSON in and out.
 *
 * The SDK's models know only the properties of their own API version, so reading a subnet into one and writing it back
 * would drop what they do not know. Whatever is read here can be written back to the letter.
 */

import { createNetworkManagement } from "@azure/arm-network/api";
import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { abandonable } from "./abandonable.ts";
import { armError, parseRefusal, refusesApiVersion } from "./arm_error.ts";

import type { TokenSource } from "./credential.ts";
import type { AzureEnvironment } from "./environment.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** API version of Microsoft.Network that this program is written against, the first to have been tested with ECMP. */
const newestApiVersion = "2026-01-01";
/** The first one whose routes take several next hops. */
const firstEcmpApiVersion = "2025-07-01";
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
  readonly openCredential: () => TokenSource;
}

/** A session with Azure Resource Manager. It never repeats a call for the sake of a failure that time may heal. */
export class ArmClient {
  readonly #options: ArmClientOptions;
  #sdk: ReturnType<typeof createNetworkManagement>;
  #apiVersion = newestApiVersion;
  #tokenRenewals = 0;

  constructor(options: ArmClientOptions) {
    this.#options = options;
    this.#sdk = this.#open();
  }

  get subscription(): string {
    return this.#options.subscription;
  }

  /** Whether the API version in use knows routes with several next hops. */
  get knowsEcmp(): boolean {
    return this.#apiVersion >= firstEcmpApiVersion;
  }

  /**
   * Makes a call.
   *
   * @throws {CloudError} for any answer but 2xx, and if there is none.
   * @throws the signal's reason if the caller gave up.
   */
  async send(request: ArmCall): Promise<ArmAnswer> {
    const asked = this.#apiVersion;
    const answer = await this.#attempt(request);
    if (answer.status === 401) return this.#check(request, await this.#attemptWithNewToken(request));
    if (answer.status >= 400 && request.apiVersion === undefined && this.#lowerApiVersion(asked, answer)) {
      return this.#check(request, await this.#attempt(request));
    }
    return this.#check(request, answer);
  }

  #check(request: ArmCall, answer: ArmAnswer): ArmAnswer {
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw armError(request.action, answer.status, answer.headers, answer.body);
  }

  /**
   * One try with a deadline. When that or the caller ends it, the call is abandoned, not aborted: a request that is
   * destroyed under way makes node:http of Deno 2.6 emit an error that nobody hears, which ends the program.
   */
  async #attempt(request: ArmCall): Promise<ArmAnswer> {
    const deadline = AbortSignal.timeout(request.method === "GET" ? readTimeoutMs : writeTimeoutMs);
    try {
      return await abandonable(this.#send(request), AbortSignal.any([request.signal, deadline]));
    } catch (cause) {
      request.signal.throwIfAborted();
      throw this.#connectionError(request, cause, deadline.aborted);
    }
  }

  async #send(request: ArmCall): Promise<ArmAnswer> {
    const { method, body, ifMatch } = request;
    const resource = this.#sdk.pathUnchecked(this.#url(request));
    const options = {
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

  #url(request: ArmCall): string {
    if (request.path.startsWith("https://")) return this.#trusted(request);
    const separator = request.path.includes("?") ? "&" : "?";
    return `${request.path}${separator}api-version=${request.apiVersion ?? this.#apiVersion}`;
  }

  /** An answer may name where to ask next; the token goes nowhere but to the API itself. */
  #trusted({ action, path }: ArmCall): string {
    const home = new URL(this.#options.environment.resourceManager);
    const url = new URL(path);
    if (url.host === home.host || url.hostname.endsWith(`.${home.hostname}`)) return path;
    throw new CloudError(
      "invalid",
      `Cannot ${action}: Azure names ${url.origin}, which is not ${home.origin}`,
    );
  }

  /**
   * A token can be refused before its end (revoked, clock wrong), and the SDK would go on handing it out. It keeps tokens
   * by audience, and Azure takes its own audience with and without a slash at the end: the other spelling is a new token.
   */
  async #attemptWithNewToken(request: ArmCall): Promise<ArmAnswer> {
    this.#tokenRenewals++;
    logger.info("Azure does not accept the token any more; getting a new one");
    this.#sdk = this.#open();
    return await this.#attempt(request);
  }

  #open(): ReturnType<typeof createNetworkManagement> {
    const { environment, subscription, openCredential } = this.#options;
    const scope = `${environment.audience}${this.#tokenRenewals % 2 === 0 ? "" : "/"}/.default`;
    return createNetworkManagement(openCredential(), subscription, {
      endpoint: environment.resourceManager,
      credentials: { scopes: [scope] },
      retryOptions: { maxRetries: 0 },
      userAgentOptions: { userAgentPrefix: "cloudroutesync" },
    });
  }

  /**
   * Azure Stack and clouds that lag behind refuse an API version by listing those they have ("The supported api-versions
   * are '2018-11-01, …'"): takes the newest of them that is older than the one asked for, unless another call that was
   * under way has done so. Whether there was one.
   */
  #lowerApiVersion(asked: string, { body }: ArmAnswer): boolean {
    const refusal = parseRefusal(body);
    if (!refusesApiVersion(refusal)) return false;
    const listed = refusal.text.match(/\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b(?!-)/g) ?? [];
    const lower = listed.filter((version) => version < asked).sort().at(-1);
    if (lower === undefined) return false;
    if (lower >= this.#apiVersion) return true;
    logger.warn("Azure does not have API version {refused} here; using {lower}", { refused: asked, lower });
    this.#apiVersion = lower;
    return true;
  }

  #connectionError({ action, method, path }: ArmCall, cause: unknown, timedOut: boolean): CloudError {
    if (cause instanceof CloudError) return cause;
    const where = new URL(path, this.#options.environment.resourceManager);
    const why = timedOut ? "no answer in time" : cause instanceof Error ? cause.message : String(cause);
    return new CloudError(
      "unavailable",
      `Cannot ${action}: ${method} ${where.origin}${where.pathname}: ${why}`,
      { cause },
    );
  }
}
