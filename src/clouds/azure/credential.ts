/** Who this program is to Azure: the VM's managed identity, or a service principal from the environment. */

import { EnvironmentCredential, ManagedIdentityCredential } from "@azure/identity";
import { CloudError } from "../cloud_error.ts";
import { abandonable } from "./abandonable.ts";
import type { AzureEnvironment } from "./environment.ts";

/** A bearer token and when it ends (milliseconds since the epoch). */
export interface Token {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** What the SDK's pipeline asks for a token. */
export interface TokenSource {
  getToken(scopes: string | string[]): Promise<Token>;
}

/** Deadline for a token in milliseconds; the SDK has none, and lets all calls wait for the one that hangs. */
const tokenTimeoutMs = 10_000;

type ReadVariable = (name: string) => string | undefined;

/**
 * Chooses the credential without probing: a service principal where tenant, client and a secret or certificate are set,
 * else the managed identity (user-assigned if only `AZURE_CLIENT_ID` is set). The SDK's own retries are off.
 */
export function openCredential(variable: ReadVariable, cloud: AzureEnvironment): TokenSource {
  const retryOptions = { maxRetries: 0 };
  const clientId = variable("AZURE_CLIENT_ID") ?? "";
  const credential = isServicePrincipal(variable)
    ? new EnvironmentCredential({
      retryOptions,
      authorityHost: variable("AZURE_AUTHORITY_HOST") ?? cloud.authority,
    })
    : new ManagedIdentityCredential(clientId === "" ? { retryOptions } : { clientId, retryOptions });
  return {
    getToken: async (scopes) => {
      try {
        return await abandonable(credential.getToken(scopes), AbortSignal.timeout(tokenTimeoutMs));
      } catch (cause) {
        throw tokenError(cause);
      }
    },
  };
}

/** In words, which credential {@linkcode openCredential} chooses. */
export function describeCredential(variable: ReadVariable): string {
  const clientId = variable("AZURE_CLIENT_ID") ?? "";
  if (isServicePrincipal(variable)) return `service principal ${clientId}`;
  return clientId === "" ? "system-assigned managed identity" : `user-assigned managed identity ${clientId}`;
}

function isServicePrincipal(variable: ReadVariable): boolean {
  const set = (name: string): boolean => (variable(name) ?? "") !== "";
  return set("AZURE_TENANT_ID") && set("AZURE_CLIENT_ID") &&
    (set("AZURE_CLIENT_SECRET") || set("AZURE_CLIENT_CERTIFICATE_PATH"));
}

/**
 * A credential that the service refused is `denied`, everything else (no answer, 5xx, throttled) `unavailable`. The
 * metadata service says "Identity not found" where the VM has none; login errors have codes such as AADSTS7000215.
 */
function tokenError(cause: unknown): CloudError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const refused = /identity not found|AADSTS(?!90|50196)|invalid_client|unauthorized_client/i.test(said);
  const hint = /identity not found/i.test(said)
    ? ": assign a managed identity to this VM, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
    : "";
  return new CloudError(
    refused ? "denied" : "unavailable",
    `Cannot get a token for Azure: ${firstLines(said)}${hint}`,
    { cause },
  );
}

/** The SDK's message has the status in its second line; what follows are headers. */
function firstLines(text: string): string {
  return text.split("\n").slice(0, 2).join("; ");
}
