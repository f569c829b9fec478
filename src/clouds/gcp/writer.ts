/** Writing routes: many operations under way at once, each change with an outcome of its own. */

import { getLogger } from "@logtape/logtape";
import { settleAll } from "../../async/pool.ts";
import type { Change, ChangeOutcome, CloudRoute, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type Operation, operationAnswer, routeAnswer, routeFields } from "./schemas.ts";
import type { ComputeApi } from "./api.ts";
import { finish, type OperationTimeouts } from "./operations.ts";
import { shortUrl } from "./resource_url.ts";
import { type NewRoute, stepsOf } from "./route_change.ts";
import { cloudRoute, type NetworkRoutes, readRoutes, type RouteSettings } from "./routes.ts";
import type { SharedRoutes } from "./shared_routes.ts";
import { MutationLimiter } from "./mutation_limiter.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** Executes changes of one network. */
export class RouteWriter {
  readonly #api: ComputeApi;
  readonly #settings: RouteSettings;
  readonly #timeouts: OperationTimeouts;
  readonly #limiter: MutationLimiter;
  readonly #look = new NextLook<NetworkRoutes>();

  /** @param limiter sends inserts and deletes. */
  constructor(
    api: ComputeApi,
    settings: RouteSettings,
    limiter: MutationLimiter,
    timeouts: OperationTimeouts,
  ) {
    this.#api = api;
    this.#settings = settings;
    this.#timeouts = timeouts;
    this.#limiter = limiter;
  }

  /**
   * Executes the changes all at once: none depends on another.
   *
   * @param state the network as last read.
   * @param shared those of its routes that routers behind a load balancer share.
   * @returns what became of each. What is not done may be half done: the new route stands, the old one too; the next reading shows it.
   */
  async write(
    changes: readonly Change[],
    { routes: standing }: Pick<TableState, "routes">,
    shared: SharedRoutes,
    signal: AbortSignal,
  ): Promise<readonly ChangeOutcome[]> {
    const outcomes = await Promise.allSettled(
      changes.map(async (change): Promise<ChangeOutcome> => ({
        change,
        error: await errorOf(this.#execute(change, { standing, shared }, signal)),
      })),
    );
    return outcomes.map((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
  }

  async #execute(
    change: Change,
    { standing, shared }: { readonly standing: readonly CloudRoute[]; readonly shared: SharedRoutes },
    signal: AbortSignal,
  ): Promise<void> {
    const { inserts, deletes } = stepsOf(change, standing, this.#settings, shared);
    await settleAll(inserts.map(async (route) => {
      try {
        await this.#insert(route, signal);
      } catch (error) {
        const { owner } = this.#settings;
        throw sharedByOthers(error, route, standing.filter((each) => each.owner !== owner)) ??
          await this.#sharedSince(error, route, shared, signal) ?? error;
      }
    }));
    await settleAll(deletes.map((name) => this.#delete(name, change, signal)));
  }

  async #insert(route: NewRoute, signal: AbortSignal): Promise<void> {
    const action = `add route ${route.destRange} (${route.name})`;
    try {
      const operation = await this.#mutate(
        action,
        "compute.routes.create",
        { method: "POST", body: route },
        signal,
      );
      for (const { code, message } of operation.warnings) {
        logger.warn("Google warns of route {route}: {code}: {message}", { route: route.name, code, message });
      }
    } catch (error) {
      if (!isConflict(error) || !await this.#stands(route, action, signal)) throw error;
    }
  }

  /**
   * Another router behind the load balancer may have made the shared route anew since it was read: then Google refuses this one, and
   * there is another to look at. @returns null where that is not why.
   */
  async #sharedSince(
    error: unknown,
    route: NewRoute,
    shared: SharedRoutes,
    signal: AbortSignal,
  ): Promise<CloudError | null> {
    if (!(error instanceof CloudError && error.kind === "invalid" && "nextHopIlb" in route)) return null;
    const now = await this.#look.next(() => readRoutes(this.#api, this.#settings, signal));
    const isNew = now.routes.some(({ id = "", prefix }) =>
      prefix.text === route.destRange && !shared.has(id) && now.shared.get(id)?.priority === route.priority
    );
    return isNew ? new CloudError("conflict", error.message, { cause: error }) : null;
  }

  async #delete(name: string, change: Change, signal: AbortSignal): Promise<void> {
    const action = `delete route ${change.prefix.text} (${name})`;
    try {
      await this.#mutate(action, "compute.routes.delete", { method: "DELETE", name }, signal);
    } catch (error) {
      if (!isRouteGone(error, name)) throw error;
    }
  }

  /** Sends an insert or delete and waits until its operation has ended well. */
  async #mutate(
    action: string,
    permission: string,
    call: { readonly method: "POST" | "DELETE"; readonly name?: string; readonly body?: NewRoute },
    signal: AbortSignal,
  ): Promise<Operation> {
    const { project } = this.#settings;
    const { method, name, body } = call;
    const path = `projects/${project}/global/routes${name === undefined ? "" : `/${name}`}`;
    const mutation = method === "POST" ? "insert" : "delete";
    const started = await this.#limiter.send(
      mutation,
      () => this.#api.send({ action, permission, method, path, body, answer: operationAnswer }, signal),
      signal,
    );
    try {
      return await finish(this.#api, project, action, started, signal, this.#timeouts);
    } catch (error) {
      if (error instanceof CloudError) this.#limiter.ended(mutation, error);
      throw error;
    }
  }

  /** Whether the route that is in the way of an insert is the very same: then an earlier insert got through unseen. */
  async #stands(route: NewRoute, action: string, signal: AbortSignal): Promise<boolean> {
    const { project, network } = this.#settings;
    try {
      const answer = await this.#api.send({
        action: `${action}: look at what is there`,
        permission: "compute.routes.get",
        path: `projects/${project}/global/routes/${route.name}`,
        query: { fields: routeFields },
        answer: routeAnswer,
      }, signal);
      const there = cloudRoute(answer, this.#settings);
      const wanted = cloudRoute({ ...route, tags: [...route.tags], warnings: [] }, this.#settings);
      return shortUrl(answer.network) === network && there.owner === wanted.owner &&
        there.prefix.text === wanted.prefix.text && there.nextHops[0] === wanted.nextHops[0];
    } catch (error) {
      // Gone again, or not there yet: the conflict stands, the next reading will tell.
      if (error instanceof CloudError && error.kind === "gone") return false;
      throw error;
    }
  }
}

/**
 * Without tags Google takes one route alone of a destination, priority and load balancer (ilb-next-hop-overview). Routers of one owner
 * share it; where it is another owner's, the refusal says so.
 */
function sharedByOthers(
  error: unknown,
  route: NewRoute,
  ofOthers: readonly CloudRoute[],
): CloudError | null {
  if (!(error instanceof CloudError && error.kind === "invalid" && "nextHopIlb" in route)) return null;
  const twin = ofOthers.find(({ prefix, nextHops, owner }) =>
    prefix.text === route.destRange && owner !== null && nextHops[0]?.includes(route.nextHopIlb)
  );
  if (twin === undefined) return null;
  const { message, status, code } = error;
  const remedy = "give all routers behind one load balancer the same -owner: they share its routes";
  return new CloudError(
    "invalid",
    `${message} Route ${twin.id} of owner "${twin.owner}" points there already; ${remedy}`,
    { status, code, remedy, cause: error },
  );
}

/** A look at what changes: who asks for one gets one that begins after that, and those who ask meanwhile the same. */
class NextLook<T> {
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | null = null;

  next(look: () => Promise<T>): Promise<T> {
    return this.#next ??= this.#running.then(() => {
      this.#next = null;
      const running = look();
      this.#running = running.catch(() => {});
      return running;
    });
  }
}

/** Whether it is the route itself that is not there: of a project, a network or whatever else a 404 says nothing of it. */
function isRouteGone(error: unknown, name: string): boolean {
  return error instanceof CloudError && error.kind === "gone" &&
    error.message.includes(`/global/routes/${name}'`);
}

function isConflict(error: unknown): boolean {
  return error instanceof CloudError && error.kind === "conflict";
}

async function errorOf(work: Promise<void>): Promise<CloudError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
}
