/** A stand-in for Microsoft Entra ID's token endpoint (OAuth 2.0 client credentials), over https as the real one. */

import { X509Certificate } from "node:crypto";
import type { Certificates } from "../certificates.ts";

/** The tenant and the application that it knows. */
export const tenant = "22222222-2222-4222-8222-222222222222";
export const clientId = "33333333-3333-4333-8333-333333333333";
export const clientSecret = "a-good-secret";
/** What the token file of a workload identity must hold. */
export const federatedToken = "federated-token-of-the-cluster";

/** The server; its public fields are knobs. */
export class FakeLogin implements AsyncDisposable {
  /** What was asked of the token endpoint. */
  readonly requests: URLSearchParams[] = [];
  /** The certificate of the application (PEM, a key before it does no harm), or null while it has none. */
  certificate: string | null = null;
  /** How tokens are refused; null: they are given. */
  refusal: { readonly status: number; readonly retryAfterS: number; readonly description: string } | null =
    null;
  readonly #tokens = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ certificate: cert, key }: Certificates) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Whether a token was given out. */
  accepts(token: string): boolean {
    return this.#tokens.has(token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === `/${tenant}/v2.0/.well-known/openid-configuration`) return this.#configuration();
    if (pathname !== `/${tenant}/oauth2/v2.0/token`) return refused(404, "AADSTS90002: Tenant not found.");
    const form = new URLSearchParams(await request.text());
    this.requests.push(form);
    if (this.refusal !== null) {
      const headers = { "retry-after": String(this.refusal.retryAfterS) };
      return refused(this.refusal.status, this.refusal.description, headers);
    }
    return await this.#proven(form);
  }

  #configuration(): Response {
    const base = `${this.url}/${tenant}`;
    return Response.json({
      token_endpoint: `${base}/oauth2/v2.0/token`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      issuer: `${base}/v2.0`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    });
  }

  async #proven(form: URLSearchParams): Promise<Response> {
    const assertion = form.get("client_assertion");
    const right = assertion === null
      ? form.get("client_secret") === clientSecret
      : assertion === federatedToken || await this.#signed(assertion);
    if (form.get("client_id") !== clientId || !right) {
      return refused(
        401,
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret " +
          "value, not the client secret ID, for a secret added to app '33333333-3333-4333-8333-333333333333'. " +
          "Trace ID: 5a5a5a5a Correlation ID: 6b6b6b6b Timestamp: 2026-11-01 00:00:00Z",
      );
    }
    const token = `token-${crypto.randomUUID()}`;
    this.#tokens.add(token);
    return Response.json({
      token_type: "Bearer",
      expires_in: 3599,
      ext_expires_in: 3599,
      access_token: token,
    });
  }

  /**
   * Whether a JWT (RFC 7519) is signed by the application's certificate, RS256 or PS256. By Web Crypto: `createVerify` of
   * node:crypto takes no notice of the padding in Deno 2.6, so that it accepts what Entra ID refuses.
   */
  async #signed(assertion: string): Promise<boolean> {
    const [header = "", payload = "", signature = ""] = assertion.split(".");
    if (this.certificate === null || signature === "") return false;
    const bytes = (text: string): Uint8Array<ArrayBuffer> =>
      Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const { alg } = JSON.parse(new TextDecoder().decode(bytes(header)));
    const name = alg === "PS256" ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
    const certificate = new X509Certificate(
      this.certificate.slice(this.certificate.indexOf("-----BEGIN CERT")),
    );
    const spki = Uint8Array.from(certificate.publicKey.export({ type: "spki", format: "der" }));
    const key = await crypto.subtle.importKey("spki", spki, { name, hash: "SHA-256" }, false, ["verify"]);
    const signed = new TextEncoder().encode(`${header}.${payload}`);
    return await crypto.subtle.verify({ name, saltLength: 32 }, key, bytes(signature), signed);
  }
}

/** Entra ID's form of a refusal: error, description and codes. */
function refused(status: number, description: string, headers: HeadersInit = {}): Response {
  const error = status === 401 ? "invalid_client" : "temporarily_unavailable";
  return Response.json({ error, error_description: description }, { status, headers });
}
