/**
 * Tokens of the VM's managed identity, from the metadata service (learn.microsoft.com, "How to use managed identities to get an access
 * token"). Asked directly: Microsoft's library keeps each token for the life of the process, also one that Azure does not accept any more.
 */

import * as v from "valibot";
import type { Transport } from "../kit/transport.ts";
import { TransportError } from "../kit/transport_error.ts";
import type { Token } from "./credentials.ts";
import { tokenError } from "./token_error.ts";

const apiVersion = "2018-02-01";

/** `expires_on`: seconds since the epoch. */
const tokenSchema = v.object({
  access_token: v.string(),
  expires_on: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number()),
});

/** Whose token, and where it is asked for. */
export interface ManagedIdentity {
  readonly transport: Transport;
  /** Base URL of the metadata service. */
  readonly endpoint: string;
  /** The resource that the token is for: `https://management.azure.com`. */
  readonly audience: string;
  /** Of a user-assigned identity; "": the system-assigned one. */
  readonly clientId: string;
  /** The identity in words, for errors. */
  readonly who: string;
  /** Deadline in milliseconds. */
  readonly timeoutMs: number;
}

/** Asks for a token. @throws {CloudError} if there is none. */
export async function managedIdentityToken(identity: ManagedIdentity): Promise<Token> {
  const { transport, who, timeoutMs } = identity;
  const signal = new AbortController().signal;
  try {
    const answer = await transport.send({
      method: "GET",
      url: urlOf(identity),
      headers: { metadata: "true", accept: "application/json" },
      body: undefined,
      timeoutMs,
      direct: true,
      signal,
    });
    const text = new TextDecoder().decode(answer.body);
    if (answer.status === 200) return tokenOf(text);
    throw tokenError(who, { status: answer.status, headers: answer.headers, text }, null, Date.now());
  } catch (cause) {
    throw cause instanceof TransportError ? tokenError(who, cause, cause, Date.now()) : cause;
  }
}

function urlOf({ endpoint, audience, clientId }: ManagedIdentity): URL {
  const url = new URL("/metadata/identity/oauth2/token", endpoint);
  url.searchParams.set("api-version", apiVersion);
  url.searchParams.set("resource", audience);
  if (clientId !== "") url.searchParams.set("client_id", clientId);
  return url;
}

/** @throws {SyntaxError} for what is no token; its message quotes nothing of it. */
function tokenOf(text: string): Token {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), tokenSchema), text);
  if (!parsed.success) throw new SyntaxError("the metadata service's answer holds no token");
  const { access_token: token, expires_on: seconds } = parsed.output;
  return { token, expiresOnTimestamp: seconds * 1000 };
}
