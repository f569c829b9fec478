/** An instance metadata service that speaks version 2 only, and gives credentials that expire when the test says so. */

/** One interface as the service shows it. */
export interface MetadataInterface {
  readonly mac: string;
  /** `meta-data/network/interfaces/macs/MAC/…`; what is missing is 404, as on EC2. */
  readonly values: Readonly<Record<string, string>>;
}

/** A running metadata service. */
export class AwsMetadata implements AsyncDisposable {
  /** Paths asked for, those refused included. */
  readonly paths: string[] = [];
  /** Status of every answer, as while the service is down. */
  status: number | null = null;
  /** Whether tokens handed out so far are refused. */
  tokensVoid = false;
  /** Whether the instance has a role. */
  hasRole = true;
  /** Counts the credentials handed out; part of the access key. */
  credentials = 0;
  /** Seconds until credentials handed out now expire. */
  credentialsLastS = 21_600;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #hostname: string;
  #tokens = new Set<string>();

  constructor(
    readonly interfaces: MetadataInterface[],
    readonly document: Readonly<Record<string, string>>,
    hostname = "127.0.0.1",
  ) {
    this.#hostname = hostname;
    this.#server = Deno.serve({ hostname, port: 0, onListen: () => {} }, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://${
      this.#hostname.includes(":") ? `[${this.#hostname}]` : this.#hostname
    }:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #answer(request: Request): Response {
    const path = new URL(request.url).pathname.replace(/^\/latest\//, "");
    this.paths.push(path);
    if (this.status !== null) return new Response(null, { status: this.status });
    if (path === "api/token") return this.#token(request);
    if (this.tokensVoid) this.#tokens = new Set();
    this.tokensVoid = false;
    if (!this.#tokens.has(request.headers.get("x-aws-ec2-metadata-token") ?? "")) {
      return new Response("Unauthorized", { status: 401 });
    }
    const text = this.#value(path);
    return text === null ? new Response("Not Found", { status: 404 }) : new Response(text);
  }

  #token(request: Request): Response {
    if (request.method !== "PUT") return new Response(null, { status: 405 });
    const token = `token-${crypto.randomUUID()}==`;
    this.#tokens.add(token);
    return new Response(token);
  }

  #value(path: string): string | null {
    if (path === "dynamic/instance-identity/document") return JSON.stringify(this.document);
    if (path === "meta-data/network/interfaces/macs/") {
      return this.interfaces.map(({ mac }) => `${mac}/`).join("\n");
    }
    if (path.startsWith("meta-data/iam/") && !this.hasRole) return null;
    if (path === "meta-data/iam/security-credentials/") return "router";
    if (path === "meta-data/iam/security-credentials/router") return this.#credentials();
    const [mac, name] = path.replace("meta-data/network/interfaces/macs/", "").split("/");
    return this.interfaces.find((each) => each.mac === mac)?.values[name ?? ""] ?? null;
  }

  #credentials(): string {
    this.credentials++;
    return JSON.stringify({
      Code: "Success",
      Type: "AWS-HMAC",
      AccessKeyId: `ASIA${this.credentials}`,
      SecretAccessKey: "not-a-secret",
      Token: "session",
      Expiration: new Date(Date.now() + this.credentialsLastS * 1000).toISOString(),
    });
  }
}
