/**
 * Who this program is to Azure: the VM's managed identity, a service principal with secret or certificate, or a workload identity
 * with a token file.
 */

import {
  ClientAssertionCredential,
  ClientSecretCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import { abortable } from "../../async/abortable.ts";
import { CloudError } from "../cloud_error.ts";
import { type Login, SharedLogin } from "../kit/shared_login.ts";
import type { Transport } from "../kit/transport.ts";
import { type AssertionOptions, clientAssertion } from "./client_assertion.ts";
import type { AzureEnvironment } from "./environment.ts";
import { managedIdentityToken } from "./managed_identity.ts";
import { type SdkHttpClient, sdkHttpClient } from "./sdk_http_client.ts";
import { TokenEndpoint } from "./token_endpoint.ts";
import { tokenError } from "./token_error.ts";

/** A bearer token and when it ends (milliseconds since the epoch). */
export interface Token {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** Deadline for a token in milliseconds, all requests for it together. */
const tokenTimeoutMs = 10_000;
/** A token is renewed this long before its end, as Microsoft's library does. */
const renewBeforeMs = 300_000;
const defaultMetadataEndpoint = "http://169.254.169.254";

type ReadVariable = (name: string) => string | undefined;

/** Which credential the environment names. */
type Form = "secret" | "certificate" | "workload" | "managed";

/**
 * Chooses the credential without probing, in the order of the SDK's own chain: a service principal where tenant, client and a secret
 * or a certificate are set, a workload identity where a token file is set in their place, else the managed identity (user-assigned if
 * only `AZURE_CLIENT_ID` is set).
 */
export function openCredential(options: CredentialOptions): AzureCredential {
  return new AzureCredential(options);
}

/** What a credential is opened with. */
export interface CredentialOptions {
  readonly variable: ReadVariable;
  readonly cloud: AzureEnvironment;
  readonly transport: Transport;
  /** `-imds-endpoint`: base URL of the metadata service in place of http://169.254.169.254, or null. */
  readonly imdsEndpoint: string | null;
}

/** In words, which credential {@linkcode openCredential} chooses. */
export function describeCredential(variable: ReadVariable): string {
  const clientId = variable("AZURE_CLIENT_ID") ?? "";
  switch (formOf(variable)) {
    case "secret":
    case "certificate":
      return `service principal ${clientId}`;
    case "workload":
      return `workload identity ${clientId}`;
    case "managed":
      return clientId === ""
        ? "system-assigned managed identity"
        : `user-assigned managed identity ${clientId}`;
  }
}

function formOf(variable: ReadVariable): Form {
  const set = (name: string): boolean => (variable(name) ?? "") !== "";
  if (!set("AZURE_TENANT_ID") || !set("AZURE_CLIENT_ID")) return "managed";
  if (set("AZURE_CLIENT_SECRET")) return "secret";
  if (set("AZURE_CLIENT_CERTIFICATE_PATH")) return "certificate";
  return set("AZURE_FEDERATED_TOKEN_FILE") ? "workload" : "managed";
}

/** A credential of the SDK's with a cache of its own: what is made anew holds no token. */
function sdkCredential(
  form: Exclude<Form, "managed">,
  variable: ReadVariable,
  cloud: AzureEnvironment,
  httpClient: SdkHttpClient,
): TokenCredential {
  const read = (name: string): string => variable(name) ?? "";
  const [tenant, clientId] = [read("AZURE_TENANT_ID"), read("AZURE_CLIENT_ID")];
  // When to try again is the reconciler's business.
  const login = {
    httpClient,
    retryOptions: { maxRetries: 0 },
    authorityHost: read("AZURE_AUTHORITY_HOST") || cloud.authority,
    // The operator names the login service; Microsoft's public one, which a private cloud may not reach, need not confirm it.
    disableInstanceDiscovery: true,
  };
  switch (form) {
    case "secret":
      return new ClientSecretCredential(tenant, clientId, read("AZURE_CLIENT_SECRET"), login);
    case "certificate": {
      const proof: AssertionOptions = {
        audience: `${login.authorityHost.replace(/\/+$/, "")}/${tenant}/oauth2/v2.0/token`,
        clientId,
        certificatePath: read("AZURE_CLIENT_CERTIFICATE_PATH"),
        password: read("AZURE_CLIENT_CERTIFICATE_PASSWORD") || undefined,
        sendChain: /^(1|true)$/i.test(read("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")),
      };
      return new ClientAssertionCredential(tenant, clientId, () => clientAssertion(proof), login);
    }
    case "workload": {
      const tokenFilePath = read("AZURE_FEDERATED_TOKEN_FILE");
      return new WorkloadIdentityCredential({ ...login, tenantId: tenant, clientId, tokenFilePath });
    }
  }
}

/**
 * The tokens of a run, for the SDK's pipeline: one login at a time, and nothing is asked before the time that a refusal named. Errors are
 * {@linkcode CloudError}.
 */
export class AzureCredential {
  readonly #options: CredentialOptions;
  readonly #who: string;
  readonly #login = new SharedLogin<Token>({ login: () => this.#logIn(), renewBeforeMs });
  #refusal: { readonly error: CloudError; readonly until: number } | null = null;

  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#who = describeCredential(options.variable);
  }

  /** The token, renewed if need be. */
  getToken(): Promise<Token> {
    return this.#login.get();
  }

  /** The token at hand; null: none. */
  get current(): Token | null {
    return this.#login.current;
  }

  /** Azure did not accept this token: the next call gets a new one, unless there is one already. */
  refused(token: Token | null): void {
    this.#login.refused(token);
  }

  async #logIn(): Promise<Login<Token>> {
    this.#obeyRefusal();
    try {
      const token = await this.#ask();
      return { value: token, until: token.expiresOnTimestamp };
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      const { retryAfterMs } = error;
      if (retryAfterMs !== undefined) this.#refusal = { error, until: performance.now() + retryAfterMs };
      throw error;
    }
  }

  async #ask(): Promise<Token> {
    const { variable, cloud, transport, imdsEndpoint } = this.#options;
    const form = formOf(variable);
    if (form !== "managed") return await this.#askLibrary(form);
    return await managedIdentityToken({
      transport,
      endpoint: variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") || (imdsEndpoint ?? defaultMetadataEndpoint),
      audience: cloud.audience,
      clientId: variable("AZURE_CLIENT_ID") ?? "",
      who: this.#who,
      timeoutMs: tokenTimeoutMs,
    });
  }

  async #askLibrary(form: Exclude<Form, "managed">): Promise<Token> {
    const { variable, cloud, transport } = this.#options;
    const endpoint = new TokenEndpoint(
      sdkHttpClient({ transport, timeoutMs: tokenTimeoutMs, direct: false }),
    );
    try {
      const credential = sdkCredential(form, variable, cloud, endpoint);
      const deadline = AbortSignal.timeout(tokenTimeoutMs);
      const token = await abortable(credential.getToken(`${cloud.audience}/.default`), deadline);
      if (token !== null) return token;
      throw new Error("the answer holds no token");
    } catch (cause) {
      throw tokenError(this.#who, endpoint.outcome, cause, Date.now());
    }
  }

  /** The SDK's pipeline asks every three seconds while a token is about to end, whatever Retry-After says. */
  #obeyRefusal(): void {
    if (this.#refusal === null) return;
    const { error, until } = this.#refusal;
    const retryAfterMs = until - performance.now();
    if (retryAfterMs > 0) {
      throw new CloudError(error.kind, error.message, { ...error, retryAfterMs, cause: error });
    }
    this.#refusal = null;
  }
}
