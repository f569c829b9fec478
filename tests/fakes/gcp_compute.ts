/**
 * A stateful fake of Google's Compute API v1, as far as routes need it, and of Resource Manager's `testIamPermissions`.
 *
 * It refuses what Google refuses, lets operations take their time, pages its lists, sends only the fields
 * that were asked for, and holds every request against Google's discovery documents.
 */

import { Discovery } from "./gcp_discovery.ts";
import { maskFields } from "./gcp_fields.ts";
import { FakeOperations, type OperationError } from "./gcp_operations.ts";
import { checkNewRoute, Refusal } from "./gcp_refusals.ts";
import { FakeProject, type FakeRoute, instanceAnswer, pathOf, subnetAnswer, urlOf } from "./gcp_world.ts";

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
  readonly projects = new Map<string, FakeProject>();
  readonly operations = new FakeOperations();
  readonly calls: FakeCall[] = [];
  /** Requests that Google's documents do not allow; a test ends with none. */
  readonly violations: string[] = [];
  readonly faults: Fault[] = [];
  /** The tokens that it takes. */
  readonly tokens = new Set<string>();
  /** Entries a page of a list. */
  pageSize = 500;
  /** Whether a full quota is told by the answer to the insert, or by the operation. */
  quotaIsTold: "answer" | "operation" = "operation";
  /** Whether lists heed their filter; a program must not rely on it. */
  heedsFilters = true;
  /** Zones that an aggregated list cannot reach. */
  readonly unreachable = new Set<string>();
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
  readonly handle = async (incoming: globalThis.Request): Promise<Response> => {
    const url = new URL(incoming.url);
    const text = await incoming.text();
    const request: Request = { method: incoming.method, url, body: text === "" ? null : JSON.parse(text) };
    this.calls.push({ method: request.method, path: url.pathname, at: performance.now() });
    try {
      this.#validate(request);
      const token = /^Bearer (.+)$/.exec(incoming.headers.get("authorization") ?? "")?.[1] ?? "";
      if (!this.tokens.has(token)) throw new Refusal(401, "authError", "Invalid Credentials");
      const fault = await this.#showFault(request);
      if (fault instanceof Response) return fault;
      const answer = await this.#answer(request, fault);
      return Response.json(maskFields(answer, url.searchParams.get("fields") ?? ""));
    } catch (error) {
      if (error instanceof Refusal) return Response.json(error.body, { status: error.status });
      throw error;
    }
  };

  #validate({ method, url, body }: Request): void {
    if (this.#documents.length === 0) return;
    const found = this.#documents.map((document) => document.problems(method, url, body)).find((list) =>
      list !== null
    );
    const problems = found ?? [`${method} ${url.pathname} is in no document`];
    this.violations.push(...problems);
    if (problems.length > 0) throw new Refusal(400, "invalidRequest", problems.join("; "));
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
    if (rest === "") return projectAnswer(project, this.#allow(project, "compute.projects.get", ""));
    const [head, ...tail] = rest.slice(1).split("/");
    switch (head) {
      case "global":
        return tail[0] === "operations"
          ? await this.#operation(project, tail)
          : this.#routes(project, method, tail[1], url, body, fault);
      case "zones":
        return this.#instance(project, tail);
      case "regions":
        return this.#subnet(project, tail);
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
      return { kind: "compute#routeList", items, nextPageToken };
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
    const full = (): OperationError | null =>
      project.staticRoutes.length < project.routeLimit ? null : {
        code: "QUOTA_EXCEEDED",
        message: `Quota 'ROUTES' exceeded.  Limit: ${project.routeLimit}.0 globally.`,
        quotaInfo: {
          metricName: "compute.googleapis.com/routes",
          limitName: "ROUTES-per-project",
          limit: project.routeLimit,
        },
      };
    const early = this.quotaIsTold === "answer" ? full() : null;
    if (early !== null) throw new Refusal(403, "quotaExceeded", early.message);
    const effect = (): OperationError | null => {
      const error = operationFault(fault) ?? full();
      if (error === null) project.routes.set(route.name, this.#shown(route));
      return error;
    };
    return this.operations.start(project.id, { type: "insert", target: route.name, effect, warnings });
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
      ? project.instances.filter(({ zone }) => !this.unreachable.has(zone)).map((instance) =>
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
    for (const zone of this.unreachable) items[`zones/${zone}`] = { warning: { code: "UNREACHABLE" } };
    return { kind: `compute#${kind}AggregatedList`, items, nextPageToken };
  }

  /** The one kind of filter that the program uses: `network eq REGEX`, which must match the whole field. */
  #filtered<T>(all: readonly T[], url: URL, entryOf: (item: T) => unknown = (item) => item): readonly T[] {
    const filter = url.searchParams.get("filter");
    if (filter === null || !this.heedsFilters) return all;
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

function projectAnswer(project: FakeProject, _allowed: void): unknown {
  const quotas = [
    { metric: "NETWORKS", limit: 5, usage: project.networks.size },
    ...(project.tellsQuota
      ? [{ metric: "ROUTES", limit: project.routeLimit, usage: project.staticRoutes.length }]
      : []),
  ];
  return { kind: "compute#project", name: project.id, quotas };
}

function notFound(path: string): Refusal {
  return new Refusal(404, "notFound", `The resource '${path}' was not found`);
}

function refuse(refusal: Refusal): never {
  throw refusal;
}
