/**
 * Stands before moto and answers as EC2 does where moto is lax: refusals, limits, pages, dry runs, throttling, idempotence,
 * blackholes, gateway endpoints, gateway propagation. It also keeps a log of all calls, and fails on request.
 */

import type { CallRate } from "../../../src/async/adaptive_limiter.ts";
import { RateLimiter } from "../../../src/async/rate_limiter.ts";
import { Tap } from "../tap.ts";
import { DelegatedPrefixes } from "./delegated_prefixes.ts";
import { type EndpointRoute, noTable, type Refusal, RouteRules } from "./route_rules.ts";
import { itemsOf, refusalXml, textOf, withItems } from "./xml.ts";

/** A call as it came in. */
export interface LoggedCall {
  readonly action: string;
  readonly fields: URLSearchParams;
  /** Id of the access key that signed it; empty if it is not signed. */
  readonly accessKey: string;
  /** Status of the answer. */
  readonly status: number;
  /** Code of the refusal, or null. */
  readonly code: string | null;
  /** When it came and when it was answered: milliseconds of `performance.now`. */
  readonly arrivedAt: number;
  readonly at: number;
}

/** A route that a gateway puts into a table: no call changes it, and one for the same prefix may be created beside it. */
export interface PropagatedRoute {
  readonly prefix: string;
  readonly gatewayId: string;
}

/** What is out of order at the moment. */
export interface Faults {
  /** Share of calls that are refused as RequestLimitExceeded, 0 to 1. */
  throttled: number;
  /**
   * Whether each action of the account has its bucket: 50 calls and 5 a second for what changes routes, 100 and 20 for what only reads
   * (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
   */
  bucketed: boolean;
  /** Actions that the role may not call, such as `CreateRoute`; `CreateRoute rtb-1` for those on one table. */
  denied: Set<string>;
  expired: boolean;
  /** Status that every call gets: 503, 500. */
  status: number | null;
  /** Milliseconds that every answer takes. */
  latencyMs: number;
  /** Actions that are carried out but whose next answer is lost. */
  loseNext: Set<string>;
  /** Seconds that a throttled answer asks to wait for (Retry-After), or null. */
  retryAfterS: number | null;
  /** Whether Service Quotas publishes the limit. */
  quotaPublished: boolean;
  /**
   * How far the news of tables made from now on has got: EC2 is consistent only in the end. `unlisted`: only their id finds
   * them; `unknown`: not even that.
   */
  newTables: "known" | "unlisted" | "unknown";
}

/** What the token file of a web identity must hold. */
export const webIdentityToken = "web-identity-token-of-the-cluster";

const adminHeader = "x-test-admin";
const mutating = /^(Create|Replace|Delete|Modify|Associate|Disassociate|Enable|Disable)/;

function bucketOf(action: string): CallRate {
  return mutating.test(action) ? { burst: 50, perSecond: 5 } : { burst: 100, perSecond: 20 };
}

/** The front; see the head of this file. */
export class AwsStrictFront implements AsyncDisposable {
  /** The program's requests pass it; the rig's own do not. */
  readonly tap = new Tap();
  readonly calls: LoggedCall[] = [];
  readonly rules = new RouteRules();
  readonly delegated = new DelegatedPrefixes();
  readonly faults: Faults = {
    throttled: 0,
    bucketed: false,
    denied: new Set(),
    expired: false,
    status: null,
    latencyMs: 0,
    loseNext: new Set(),
    retryAfterS: null,
    quotaPublished: true,
    newTables: "known",
  };
  /** Most entries of one page. */
  pageSize = 2;
  readonly port: number;
  readonly #moto: string;
  readonly #hostname: string;
  #server: Deno.HttpServer | null = null;
  readonly #deletedInterfaces = new Set<string>();
  readonly #stoppedInterfaces = new Set<string>();
  readonly #latticeLists: string[] = [];
  readonly #endpointRoutes = new Map<string, EndpointRoute[]>();
  readonly #propagating = new Map<string, string[]>();
  readonly #propagatedRoutes = new Map<string, PropagatedRoute[]>();
  /** What was made by a client token, and of which parameters. */
  readonly #answersByToken = new Map<
    string,
    { readonly answer: Promise<string>; readonly parameters: string }
  >();
  /** A table so new that only its id finds it: EC2 lists what it has made a little later. */
  #unlisted: string | null = null;
  /** Tables made while {@linkcode Faults.newTables} was not `known`. */
  readonly #newTables = new Set<string>();
  /** By action. */
  readonly #buckets = new Map<string, RateLimiter>();
  #random = 1;

  private constructor(moto: string, hostname: string, port: number) {
    this.#moto = moto;
    this.#hostname = hostname;
    this.port = port;
  }

  /** Starts it. @param moto base address of moto. */
  static start(moto: string, hostname = "127.0.0.1"): AwsStrictFront {
    const probe = Deno.listen({ hostname, port: 0 });
    const port = probe.addr.port;
    probe.close();
    const front = new AwsStrictFront(moto, hostname, port);
    front.accept();
    return front;
  }

  get url(): string {
    return `http://${this.#hostname}:${this.port}`;
  }

  /** Takes connections (again). */
  accept(): void {
    this.#server ??= Deno.serve(
      {
        hostname: this.#hostname,
        port: this.port,
        onListen: () => {},
        onError: () => new Response(null, { status: 500 }),
      },
      (request) =>
        request.headers.has(adminHeader)
          ? this.#answer(request)
          : this.tap.pass(request, (passed) => this.#answer(passed)),
    );
  }

  /** Refuses connections until {@linkcode accept}. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.shutdown();
  }

  /** Calls of the given actions so far; all that are not the rig's own if none is given. */
  count(...actions: readonly string[]): number {
    return this.calls.filter((call) => actions.length === 0 || actions.includes(call.action)).length;
  }

  /** Makes a gateway endpoint's route stand in a table, as CreateVpcEndpoint does. */
  addEndpointRoute(tableId: string, route: EndpointRoute): void {
    this.#endpointRoutes.set(tableId, [...this.endpointRoutes(tableId), route]);
  }

  endpointRoutes(tableId: string): readonly EndpointRoute[] {
    return this.#endpointRoutes.get(tableId) ?? [];
  }

  /** An interface is deleted with its VM: routes to it become blackholes and no look-up finds it. */
  deleteInterface(id: string): void {
    this.#deletedInterfaces.add(id);
  }

  /** Makes a virtual private gateway propagate into a table. */
  propagate(tableId: string, gatewayId: string): void {
    this.#propagating.set(tableId, [...this.#propagating.get(tableId) ?? [], gatewayId]);
  }

  /** Ends what {@linkcode propagate} began. */
  endPropagation(tableId: string, gatewayId: string): void {
    this.#propagating.set(tableId, (this.#propagating.get(tableId) ?? []).filter((id) => id !== gatewayId));
  }

  /** An association with VPC Lattice puts a route into every table of the VPC, and no call takes it away. */
  associateLattice(prefixListId: string): void {
    this.#latticeLists.push(prefixListId);
  }

  /** An interface's instance is stopped: routes to it become blackholes until it {@linkcode startInterface starts} again. */
  stopInterface(id: string): void {
    this.#stoppedInterfaces.add(id);
  }

  startInterface(id: string): void {
    this.#stoppedInterfaces.delete(id);
  }

  /** Makes a virtual private gateway put a route into a table. */
  addPropagatedRoute(tableId: string, route: PropagatedRoute): void {
    this.#propagatedRoutes.set(tableId, [...this.#propagatedRoutes.get(tableId) ?? [], route]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
  }

  async #answer(request: Request): Promise<Response> {
    const arrivedAt = performance.now();
    const body = await request.text();
    if (request.headers.get("authorization")?.includes("/servicequotas/")) return this.#quota(request, body);
    const fields = new URLSearchParams(body);
    const action = fields.get("Action") ?? "";
    if (request.headers.has(adminHeader)) return await this.#carryOut(action, fields, request.headers);
    if (action === "AssumeRoleWithWebIdentity") return assumed(fields);
    const { latencyMs } = this.faults;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    const refusal = await this.#judge(action, fields);
    const response = refusal === null
      ? await this.#carryOut(action, fields, request.headers)
      : refused(refusal, this.faults.retryAfterS);
    const code = refusal?.code ?? (response.ok ? null : textOf(await response.clone().text(), "Code"));
    const accessKey = accessKeyOf(request);
    const { status } = response;
    this.calls.push({ action, fields, accessKey, status, code, arrivedAt, at: performance.now() });
    if (refusal !== null || !this.faults.loseNext.delete(action)) return response;
    this.#unlisted = textOf(await response.text(), "routeTableId");
    return refused({ status: 503, code: "Unavailable", message: "The answer was lost." }, null);
  }

  /** Takes a call out of its action's bucket. @returns whether there was one. */
  #takeOf(action: string): boolean {
    const now = performance.now();
    const bucket = this.#buckets.get(action) ?? new RateLimiter(bucketOf(action), now);
    this.#buckets.set(action, bucket);
    return bucket.waitMs(now) === 0 && bucket.take(now) === 0;
  }

  /** Why EC2 would refuse the call, or null. */
  async #judge(action: string, fields: URLSearchParams): Promise<Refusal | null> {
    const { status, expired, denied, throttled } = this.faults;
    if (status !== null) return { status, code: "InternalError", message: "An internal error has occurred" };
    if (expired) return { status: 400, code: "RequestExpired", message: "Request has expired." };
    if (this.#chance() < throttled || (this.faults.bucketed && !this.#takeOf(action))) {
      return { status: 503, code: "RequestLimitExceeded", message: "Request limit exceeded." };
    }
    const tableId = fields.get("RouteTableId") ?? fields.get("RouteTableId.1") ??
      fields.get("ResourceId.1") ?? "";
    if (denied.has(action) || denied.has(`${action} ${tableId}`)) return unauthorized(action);
    if (fields.get("DryRun") === "true") {
      return {
        status: 412,
        code: "DryRunOperation",
        message: "Request would have succeeded, but DryRun flag is set.",
      };
    }
    if (this.faults.newTables === "unknown" && this.#newTables.has(tableId)) return noTable(tableId);
    if (action === "DescribeRouteTables" && fields.has("MaxResults") && fields.has("RouteTableId.1")) {
      const message = "The parameter MaxResults cannot be used with the parameter RouteTableIds";
      return { status: 400, code: "InvalidParameterCombination", message };
    }
    if (action === "DeleteRouteTable" && this.endpointRoutes(fields.get("RouteTableId") ?? "").length > 0) {
      return { status: 400, code: "DependencyViolation", message: "The route table has a VPC endpoint." };
    }
    return /^(Create|Replace|Delete)Route$/.test(action) ? await this.#judgeRoute(action, fields) : null;
  }

  async #judgeRoute(action: string, fields: URLSearchParams): Promise<Refusal | null> {
    const tableId = fields.get("RouteTableId") ?? "";
    if (!this.rules.knows(tableId)) {
      const since = this.rules.changes;
      const found = await this.#ask(
        new URLSearchParams({ Action: "DescribeRouteTables", "RouteTableId.1": tableId }),
      );
      for (const table of itemsOf(found, "routeTableSet")) this.rules.learn(table, since);
    }
    const eni = fields.get("NetworkInterfaceId");
    if (eni !== null && this.#deletedInterfaces.has(eni)) {
      const message = `The networkInterface ID '${eni}' does not exist`;
      return { status: 400, code: "InvalidNetworkInterfaceID.NotFound", message };
    }
    const subnets = itemsOf(await this.#ask(new URLSearchParams({ Action: "DescribeSubnets" })), "subnetSet");
    return this.rules.judge(action, fields, subnets.flatMap((subnet) => textOf(subnet, "cidrBlock") ?? []));
  }

  async #carryOut(action: string, fields: URLSearchParams, headers: Headers): Promise<Response> {
    switch (action) {
      case "DescribeRouteTables":
        return this.#page(action, "routeTableSet", fields, await this.#tables(fields));
      case "DescribeNetworkInterfaces":
        return this.#page(action, "networkInterfaceSet", fields, await this.#interfaces(fields));
      case "DescribeInstances":
        return await this.#instances(fields, headers);
      case "EnableVgwRoutePropagation":
        this.propagate(fields.get("RouteTableId") ?? "", fields.get("GatewayId") ?? "");
        return done(action);
      case "DisableVgwRoutePropagation":
        this.endPropagation(fields.get("RouteTableId") ?? "", fields.get("GatewayId") ?? "");
        return done(action);
      case "ModifyVpcEndpoint":
        this.#modifyEndpoint(fields);
        return done(action);
      case "CreateRouteTable":
        return await this.#createTable(fields);
      default:
        return await this.#pass(action, fields, headers);
    }
  }

  async #instances(fields: URLSearchParams, headers: Headers): Promise<Response> {
    const passed = withoutPaging(fields);
    const wanted = this.delegated.takeFilter(passed);
    if (wanted === null) {
      return await this.#withStates(await this.#pass("DescribeInstances", fields, headers));
    }
    return xml(this.delegated.reservations(await this.#ask(passed), wanted));
  }

  /** Each VM of the rig is a reservation of its own, with one interface or more. */
  async #withStates(response: Response): Promise<Response> {
    const answer = await response.text();
    const items = itemsOf(answer, "reservationSet").map((item) => {
      const isStopped = [...this.#stoppedInterfaces].some((id) => item.includes(`>${id}<`));
      return isStopped ? item.replace("<name>running</name>", "<name>stopped</name>") : item;
    });
    return new Response(withItems(answer, "reservationSet", items), response);
  }

  async #pass(action: string, fields: URLSearchParams, headers: Headers): Promise<Response> {
    const response = await this.#forward(fields, headers);
    if (!response.ok) return response;
    this.rules.done(action, fields);
    if (action === "DeleteNetworkInterface") {
      this.#deletedInterfaces.add(fields.get("NetworkInterfaceId") ?? "");
    }
    return response;
  }

  /**
   * A client token answers a repeated call with what the first one made, deleted or not, and refuses other parameters
   * (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
   */
  async #createTable(fields: URLSearchParams): Promise<Response> {
    const token = fields.get("ClientToken");
    const known = token === null ? undefined : this.#answersByToken.get(token);
    this.#unlisted = null;
    const parameters = [...fields].filter(([name]) => name !== "DryRun").sort().join("&");
    if (known !== undefined && known.parameters !== parameters) {
      const message = "The client token has been used with different parameters.";
      return refused({ status: 400, code: "IdempotentParameterMismatch", message }, null);
    }
    if (known !== undefined) return xml(await known.answer);
    const asked = this.#ask(fields);
    // Two calls with one token may come at once.
    if (token !== null) this.#answersByToken.set(token, { answer: asked, parameters });
    const answer = await asked;
    if (this.faults.newTables !== "known") this.#newTables.add(textOf(answer, "routeTableId") ?? "");
    return xml(answer);
  }

  /** moto's tables, and in them what moto does not know. */
  async #tables(fields: URLSearchParams): Promise<{ readonly answer: string; readonly items: string[] }> {
    const since = this.rules.changes;
    const answer = await this.#ask(withoutPaging(fields));
    const listed = itemsOf(answer, "routeTableSet").filter((table) =>
      fields.has("RouteTableId.1") || this.#isListed(textOf(table, "routeTableId") ?? "")
    );
    const items = listed.map((table) => {
      this.rules.learn(table, since);
      const id = textOf(table, "routeTableId") ?? "";
      const routes = itemsOf(table, "routeSet").map((route) => this.#withState(route));
      for (const { prefixListId, endpointId } of this.endpointRoutes(id)) {
        routes.push(
          `<item><destinationPrefixListId>${prefixListId}</destinationPrefixListId><gatewayId>${endpointId}</gatewayId>` +
            `<origin>CreateRoute</origin><state>active</state></item>`,
        );
      }
      for (const prefixListId of this.#latticeLists) {
        routes.push(
          `<item><destinationPrefixListId>${prefixListId}</destinationPrefixListId><gatewayId>VpcLattice</gatewayId>` +
            `<origin>CreateRoute</origin><state>active</state></item>`,
        );
      }
      for (const { prefix, gatewayId } of this.#propagatedRoutes.get(id) ?? []) {
        routes.push(
          `<item><destinationCidrBlock>${prefix}</destinationCidrBlock><gatewayId>${gatewayId}</gatewayId>` +
            `<origin>EnableVgwRoutePropagation</origin><state>active</state></item>`,
        );
      }
      const gateways = (this.#propagating.get(id) ?? []).map((each) =>
        `<item><gatewayId>${each}</gatewayId></item>`
      );
      return withItems(table, "routeSet", routes)
        .replace("<tagSet", `<propagatingVgwSet>${gateways.join("")}</propagatingVgwSet><tagSet`);
    });
    return { answer, items };
  }

  #isListed(tableId: string): boolean {
    return tableId !== this.#unlisted && (this.faults.newTables === "known" || !this.#newTables.has(tableId));
  }

  #withState(route: string): string {
    const target = textOf(route, "networkInterfaceId") ?? "";
    const gone = this.#deletedInterfaces.has(target) || this.#stoppedInterfaces.has(target);
    return gone ? route.replace("<state>active</state>", "<state>blackhole</state>") : route;
  }

  /** moto filters by the primary address alone and knows no IPv6 filter. */
  async #interfaces(fields: URLSearchParams): Promise<{ readonly answer: string; readonly items: string[] }> {
    const own = {
      "addresses.private-ip-address": "privateIpAddress",
      "ipv6-addresses.ipv6-address": "ipv6Address",
    };
    const passed = withoutPaging(fields);
    const wanted: { readonly element: string; readonly values: string[] }[] = [];
    for (const [name, element] of Object.entries(own)) {
      const key = [...fields.keys()].find((each) => each.endsWith(".Name") && fields.get(each) === name);
      const number = key?.split(".")[1];
      if (number === undefined) continue;
      const keys = [...fields.keys()].filter((each) => each.startsWith(`Filter.${number}.`));
      wanted.push({
        element,
        values: keys.filter((each) => each !== key).map((each) => fields.get(each) ?? ""),
      });
      for (const each of keys) passed.delete(each);
    }
    const answer = await this.#ask(passed);
    const items = itemsOf(answer, "networkInterfaceSet").filter((item) =>
      !this.#deletedInterfaces.has(textOf(item, "networkInterfaceId") ?? "") &&
      wanted.every(({ element, values }) =>
        values.some((value) => item.includes(`<${element}>${value}</${element}>`))
      )
    );
    return { answer, items };
  }

  /** EC2 may answer with fewer entries than asked for; paging comes into play when the caller allows it. */
  #page(
    action: string,
    set: string,
    fields: URLSearchParams,
    found: { readonly answer: string; readonly items: string[] },
  ): Response {
    if (!itemsOf(found.answer, "Errors").length && found.answer.includes("<Errors>")) {
      return xml(found.answer, 400);
    }
    const start = Number(fields.get("NextToken") ?? "0");
    const size = fields.has("MaxResults") ? this.pageSize : found.items.length;
    const end = Math.min(start + size, found.items.length);
    const token = end < found.items.length ? `<nextToken>${end}</nextToken>` : "";
    return xml(
      `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>front</requestId>` +
        `<${set}>${found.items.slice(start, end).join("")}</${set}>${token}</${action}Response>`,
    );
  }

  #modifyEndpoint(fields: URLSearchParams): void {
    const endpointId = fields.get("VpcEndpointId") ?? "";
    const known = [...this.#endpointRoutes.values()].flat().find((route) => route.endpointId === endpointId);
    for (const [key, tableId] of fields) {
      if (key.startsWith("AddRouteTableId") && known !== undefined) this.addEndpointRoute(tableId, known);
      if (!key.startsWith("RemoveRouteTableId")) continue;
      this.#endpointRoutes.set(
        tableId,
        this.endpointRoutes(tableId).filter((each) => each.endpointId !== endpointId),
      );
    }
  }

  #quota(request: Request, body: string): Response {
    const action = request.headers.get("x-amz-target")?.split(".").pop() ?? "";
    const status = this.faults.quotaPublished ? 200 : 400;
    const accessKey = accessKeyOf(request);
    const fields = new URLSearchParams();
    const at = performance.now();
    this.calls.push({ action, fields, accessKey, status, code: null, arrivedAt: at, at });
    const answer = this.faults.quotaPublished
      ? { Quota: { ...JSON.parse(body), Value: this.rules.limit } }
      : { __type: "AccessDeniedException", Message: `not authorized to perform: servicequotas:${action}` };
    return Response.json(answer, { status, headers: { "content-type": "application/x-amz-json-1.1" } });
  }

  async #ask(fields: URLSearchParams): Promise<string> {
    return await (await this.#forward(fields, new Headers())).text();
  }

  async #forward(fields: URLSearchParams, headers: Headers): Promise<Response> {
    const response = await fetch(this.#moto, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: headers.get("authorization") ?? anySignature,
      },
      body: fields.has("Version") ? fields : `${fields}&Version=2016-11-15`,
    });
    return xml(await response.text(), response.status);
  }

  /** Between 0 and 1, the same sequence in every run (Park and Miller's generator). */
  #chance(): number {
    this.#random = this.#random * 48271 % 0x7fffffff;
    return this.#random / 0x7fffffff;
  }
}

/** moto takes the region from the signature and does not check it. */
export const anySignature =
  "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0";

/** Calls EC2 past all faults and uncounted, as the operator's own tools would. */
export async function adminCall(
  url: string,
  action: string,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: anySignature, [adminHeader]: "1" },
    body: new URLSearchParams({ Action: action, Version: "2016-11-15", ...fields }),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`Cannot ${action} ${JSON.stringify(fields)}: ${answer}`);
  return answer;
}

/** Whether a call changes something. */
export function isWrite(call: Pick<LoggedCall, "action" | "fields">): boolean {
  return mutating.test(call.action) && call.fields.get("DryRun") !== "true";
}

/** The access key of a signature of version 4. */
function accessKeyOf(request: Request): string {
  return /Credential=([^/]+)\//.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
}

/** What STS answers to an unsigned AssumeRoleWithWebIdentity. */
function assumed(fields: URLSearchParams): Response {
  if (fields.get("WebIdentityToken") !== webIdentityToken) {
    return refused(
      { status: 400, code: "InvalidIdentityToken", message: "No OpenIDConnect provider found" },
      null,
    );
  }
  return xml(
    `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>` +
      `<Credentials><AccessKeyId>ASIAWEBIDENTITY</AccessKeyId><SecretAccessKey>not-a-secret</SecretAccessKey>` +
      `<SessionToken>session</SessionToken><Expiration>${
        new Date(Date.now() + 3_600_000).toISOString()
      }</Expiration>` +
      `</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
  );
}

function withoutPaging(fields: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(fields);
  rest.delete("MaxResults");
  rest.delete("NextToken");
  return rest;
}

function unauthorized(action: string): Refusal {
  return {
    status: 403,
    code: "UnauthorizedOperation",
    message:
      "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/router/i-1 " +
      `is not authorized to perform: ec2:${action} on resource: arn:aws:ec2:us-east-1:123456789012:route-table/* because no ` +
      `identity-based policy allows the ec2:${action} action. Encoded authorization failure message: ${
        "4Gk0secret".repeat(40)
      }`,
  };
}

function refused(refusal: Refusal, retryAfterS: number | null): Response {
  const headers = retryAfterS === null ? {} : { "retry-after": String(retryAfterS) };
  return xml(refusalXml(refusal.code, refusal.message), refusal.status, headers);
}

function done(action: string): Response {
  return xml(`<${action}Response><requestId>front</requestId><return>true</return></${action}Response>`);
}

function xml(body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "text/xml", "x-amzn-requestid": crypto.randomUUID(), ...headers },
  });
}
