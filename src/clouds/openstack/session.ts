/** Calls to Neutron with a token that is always valid. */

import { getLogger } from "@logtape/logtape";
import { call, type HttpAnswer } from "../http.ts";
import { logIn, type Token } from "./authentication.ts";
import { networkUrl, withVersion } from "./catalogue.ts";
import { errorOf } from "./errors.ts";
import type { OpenstackSettings } from "./settings.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/** A token is renewed when less than this is left of it, so that no call carries one that expires on its way. */
const renewBeforeMs = 60_000;

/** A call to Neutron. */
export interface NeutronCall {
  /** What it is for, as a verb phrase that fits after "Cannot". */
  readonly action: string;
  readonly method?: "GET" | "PUT";
  /** Below `/v2.0`, with query: `routers/…`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** A session: logs in when it must, and again before the token expires or when it is not taken any more. */
export class Session {
  readonly #settings: OpenstackSettings;
  readonly #client: Deno.HttpClient | undefined;
  #token: Token | null = null;
  #login: Promise<Token> | null = null;

  /** Opens no connection yet. */
  constructor(settings: OpenstackSettings) {
    this.#settings = settings;
    this.#client = settings.caCertificates === null
      ? undefined
      : Deno.createHttpClient({ caCerts: [settings.caCertificates] });
  }

  /** The project that the credentials belong to. */
  async projectId(signal: AbortSignal): Promise<string> {
    return (await this.#validToken(signal)).projectId;
  }

  /**
   * Makes a call.
   *
   * @returns the answer, whose status is 200.
   * @throws {CloudError} for any other status, and as {@linkcode call} and {@linkcode logIn} do.
   */
  async call(request: NeutronCall): Promise<HttpAnswer> {
    let answer = await this.#send(request, await this.#validToken(request.signal));
    if (answer.status === 401) {
      // Revoked, or signed with a key that is gone. Logging in anew is part of being logged in, not a second try.
      logger.info("Token not taken any more: logging in again");
      this.#token = null;
      answer = await this.#send(request, await this.#validToken(request.signal));
    }
    if (answer.status === 200) return answer;
    throw errorOf(request.action, permissionOf(request), answer, Date.now());
  }

  #send(request: NeutronCall, token: Token): Promise<HttpAnswer> {
    const { networkEndpoint, region, interface: side } = this.#settings;
    const base = networkEndpoint === null
      ? networkUrl(token.catalogue, region, side)
      : withVersion(networkEndpoint);
    return call({
      action: request.action,
      url: `${base}/${request.path}`,
      method: request.method ?? "GET",
      headers: { ...request.headers, "x-auth-token": token.id },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(this.#client === undefined ? {} : { client: this.#client }),
      signal: request.signal,
    });
  }

  /** The token, renewed if need be; callers that come together share one login. */
  async #validToken(signal: AbortSignal): Promise<Token> {
    if (this.#token !== null && this.#token.expiresAt - Date.now() > renewBeforeMs) return this.#token;
    this.#login ??= logIn(this.#settings, this.#client, signal).finally(() => this.#login = null);
    this.#token = await this.#login;
    return this.#token;
  }
}

/** The access rule that a call needs: ids become `*`. */
function permissionOf(request: NeutronCall): string {
  const path = request.path.replace(/\?.*$/, "").replace(/^([a-z]+)\/[^/]+/, "$1/*");
  return `${request.method ?? "GET"} /v2.0/${path}`;
}
