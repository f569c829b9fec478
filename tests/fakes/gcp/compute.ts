/**
 * A stateful fake of Google's Compute API v1, as far as routes need it, and of Resource Manager's `testIamPermissions`.
 *
 * It refuses what Google refuses, lets operations take their time, pages its lists, sends only the fields
 * that were asked for, and holds every request against Google's discovery documents.
 */

import { Tap } from "../tap.ts";
import { Discovery } from "./discovery.ts";
import { maskFields } from "./fields.ts";
import { FakeOperations, type OperationError } from "./operations.ts";
import { RateQuota } from "./rate_quota.ts";
import { checkNewRoute, disabledRefusal, Refusal, scopeRefusal } from "./refusals.ts";
import {
  FakeProject,
  type FakeRoute,
  forwardingRuleAnswer,
  instanceAnswer,
  instancePath,
  networkAnswer,
  pathOf,
  subnetAnswer,
  subnetOf,
  urlOf,
} from "./world.ts";

/** A call that came in. */
export interface FakeCall {
  readonly method: string;
  readonly path: string;
  /** `performance.now()`. */
  readonly at: number;
}

/** A fault to show: for the next `times` requests that match. */
export interface Fault {
  readonly method?: string;
  /** Part of the path. */
  readonly path: string;
  times: number;
  /** What happens: an answer, a connection that ends without one, one that never comes, or a later bad end. */
  readonly show:
    | {
      readonly status: number;
      readonly reason: string;
      readonly message: string;
      readonly retryAfter?: string;
    }
    | "hang"
    | { readonly operation: OperationError };
}

interface Request {
  readonly method: string;
  readonly url: URL;
  readonly body: unknown;
}

/** The fake. */
export class FakeCompute {
  readonly tap = new Tap();
  readonly projects = new Map<string, FakeProject>();
  readonly operations = new FakeOperations();
  readonly calls: FakeCall[] = [];
  /** Requests that Google's documents do not allow; a test ends with none. */
  readonly violations: string[] = [];
  readonly faults: Fault[] = [];
  /** The tokens that it takes. */
  readonly tokens = new Set<string>();
  /** The access scopes of the tokens. */
  scopes: () => readonly string[] = () => ["https://www.googleapis.com/auth/cloud-platform"];
  /** APIs that are not enabled, such as `compute.googleapis.com`. */
  readonly disabledApis = new Set<string>();
  /** How many writes a minute it takes. */
  readonly writes = new RateQuota();
  /** Entries a page of a list. */
  pageSize = 500;
  /** What refuses an insert over the quota: the answer to it, or its operation. */
  quotaRefusedBy: "answer" | "operation" = "operation";
  /** Whether lists obey their filter; a program must not rely on it. */
  obeysFilters = true;
  readonly #documents = [Discovery.load("compute.v1"), Discovery.load("cloudresourcemanager.v3")]
    .filter((document) => document !== null);
  readonly #hanging = new AbortController();

  /** A project, made when it is first asked for. */
  project(id: string): FakeProject {
    const project = this.projects.get(id) ?? new FakeProject(id);
    this.projects.set(id, project);
    return project;
  }

  /** Ends what hangs and what is under way. */
  stop(): void {
    this.operations.stop();
    this.#hanging.abort();
  }

  /** Answers a request. */
  readonly handle = (request: globalThis.Request): Promise<Response> =>
    this.tap.pass(request, (passed) => this.#handle(passed));

  async #handle(incoming: globalThis.Request): Promise<Response> {
    const url = new URL(incoming.url);
    const text = await incoming.text();
    const request: Request = { method: incoming.method, url, body: text === "" ? null : JSON.parse(text) };
    this.calls.push({ method: request.method, path: url.pathname, at: performance.now() });
    try {
      this.#validate(request);
      const token = /^Bearer (.+)$/.exec(incoming.headers.get("authorization") ?? "")?.[1] ?? "";
      if (!this.tokens.has(token)) throw new Refusal(401, "authError", "Invalid Credentials");
      this.#checkAccess(request);
      const fault = await this.#showFault(request);
      if (fault instanceof Response) return fault;
      const answer = await this.#answer(request, fault);
      return Response.json(maskFields(answer, url.searchParams.get("fields") ?? ""));
    } catch (error) {
      if (error instanceof Refusal) return Response.json(error.body, { status: error.status });
      throw error;
    }
  }

  #validate({ method, url, body }: Request): void {
    if (this.#documents.length === 0) return;
    const found = this.#documents.map((document) => document.problems(method, url, body)).find((list) =>
      list !== null
    );
    const problems = found ?? [`${method} ${url.pathname} is in no document`];
    this.violations.push(...problems);
    if (problems.length > 0) throw new Refusal(400, "invalidRequest", problems.join("; "));
  }

  /** Whether the API is on, the token's scopes suffice, and the minute's quota is not used up. */
  #checkAccess({ method, url }: Request): void {
    const service = url.pathname.startsWith("/compute/")
      ? "compute.googleapis.com"
      : "cloudresourcemanager.googleapis.com";
    if (this.disabledApis.has(service)) throw disabledRefusal(service, "493817265014");
    const needed = this.#documents.map((document) => document.scopesOf(method, url)).find((list) =>
      list !== null
    );
    if (needed?.some((scope) => this.scopes().includes(scope)) === false) throw scopeRefusal(service);
    const isWrite = method !== "GET" && /\/global\/routes(\/|$)/.test(url.pathname);
    if (isWrite && !this.writes.take()) throw new Refusal(403, "rateLimitExceeded", this.writes.message);
  }

  /** @returns what is to happen to the operation, or the answer in its place. */
  async #showFault({ method, url }: Request): Promise<Fault | null | Response> {
    const fault = this.faults.find((candidate) =>
      candidate.times > 0 && (candidate.method ?? method) === method && url.pathname.includes(candidate.path)
    );
    if (fault === undefined) return null;
    fault.times--;
    const { show } = fault;
    if (show === "hang") {
      await new Promise((resolve) => this.#hanging.signal.addEventListener("abort", resolve, { once: true }));
      throw new Refusal(503, "backendError", "The fake has ended");
    }
    if (!("status" in show)) return fault;
    const { status, reason, message, retryAfter } = show;
    const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
    return Response.json(new Refusal(status, reason, message).body, { status, headers });
  }

  async #answer(request: Request, fault: Fault | null): Promise<unknown> {
    const { method, url, body } = request;
    const tested = /^\/v3\/projects\/([^/:]+):testIamPermissions$/.exec(url.pathname);
    if (tested !== null) return this.#testPermissions(this.#existing(tested[1] ?? ""), body);
    const [, id = "", rest = ""] = /^\/compute\/v1\/projects\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
    const project = this.#existing(id);
    const [head, ...tail] = rest.slice(1).split("/");
    switch (head) {
      case "global":
        if (tail[0] === "operations") return await this.#operation(project, tail);
        if (tail[0] === "networks") return this.#network(project, tail, url);
        return this.#routes(project, method, tail[1], url, body, fault);
      case "zones":
        return this.#instance(project, tail);
      case "regions":
        return tail[1] === "forwardingRules"
          ? this.#forwardingRule(project, tail)
          : this.#subnet(project, tail);
      case "aggregated":
        return this.#aggregated(project, tail[0] ?? "", url);
      default:
        throw notFound(url.pathname);
    }
  }

  #routes(
    project: FakeProject,
    method: string,
    name: string | undefined,
    url: URL,
    body: unknown,
    fault: Fault | null,
  ): unknown {
    // The request was held against the document: the body is a Route.
    if (method === "POST") return this.#insert(project, body as FakeRoute, fault);
    if (name === undefined) {
      this.#allow(project, "compute.routes.list", "");
      const { items, nextPageToken } = this.#page(this.#filtered([...project.routes.values()], url), url);
      const shown = items.map((route) => this.#withWarnings(route));
      return { kind: "compute#routeList", items: shown, nextPageToken };
    }
    if (method === "DELETE") return this.#delete(project, name, fault);
    this.#allow(project, "compute.routes.get", `global/routes/${name}`);
    return project.routes.get(name) ?? refuse(notFound(`projects/${project.id}/global/routes/${name}`));
  }

  #insert(project: FakeProject, route: FakeRoute, fault: Fault | null): unknown {
    this.#allow(project, "compute.routes.create", `global/routes/${route.name}`);
    const path = `projects/${project.id}/global/routes/${route.name}`;
    const warnings = checkNewRoute(this.projects, project, route);
    if (project.routes.has(route.name) || this.operations.running(project.id, route.name) === "insert") {
      throw new Refusal(409, "alreadyExists", `The resource '${path}' already exists`);
    }
    const full = (): OperationError | null => fullQuota(project, route);
    const early = this.quotaRefusedBy === "answer" ? full() : null;
    if (early !== null) throw new Refusal(403, "quotaExceeded", early.message);
    const effect = (): OperationError | null => {
      const error = operationFault(fault) ?? full() ?? this.#refusedSince(project, route);
      if (error === null) project.routes.set(route.name, this.#shown(route));
      return error;
    };
    return this.operations.start(project.id, { type: "insert", target: route.name, effect, warnings });
  }

  /** Of two inserts that exclude each other and came at once, one alone ends well; how Google words it is not known. */
  #refusedSince(project: FakeProject, route: FakeRoute): OperationError | null {
    try {
      checkNewRoute(this.projects, project, route);
      return null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { code: "INVALID_FIELD_VALUE", message: error.message };
    }
  }

  #delete(project: FakeProject, name: string, fault: Fault | null): unknown {
    this.#allow(project, "compute.routes.delete", `global/routes/${name}`);
    const path = `projects/${project.id}/global/routes/${name}`;
    if (!project.routes.has(name)) throw notFound(path);
    if (this.operations.running(project.id, name) !== null) {
      throw new Refusal(400, "resourceNotReady", `The resource '${path}' is not ready`);
    }
    const effect = (): OperationError | null => {
      const error = operationFault(fault);
      if (error === null) project.routes.delete(name);
      return error;
    };
    return this.operations.start(project.id, { type: "delete", target: name, effect });
  }

  /** References come back as URLs, whatever form they were sent in. */
  #shown(route: FakeRoute): FakeRoute {
    const { network, nextHopInstance, nextHopIlb } = route;
    const isPath = nextHopIlb?.startsWith("projects/") === true;
    return {
      ...route,
      network: urlOf(pathOf(network)),
      ...(nextHopInstance === undefined ? {} : { nextHopInstance: urlOf(pathOf(nextHopInstance)) }),
      ...(nextHopIlb === undefined ? {} : { nextHopIlb: isPath ? urlOf(nextHopIlb) : nextHopIlb }),
      routeType: "STATIC",
    };
  }

  /** What Google finds wrong with a route's next hop at the moment (discovery document, `Route.warnings`). */
  #withWarnings(route: FakeRoute): FakeRoute {
    const { nextHopInstance, nextHopIp, network } = route;
    const all = [...this.projects].flatMap(([id, { instances }]) =>
      instances.map((instance) => ({ instance, url: urlOf(instancePath(id, instance)) }))
    );
    const warned = (code: string): FakeRoute => ({
      ...route,
      warnings: [...route.warnings ?? [], { code, message: `${nextHopInstance ?? nextHopIp}` }],
    });
    if (nextHopInstance === undefined && nextHopIp === undefined) return route;
    const hop = all.find(({ instance, url }) =>
      nextHopInstance === undefined
        ? instance.interfaces.some((leg) =>
          [leg.networkIP, leg.ipv6Address].includes(nextHopIp) &&
          network.endsWith(`/${subnetOf(this.projects, leg).network}`)
        )
        : pathOf(url) === pathOf(nextHopInstance)
    );
    if (hop === undefined) {
      return warned(
        nextHopInstance === undefined ? "NEXT_HOP_ADDRESS_NOT_ASSIGNED" : "NEXT_HOP_INSTANCE_NOT_FOUND",
      );
    }
    return (hop.instance.status ?? "RUNNING") === "RUNNING" ? route : warned("NEXT_HOP_NOT_RUNNING");
  }

  async #operation(project: FakeProject, tail: readonly string[]): Promise<unknown> {
    this.#allow(project, "compute.globalOperations.get", "");
    const found = await this.operations.look(project.id, tail[1] ?? "", tail[2] === "wait");
    return found ?? refuse(notFound(`operation ${tail[1]}`));
  }

  #instance(project: FakeProject, [zone, , name]: readonly string[]): unknown {
    this.#allow(project, "compute.instances.get", `zones/${zone}/instances/${name}`);
    const instance = project.instances.find((candidate) =>
      candidate.name === name && candidate.zone === zone
    );
    if (instance === undefined) throw notFound(`projects/${project.id}/zones/${zone}/instances/${name}`);
    return instanceAnswer(this.projects, project, instance);
  }

  #network(project: FakeProject, [, name = "", verb]: readonly string[], url: URL): unknown {
    const permission = verb === undefined ? "compute.networks.get" : `compute.networks.${verb}`;
    this.#allow(project, permission, `global/networks/${name}`);
    const network = project.networks.get(name);
    if (network === undefined) throw notFound(`projects/${project.id}/global/networks/${name}`);
    if (verb === undefined) return networkAnswer(project, network);
    const { searchParams } = url;
    const peering = network.peerings.find((candidate) => candidate.name === searchParams.get("peeringName"));
    const isComplete = searchParams.get("region") !== null && searchParams.get("direction") === "INCOMING";
    if (peering === undefined || !isComplete) {
      throw new Refusal(400, "invalid", "Invalid value for field 'peeringName', 'region' or 'direction'");
    }
    const { items, nextPageToken } = this.#page(peering.routes, url);
    return { kind: "compute#exchangedPeeringRoutesList", items, nextPageToken };
  }

  #forwardingRule(project: FakeProject, [region, , name]: readonly string[]): unknown {
    const path = `regions/${region}/forwardingRules/${name}`;
    this.#allow(project, "compute.forwardingRules.get", path);
    const rule = project.forwardingRules.find((candidate) =>
      candidate.name === name && candidate.region === region
    );
    if (rule === undefined) throw notFound(`projects/${project.id}/${path}`);
    return forwardingRuleAnswer(project, rule);
  }

  #subnet(project: FakeProject, [region, , name]: readonly string[]): unknown {
    this.#allow(project, "compute.subnetworks.get", `regions/${region}/subnetworks/${name}`);
    const subnet = project.subnets.find((candidate) =>
      candidate.name === name && candidate.region === region
    );
    if (subnet === undefined) throw notFound(`projects/${project.id}/regions/${region}/subnetworks/${name}`);
    return subnetAnswer(project, subnet);
  }

  #aggregated(project: FakeProject, kind: string, url: URL): unknown {
    this.#allow(project, `compute.${kind}.list`, "");
    const entries: (readonly [string, unknown])[] = kind === "instances"
      ? project.instances.map((instance) =>
        [`zones/${instance.zone}`, instanceAnswer(this.projects, project, instance)] as const
      )
      : project.subnets.map((subnet) => [`regions/${subnet.region}`, subnetAnswer(project, subnet)] as const);
    const { items: page, nextPageToken } = this.#page(
      this.#filtered(entries, url, ([, entry]) => entry),
      url,
    );
    const items: Record<string, unknown> = {};
    for (const scope of new Set(page.map(([name]) => name))) {
      items[scope] = { [kind]: page.filter(([name]) => name === scope).map(([, entry]) => entry) };
    }
    return { kind: `compute#${kind}AggregatedList`, items, nextPageToken };
  }

  /** The one kind of filter that the program uses: `network eq REGEX`, which must match the whole field. */
  #filtered<T>(all: readonly T[], url: URL, entryOf: (item: T) => unknown = (item) => item): readonly T[] {
    const filter = url.searchParams.get("filter");
    if (filter === null || !this.obeysFilters) return all;
    const regex = /^network eq (\S+)$/.exec(filter)?.[1];
    if (regex === undefined) {
      throw new Refusal(400, "invalid", `Invalid value for field 'filter': '${filter}'`);
    }
    const whole = new RegExp(`^(?:${regex})$`);
    return all.filter((item) => {
      const entry = entryOf(item);
      return typeof entry === "object" && entry !== null && "network" in entry &&
        whole.test(`${entry.network}`);
    });
  }

  #page<T>(all: readonly T[], url: URL): { readonly items: readonly T[]; readonly nextPageToken?: string } {
    const size = Math.min(this.pageSize, Number(url.searchParams.get("maxResults") ?? 500));
    const start = Number(url.searchParams.get("pageToken") ?? 0);
    const items = all.slice(start, start + size);
    return start + size < all.length ? { items, nextPageToken: `${start + size}` } : { items };
  }

  #testPermissions(project: FakeProject, body: unknown): unknown {
    // The request was held against the document: the body names permissions.
    const { permissions } = body as { readonly permissions: readonly string[] };
    return { permissions: permissions.filter((permission) => !project.denied.has(permission)) };
  }

  #existing(id: string): FakeProject {
    return this.projects.get(id) ?? refuse(notFound(`projects/${id}`));
  }

  #allow(project: FakeProject, permission: string, resource: string): void {
    if (!project.denied.has(permission)) return;
    const what = `projects/${project.id}${resource === "" ? "" : `/${resource}`}`;
    throw new Refusal(403, "forbidden", `Required '${permission}' permission for '${what}'`);
  }
}

function operationFault(fault: Fault | null): OperationError | null {
  return fault !== null && typeof fault.show === "object" && "operation" in fault.show
    ? fault.show.operation
    : null;
}

/**
 * Why a network takes no further static route. The quota `ROUTES` of the project is not enforced any more
 * (https://cloud.google.com/vpc/docs/quota, "Deprecated quotas").
 */
function fullQuota(project: FakeProject, route: FakeRoute): OperationError | null {
  const network = project.networks.get(pathOf(route.network).replace(/^.*\//, ""));
  if (network === undefined) return null;
  const own = project.staticRoutesOf(network.name).length;
  if (own >= network.staticLimit) {
    return quotaError("STATIC_ROUTES_PER_NETWORK", "static_routes_per_vpc_network", network.staticLimit);
  }
  const isFull = network.peerings.length > 0 &&
    own + network.staticRoutesOfPeers >= network.peeringGroupLimit;
  const metric = "static_routes_per_peering_group";
  return isFull ? quotaError("STATIC_ROUTES_PER_PEERING_GROUP", metric, network.peeringGroupLimit) : null;
}

/** "You see QUOTA_EXCEEDED errors with the internal quota names" (the same page, "Limits"). */
function quotaError(name: string, metric: string, limit: number): OperationError {
  return {
    code: "QUOTA_EXCEEDED",
    message: `Quota '${name}' exceeded.  Limit: ${limit}.0 globally.`,
    quotaInfo: { metricName: `compute.googleapis.com/${metric}`, limitName: name, limit },
  };
}

function notFound(path: string): Refusal {
  return new Refusal(404, "notFound", `The resource '${path}' was not found`);
}

function refuse(refusal: Refusal): never {
  throw refusal;
}
