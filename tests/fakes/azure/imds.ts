/** A stand-in for Azure's instance metadata service with its token endpoint. Over http, as the real one. */

/** The VM that it tells of. */
export interface FakeVm {
  readonly name: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly resourceId: string;
  readonly location: string;
  readonly environment: string;
  /** Each as `000D3A000001`, with its addresses. */
  readonly interfaces: readonly {
    readonly macAddress: string;
    readonly ipv4: string;
    readonly subnet: string;
    readonly ipv6?: string;
  }[];
}

/** The server; its public fields are knobs. */
export class FakeImds implements AsyncDisposable {
  /** Seconds that a token lasts. */
  tokenLifetime = 86_400;
  /** Whether the VM has a managed identity. */
  hasIdentity = true;
  /** How the token endpoint refuses; null: it does not. */
  tokenRefusal: { readonly status: number; readonly body: unknown; readonly retryAfterS?: number } | null =
    null;
  /** Status that metadata answers with, for a service that is being updated. */
  status = 200;
  /** What was asked of the token endpoint. */
  readonly tokenRequests: URLSearchParams[] = [];
  vm: FakeVm;
  readonly #tokens = new Map<string, number>();
  #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(vm: FakeVm) {
    this.vm = vm;
    this.#server = this.#listen(0);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Whether a token was given out and has not ended. */
  accepts(token: string): boolean {
    return Date.now() < (this.#tokens.get(token) ?? 0);
  }

  /** Makes all tokens given out so far worthless, though they say that they last. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  start(): void {
    this.#server = this.#listen(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    return Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  #answer(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    if (request.headers.get("metadata") !== "true") {
      return Response.json({ error: "Bad request. Required metadata header not specified" }, { status: 400 });
    }
    if (/^\/+metadata\/identity\/oauth2\/token\/?$/.test(pathname)) return this.#token(searchParams);
    if (pathname !== "/metadata/instance") return new Response("not found", { status: 404 });
    if (this.status !== 200) return new Response("not now", { status: this.status });
    return Response.json(instance(this.vm));
  }

  #token(query: URLSearchParams): Response {
    this.tokenRequests.push(query);
    if (this.tokenRefusal !== null) {
      const { status, body, retryAfterS } = this.tokenRefusal;
      return Response.json(body, {
        status,
        headers: retryAfterS === undefined ? {} : { "retry-after": `${retryAfterS}` },
      });
    }
    if (!this.hasIdentity) {
      return Response.json({ error: "invalid_request", error_description: "Identity not found" }, {
        status: 400,
      });
    }
    const token = `token-${crypto.randomUUID()}`;
    const end = Date.now() + this.tokenLifetime * 1000;
    this.#tokens.set(token, end);
    return Response.json({
      access_token: token,
      client_id: "00000000-0000-0000-0000-00000000c11e",
      expires_in: String(this.tokenLifetime),
      expires_on: String(Math.floor(end / 1000)),
      not_before: String(Math.floor(Date.now() / 1000)),
      resource: query.get("resource"),
      token_type: "Bearer",
    });
  }
}

function instance(vm: FakeVm): unknown {
  return {
    compute: {
      azEnvironment: vm.environment,
      location: vm.location,
      name: vm.name,
      resourceGroupName: vm.resourceGroup,
      resourceId: vm.resourceId,
      subscriptionId: vm.subscription,
      vmId: "02aab8a4-74ef-476e-8182-f6d2ba4166a6",
      vmScaleSetName: "",
    },
    network: {
      interface: vm.interfaces.map(({ macAddress, ipv4, subnet, ipv6 }) => ({
        ipv4: {
          ipAddress: [{ privateIpAddress: ipv4, publicIpAddress: "" }],
          subnet: [{ address: subnet.split("/")[0], prefix: subnet.split("/")[1] }],
        },
        ipv6: { ipAddress: ipv6 === undefined ? [] : [{ privateIpAddress: ipv6 }] },
        macAddress,
      })),
    },
  };
}
