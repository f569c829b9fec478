/** Calls to Neutron with a token that is always valid. */

import { getLogger } from "@logtape/logtape";
import { call, type HttpAnswer } from "../http.ts";
import { type Login, SharedLogin } from "../kit/shared_login.ts";
import type { Transport } from "../kit/transport.ts";
import { logIn, type Token } from "./authentication.ts";
import { computeUrl, networkUrl, withVersion } from "./catalogue.ts";
import { errorOf } from "./errors.ts";
import type { OpenstackSettings } from "./credentials.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/** A token is renewed when less than this is left of it, so that no call carries one that expires on its way. */
const renewBeforeMs = 60_000;

/** A call to Neutron. */
export interface NeutronCall {
  /** What it is for, as a verb phrase that fits after "Cannot". */
  readonly action: string;
  readonly method?: "GET" | "PUT";
  /** Neutron unless set; `compute` is Nova. */
  readonly service?: "network" | "compute";
  /** Below `/v2.0` (Nova: `/v2.1`), with query: `routers/…`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** A session: logs in when it must, and again before the token expires or when it is not taken any more. */
export class Session {
  readonly #settings: OpenstackSettings;
  readonly #transport: Transport;
  readonly #login = new SharedLogin<Token>({ login: () => this.#logIn(), renewBeforeMs });

  /** Opens no connection yet. */
  constructor(settings: OpenstackSettings, transport: Transport) {
    this.#settings = settings;
    const { caCertificates, clientCertificate } = settings;
    const trusting = caCertificates === null ? transport : transport.trusting([caCertificates]);
    this.#transport = clientCertificate === null ? trusting : trusting.showing(clientCertificate);
  }

  /** Whether the login is for the whole cloud and not for a project. */
  get isForSystem(): boolean {
    const { scope } = this.#settings;
    return scope !== null && "system" in scope;
  }

  /** Id of the project that the login is for; null: it is for the whole cloud. @throws {CloudError} as {@linkcode logIn} does. */
  async projectId(signal: AbortSignal): Promise<string | null> {
    return (await this.#login.get(signal)).projectId;
  }

  /**
   * Makes a call.
   *
   * @returns the answer, whose status is 200.
   * @throws {CloudError} for any other status, and as {@linkcode call} and {@linkcode logIn} do.
   */
  async call(request: NeutronCall): Promise<HttpAnswer> {
    const token = await this.#login.get(request.signal);
    let answer = await this.#send(request, token);
    if (answer.status === 401) {
      // Revoked, or signed with a key that is gone. Logging in anew is part of being logged in, not a second try.
      logger.info("OpenStack does not accept the token any more; logging in again");
      this.#login.refused(token);
      answer = await this.#send(request, await this.#login.get(request.signal));
    }
    if (answer.status === 200) return answer;
    throw errorOf(request.action, permissionOf(request), answer, Date.now());
  }

  #send(request: NeutronCall, token: Token): Promise<HttpAnswer> {
    const { networkEndpoint, region, interface: side } = this.#settings;
    const base = request.service === "compute"
      ? computeUrl(token.catalogue, region, side)
      : networkEndpoint === null
      ? networkUrl(token.catalogue, region, side)
      : withVersion(networkEndpoint);
    return call({
      transport: this.#transport,
      action: request.action,
      url: `${base}/${request.path}`,
      method: request.method ?? "GET",
      headers: { ...request.headers, "x-auth-token": token.id },
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: request.signal,
    });
  }

  async #logIn(): Promise<Login<Token>> {
    const token = await logIn(this.#settings, this.#transport, new AbortController().signal);
    return { value: token, until: token.expiresAt };
  }
}

/** The access rule that a call needs: ids become `*`. */
function permissionOf(request: NeutronCall): string {
  const path = request.path.replace(/\?.*$/, "").replace(/^([a-z]+)\/[^/]+/, "$1/*");
  return `${request.method ?? "GET"} ${request.service === "compute" ? "/v2.1" : "/v2.0"}/${path}`;
}
