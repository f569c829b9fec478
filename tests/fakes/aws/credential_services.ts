/**
 * What AWS gives credentials by, besides instance metadata: STS (query protocol, XML), IAM Identity Center (REST, JSON) and the agent of
 * ECS and EKS, at one address.
 */

/** A running stand-in. */
export class CredentialServices implements AsyncDisposable {
  /** `ACTION key=value …` of STS, `GET path` of the others; tokens and keys included. */
  readonly asked: string[] = [];
  /** What the agent wants in `authorization`; null: nothing. */
  authorization: string | null = null;
  readonly #hostname: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #issued = 0;

  constructor(hostname = "127.0.0.1") {
    this.#hostname = hostname;
    this.#server = Deno.serve({ hostname, port: 0, onListen: () => {} }, (request) => this.#answer(request));
  }

  get url(): string {
    const host = this.#hostname.includes(":") ? `[${this.#hostname}]` : this.#hostname;
    return `http://${host}:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (request.method === "POST") {
      return this.#securityTokens(request, new URLSearchParams(await request.text()));
    }
    const bearer = request.headers.get("x-amz-sso_bearer_token");
    this.asked.push(`GET ${pathname}${search}${bearer === null ? "" : ` by ${bearer}`}`);
    return pathname === "/federation/credentials" ? this.#signedOn(bearer) : this.#agent(request);
  }

  #securityTokens(request: Request, form: URLSearchParams): Response {
    const action = form.get("Action") ?? "";
    const signer = /Credential=([^/]+)/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "nobody";
    const told = ["RoleArn", "RoleSessionName", "WebIdentityToken", "ExternalId"].flatMap((name) =>
      form.get(name) ?? []
    );
    this.asked.push([action, ...told, "by", signer].join(" "));
    const { id, expiration } = this.#issue("STS");
    const credentials =
      `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>not-a-secret</SecretAccessKey>` +
      `<SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials>`;
    const xml =
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${credentials}` +
      `</${action}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></${action}Response>`;
    return new Response(xml, { headers: { "content-type": "text/xml" } });
  }

  #signedOn(bearer: string | null): Response {
    if (bearer !== "sso-token") {
      return Response.json({ message: "Session token not found or invalid" }, { status: 401 });
    }
    const { id } = this.#issue("SSO");
    return Response.json({
      roleCredentials: {
        accessKeyId: id,
        secretAccessKey: "not-a-secret",
        sessionToken: "session",
        expiration: Date.now() + 3_600_000,
      },
    });
  }

  #agent(request: Request): Response {
    if (this.authorization !== null && request.headers.get("authorization") !== this.authorization) {
      return Response.json({ code: "Unauthorized", message: "no" }, { status: 401 });
    }
    const { id, expiration } = this.#issue("AGENT");
    return Response.json({
      AccessKeyId: id,
      SecretAccessKey: "not-a-secret",
      Token: "session",
      Expiration: expiration,
    });
  }

  #issue(by: string): { readonly id: string; readonly expiration: string } {
    return { id: `ASIA${by}${++this.#issued}`, expiration: new Date(Date.now() + 3_600_000).toISOString() };
  }
}
