/** Logging in to Keystone (Identity API v3, "Authentication and token management"). */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { call, type HttpAnswer } from "../http.ts";
import { parseAnswer } from "../kit/answer.ts";
import type { Transport } from "../kit/transport.ts";
import { errorOf } from "./errors.ts";
import type { OpenstackSettings } from "./credentials.ts";
import type { Proof } from "./proof.ts";

const catalogueSchema = v.array(v.object({
  type: v.string(),
  endpoints: v.array(v.object({
    interface: v.string(),
    region_id: v.optional(v.nullable(v.string())),
    region: v.optional(v.nullable(v.string())),
    url: v.string(),
  })),
}));

const tokenSchema = v.object({
  token: v.object({
    expires_at: v.pipe(v.string(), v.isoTimestamp()),
    project: v.optional(v.object({ id: v.string() })),
    catalog: v.optional(catalogueSchema, []),
  }),
});

/** The services that a token opens. */
export type Catalogue = v.InferOutput<typeof catalogueSchema>;

/** A token and what came with it. */
export interface Token {
  /** Secret. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Id of the project that it is for; null: it is for the whole cloud. */
  readonly projectId: string | null;
  readonly catalogue: Catalogue;
}

/**
 * Fetches a token.
 *
 * @throws {CloudError} `denied` if the credentials are not accepted, `malformed` if the answer is not as documented,
 * `invalid` if the token has no project, else as the call failed.
 */
export async function logIn(
  settings: OpenstackSettings,
  transport: Transport,
  signal: AbortSignal,
): Promise<Token> {
  const action = `log in at ${settings.authUrl} with ${settings.origin}`;
  const answer = await call({
    transport,
    action,
    url: `${settings.authUrl}/auth/tokens`,
    method: "POST",
    body: requestBody(settings),
    signal,
  });
  // Keystone says 401 for what is wrong and 404 for an application credential that is deleted.
  if (answer.status === 401 || isKeystonesNotFound(answer)) throw refused(action, settings.proof, answer);
  if (answer.status !== 201) throw errorOf(action, "POST /v3/auth/tokens", answer, Date.now());
  return tokenOf(action, answer, settings);
}

function requestBody({ proof, scope }: OpenstackSettings): unknown {
  const identity = { methods: [proof.method], [proof.method]: proofBody(proof) };
  return { auth: scope === null ? { identity } : { identity, scope } };
}

function proofBody(proof: Proof): unknown {
  switch (proof.method) {
    case "application_credential": {
      const { method: _, ...credential } = proof;
      return credential;
    }
    case "password":
      return { user: { ...proof.user, password: proof.password } };
    case "token":
      return { id: proof.token };
  }
}

function refused(action: string, proof: Proof, answer: HttpAnswer): CloudError {
  const what = {
    application_credential: "the application credential is wrong, expired or deleted",
    password: "user or password is wrong, or the user has no role in the project",
    token: "the token is wrong, revoked or expired, and only a person can renew it",
  }[proof.method];
  return new CloudError("denied", `Cannot ${action}: ${what}`, {
    status: answer.status,
    requestId: answer.headers.get("x-openstack-request-id") ?? undefined,
    action: "log in",
  });
}

/** Whether it was Keystone that did not find something: a wrong URL is answered without its form of an error. */
function isKeystonesNotFound({ status, body }: HttpAnswer): boolean {
  return status === 404 && v.is(v.object({ error: v.object({ code: v.literal(404) }) }), body);
}

function tokenOf(action: string, answer: HttpAnswer, { scope }: OpenstackSettings): Token {
  const { status } = answer;
  const id = answer.headers.get("x-subject-token");
  if (id === null) {
    throw new CloudError("malformed", `Cannot ${action}: the answer holds no token`, { status });
  }
  const { token } = parseAnswer(tokenSchema, answer.body, action, { status });
  const { expires_at: expiresAt, project, catalog } = token;
  if (project === undefined && !(scope !== null && "system" in scope)) {
    throw new CloudError("invalid", `Cannot ${action}: the token belongs to no project`);
  }
  return { id, expiresAt: Date.parse(expiresAt), projectId: project?.id ?? null, catalogue: catalog };
}
