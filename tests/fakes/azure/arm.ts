/**
 * A stateful stand-in for Azure Resource Manager's network provider, by recorded traffic of the real one: ETags and 412,
 * long-running operations (`Azure-AsyncOperation`, `Location`), 429 for a second writer, 401 and 403. Over https.
 */

import { Tap } from "../tap.ts";
import { ArmRefusal, ArmState, isRoute, isRouteList, isTable, type Json, propertiesOf } from "./arm_state.ts";
import type { Certificates } from "../certificates.ts";

/** A call as it came in. */
export interface ArmCallRecord {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The query to the letter, with its question mark. */
  readonly search: string;
  readonly ifMatch: string | null;
  readonly body: Json | null;
  /** Milliseconds of `performance.now` when the call came and when it was answered. */
  readonly at: number;
  answeredAt: number;
  status: number;
}

/** An answer to give in place of the real one. */
export interface ArmFault {
  /** Whether a call gets it. */
  readonly matches: (call: ArmCallRecord) => boolean;
  /** How many calls get it. */
  times: number;
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Azure has two ways to refuse an API version; the second is the one of Azure/azure-powershell#12061. */
const apiVersionRefusals = {
  NoRegisteredProviderFound: {
    status: 400,
    words: (version: string) =>
      `No registered resource provider found for location 'westeurope' and API version '${version}' for type 'x'.`,
  },
  InvalidResourceType: {
    status: 404,
    words: (version: string) =>
      `The resource type 'x' could not be found in the namespace 'Microsoft.Network' for api version '${version}'.`,
  },
} as const;

/** How long after its end an operation waits to be asked for, in milliseconds. */
const forgottenAfterMs = 1_000;

/**
 * What signs an operation's URL, as long as the real one: time, certificate, signature and hash (Azure/azure-cli,
 * test_network_route_table_ecmp_route.yaml). It must come back to the letter.
 */
const operationSignature = `t=639161423053238098&c=MIIHxDCCBqygAwIBAgIRAJbrgketDbWHLEx1EpPCeH4w${
  "AbcD_-9xYz".repeat(262)
}&s=${"q0P_-%2B".repeat(42)}A&h=37cdTnQgvKBJIM_kG5aHiKYt94FchOVqwWK-ehdg5-8`;

interface Operation {
  polls: number;
  /** Not before this moment (`performance.now`) is it done. */
  readonly doneAt: number;
  readonly failed: boolean;
  readonly finish: (failed: boolean) => void;
  done: boolean;
}

/** The actions that calls need, by method and the end of the path. */
const actionRules: readonly [method: string, path: RegExp, action: string][] = [
  ["GET", /\/networkInterfaces(\/[^/]+)?$/i, "Microsoft.Network/networkInterfaces/read"],
  ["PUT", /\/networkInterfaces\/[^/]+$/i, "Microsoft.Network/networkInterfaces/write"],
  ["GET", /\/instanceView$/i, "Microsoft.Compute/virtualMachines/instanceView/read"],
  ["GET", /\/subnets\/[^/]+$/i, "Microsoft.Network/virtualNetworks/subnets/read"],
  ["PUT", /\/subnets\/[^/]+$/i, "Microsoft.Network/virtualNetworks/subnets/write"],
  ["GET", /\/virtualNetworks\/[^/]+$/i, "Microsoft.Network/virtualNetworks/read"],
  ["GET", /\/routeTables(\/[^/]+)?$/i, "Microsoft.Network/routeTables/read"],
  ["PUT", /\/routeTables\/[^/]+$/i, "Microsoft.Network/routeTables/write"],
  ["DELETE", /\/routeTables\/[^/]+$/i, "Microsoft.Network/routeTables/delete"],
  ["PUT", /\/routes\/[^/]+$/i, "Microsoft.Network/routeTables/routes/write"],
  ["DELETE", /\/routes\/[^/]+$/i, "Microsoft.Network/routeTables/routes/delete"],
  ["GET", /\/usages$/i, "Microsoft.Network/locations/usages/read"],
];

/** The server. Its public fields are knobs that tests turn while it runs. */
export class FakeArm implements AsyncDisposable {
  readonly tap = new Tap();
  readonly state = new ArmState();
  readonly calls: ArmCallRecord[] = [];
  readonly faults: ArmFault[] = [];
  /** Actions that the caller's role lacks. */
  readonly denied = new Set<string>();
  /** How often an operation says `InProgress` before it is done, and how long it takes at least. */
  pollsPerOperation = 0;
  operationMs = 0;
  /** Seconds that answers to accepted changes ask to wait; null: none. */
  retryAfterSeconds: number | null = null;
  /** How long each answer takes. */
  latencyMs = 0;
  /** Whether the next operations fail half-way. */
  failingOperations = 0;
  /** API versions that exist; null: all. */
  apiVersions: readonly string[] | null = null;
  /** How an API version that does not exist is refused. */
  apiVersionRefusal: keyof typeof apiVersionRefusals = "NoRegisteredProviderFound";
  /** Limit that the usages list; null: they do not list it. */
  publishedRouteLimit: number | null = 1_000;
  /** Called with each write before it is judged: the place for a writer who is quicker. */
  beforeWrite: ((call: ArmCallRecord) => void) | null = null;
  /** Most items of a page of a list. */
  pageSize = 100;
  /** What every list names as its next page; null: the real one. */
  nextLink: string | null = null;
  /** Base URL that answers name, where calls come by another way; null: its own. */
  namedUrl: string | null = null;

  readonly #acceptsToken: (token: string) => boolean;
  readonly #certificates: Certificates;
  readonly #operations = new Map<string, Operation>();
  #server: Deno.HttpServer<Deno.NetAddr>;
  #number = 0;

  constructor(certificates: Certificates, acceptsToken: (token: string) => boolean) {
    this.#certificates = certificates;
    this.#acceptsToken = acceptsToken;
    this.#server = this.#listen(0);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Puts all knobs back, and forgets calls and resources. */
  reset(): void {
    this.state.clear();
    this.calls.length = 0;
    this.faults.length = 0;
    this.#operations.clear();
    this.denied.clear();
    this.pollsPerOperation = 0;
    this.operationMs = 0;
    this.retryAfterSeconds = null;
    this.latencyMs = 0;
    this.failingOperations = 0;
    this.apiVersions = null;
    this.apiVersionRefusal = "NoRegisteredProviderFound";
    this.publishedRouteLimit = 1_000;
    this.beforeWrite = null;
    this.pageSize = 100;
    this.nextLink = null;
    this.namedUrl = null;
  }

  /** Writes so far: PUT and DELETE, whatever became of them. */
  writes(): ArmCallRecord[] {
    return this.calls.filter(({ method }) => method === "PUT" || method === "DELETE");
  }

  /** Stops listening, so that calls are refused. */
  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  /** Listens again where it did before. */
  start(): void {
    this.#server = this.#listen(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { certificate: cert, key } = this.#certificates;
    const options = { hostname: "127.0.0.1", port, cert, key, onListen: () => {} };
    return Deno.serve(options, (request) => this.tap.pass(request, (passed) => this.#answer(passed)));
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const text = await request.text();
    const call: ArmCallRecord = {
      method: request.method,
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      search: url.search,
      ifMatch: request.headers.get("if-match"),
      body: text === "" ? null : JSON.parse(text) as Json, // the SDK sends objects only
      at: performance.now(),
      answeredAt: 0,
      status: 0,
    };
    this.calls.push(call);
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    const response = this.#judge(call, request.headers.get("authorization") ?? "");
    call.status = response.status;
    call.answeredAt = performance.now();
    return response;
  }

  #judge(call: ArmCallRecord, authorization: string): Response {
    try {
      if (!this.#acceptsToken(authorization.replace(/^Bearer /, ""))) {
        throw new ArmRefusal(
          401,
          "ExpiredAuthenticationToken",
          "The access token expiry UTC time is earlier than now.",
        );
      }
      const fault = this.faults.find((item) => item.times > 0 && item.matches(call));
      if (fault !== undefined) {
        fault.times--;
        throw new ArmRefusal(fault.status, fault.code ?? "Fault", fault.message ?? "A fault.", fault.headers);
      }
      this.#authorize(call);
      return this.#dispatch(call);
    } catch (error) {
      if (!(error instanceof ArmRefusal)) throw error;
      const { status, code, message, headers, details } = error;
      return Response.json({ error: { code, message, ...(details.length > 0 ? { details } : {}) } }, {
        status,
        headers,
      });
    }
  }

  #authorize({ method, path, body }: ArmCallRecord): void {
    const needed = actionRules.find(([verb, pattern]) => verb === method && pattern.test(path))?.[2];
    if (needed !== undefined && this.denied.has(needed)) {
      throw new ArmRefusal(
        403,
        "AuthorizationFailed",
        `The client 'c' with object id 'o' does not have authorization to perform action '${needed}' over scope '${path}' ` +
          `or the scope is invalid. If access was recently granted, please refresh your credentials.`,
      );
    }
    const join = "Microsoft.Network/routeTables/join/action";
    const refers = method === "PUT" && /\/subnets\/[^/]+$/i.test(path) &&
      JSON.stringify(body).includes("/routeTables/");
    if (refers && this.denied.has(join)) {
      throw new ArmRefusal(
        403,
        "LinkedAuthorizationFailed",
        `The client 'c' with object id 'o' has permission to perform action 'Microsoft.Network/virtualNetworks/subnets/write' ` +
          `on scope '${path}'; however, it does not have permission to perform action(s) '${join}' on the linked scope(s) 'x'`,
      );
    }
  }

  #dispatch(call: ArmCallRecord): Response {
    const operation = /\/locations\/[^/]+\/(operations|operationResults)\/([^/]+)$/.exec(call.path);
    if (operation !== null) return this.#poll(operation[1] ?? "", operation[2] ?? "", call);
    this.#settle();
    this.#checkApiVersion(call);
    switch (call.method) {
      case "GET":
        return this.#read(call);
      case "PUT":
        return this.#put(call);
      case "DELETE":
        return this.#delete(call);
      default:
        throw new ArmRefusal(405, "MethodNotAllowed", call.method);
    }
  }

  #checkApiVersion({ query, path }: ArmCallRecord): void {
    const version = query.get("api-version");
    if (version === null) {
      throw new ArmRefusal(400, "MissingApiVersionParameter", "The api-version is required.");
    }
    const wanted = this.apiVersions;
    if (wanted === null || wanted.includes(version) || path.includes("/Microsoft.Compute/")) return;
    const { status, words } = apiVersionRefusals[this.apiVersionRefusal];
    const supported = wanted.length === 0 ? "" : ` The supported api-versions are '${wanted.join(", ")}'.`;
    throw new ArmRefusal(status, this.apiVersionRefusal, `${words(version)}${supported}`);
  }

  #read({ path, query }: ArmCallRecord): Response {
    if (/\/usages$/i.test(path)) {
      const name = { value: "RoutesPerRouteTable", localizedValue: "Routes per Route Table" };
      const told = this.publishedRouteLimit === null
        ? []
        : [{ name, limit: this.publishedRouteLimit, currentValue: 0 }];
      return Response.json({
        value: [{ name: { value: "VirtualNetworks" }, limit: 1000, currentValue: 1 }, ...told],
      });
    }
    // "The instance view of a virtual machine" (compute, 2024-07-01): its power state among other statuses.
    if (/\/instanceView$/i.test(path)) {
      const { powerState } = propertiesOf(this.state.show(path.replace(/\/instanceView$/i, "")));
      const codes = ["ProvisioningState/succeeded", `PowerState/${powerState}`];
      return Response.json({ statuses: codes.map((code) => ({ code, level: "Info" })) });
    }
    if (/\/(networkInterfaces|routeTables|routes)$/i.test(path)) {
      const all = isRouteList(path)
        ? this.state.listRoutes(path.replace(/\/routes$/i, ""))
        : this.state.list(path);
      const from = Number(query.get("$skipToken") ?? 0);
      const next = from + this.pageSize < all.length
        ? `${this.namedUrl ?? this.url}${path}?api-version=${query.get("api-version")}&$skipToken=${
          from + this.pageSize
        }`
        : undefined;
      return Response.json({ value: all.slice(from, from + this.pageSize), nextLink: this.nextLink ?? next });
    }
    const shown = this.state.show(path);
    return Response.json(shown, { headers: { etag: String(shown.etag) } });
  }

  #put(call: ArmCallRecord): Response {
    const { path, body, ifMatch } = call;
    this.beforeWrite?.(call);
    this.state.checkLocks("PUT", path);
    this.state.admit(path, ifMatch);
    const { created, finish } = isRoute(path)
      ? this.state.replaceRoute(path, body ?? {})
      : this.state.replace(path, body ?? {});
    const headers = this.#begin(finish);
    const shown = isRoute(path)
      ? { ...body, name: path.slice(path.lastIndexOf("/") + 1) }
      : this.state.show(path);
    return Response.json(shown, { status: created ? 201 : 200, headers });
  }

  #delete(call: ArmCallRecord): Response {
    const { path, ifMatch } = call;
    this.beforeWrite?.(call);
    this.state.checkLocks("DELETE", path);
    if (isRoute(path)) {
      this.state.admit(path, ifMatch);
      const finish = this.state.removeRoute(path);
      return finish === null
        ? new Response(null, { status: 204 })
        : new Response(null, { status: 202, headers: this.#begin(finish) });
    }
    if (isTable(path)) this.state.admit(path, ifMatch);
    if (!this.state.remove(path)) return new Response(null, { status: 204 });
    return new Response(null, { status: 202, headers: this.#begin(() => {}) });
  }

  /** Operations that nobody asks for any more end by themselves. */
  #settle(): void {
    for (const operation of this.#operations.values()) {
      if (operation.done || performance.now() < operation.doneAt + forgottenAfterMs) continue;
      operation.finish(operation.failed);
      operation.done = true;
    }
  }

  #begin(finish: (failed: boolean) => void): Record<string, string> {
    const id = `00000000-0000-4000-9000-${String(++this.#number).padStart(12, "0")}`;
    const failed = this.failingOperations > 0;
    if (failed) this.failingOperations--;
    const doneAt = performance.now() + this.operationMs;
    const operation: Operation = { polls: this.pollsPerOperation, doneAt, failed, finish, done: false };
    this.#operations.set(id, operation);
    const place = `${
      this.namedUrl ?? this.url
    }/subscriptions/s/providers/Microsoft.Network/locations/westeurope`;
    const query = `?api-version=2026-01-01&${operationSignature}`;
    return {
      "azure-asyncnotification": "Enabled",
      "azure-asyncoperation": `${place}/operations/${id}${query}`,
      "location": `${place}/operationResults/${id}${query}`,
      ...(this.retryAfterSeconds === null ? {} : { "retry-after": String(this.retryAfterSeconds) }),
    };
  }

  #poll(kind: string, id: string, { search }: ArmCallRecord): Response {
    if (!search.endsWith(`&${operationSignature}`)) {
      throw new ArmRefusal(
        401,
        "InvalidOperationSignature",
        "The signature of the operation's URL is wrong.",
      );
    }
    const operation = this.#operations.get(id);
    if (operation === undefined) {
      throw new ArmRefusal(404, "OperationNotFound", `Operation ${id} was not found.`);
    }
    if (operation.polls-- > 0 || performance.now() < operation.doneAt) {
      return kind === "operations"
        ? Response.json({ status: "InProgress" })
        : new Response(null, { status: 202 });
    }
    if (!operation.done) operation.finish(operation.failed);
    operation.done = true;
    if (!operation.failed) return Response.json({ status: "Succeeded" });
    const error = { code: "InternalServerError", message: "An error occurred." };
    return Response.json({ status: "Failed", error });
  }
}
