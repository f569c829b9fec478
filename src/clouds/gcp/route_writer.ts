/** Writing routes: many operations under way at once, each change told by itself. */

import { getLogger } from "@logtape/logtape";
import type { TokenBucket } from "../../sync/token_bucket.ts";
import type { Change, CloudRoute, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type Operation, operationAnswer, routeAnswer, routeFields } from "./answers.ts";
import type { ComputeApi } from "./compute_api.ts";
import { finish, type OperationPatience } from "./operations.ts";
import { shortUrl } from "./resource_url.ts";
import { type NewRoute, stepsOf } from "./route_change.ts";
import { cloudRoute, type RouteSettings } from "./route_table.ts";
import { SendGate } from "./send_gate.ts";
import { replacesAtOnce, routesMade, spareRoutes } from "./spare_room.ts";
import { stagesOf } from "./stages.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** What became of each change so far. */
type Outcomes = Map<Change, CloudError | null>;

/** Executes changes of one network. */
export class RouteWriter {
  readonly #api: ComputeApi;
  readonly #settings: RouteSettings;
  readonly #patience: OperationPatience;
  readonly #gate: SendGate;

  /** @param bucket paces inserts and deletes; shared by all writers of a run. */
  constructor(api: ComputeApi, settings: RouteSettings, bucket: TokenBucket, patience: OperationPatience) {
    this.#api = api;
    this.#settings = settings;
    this.#patience = patience;
    this.#gate = new SendGate(bucket);
  }

  /**
   * Executes the changes, in their order where it matters (see `stages.ts`).
   *
   * @param state the network as last read.
   * @returns one entry a change: null, or why it is not done. What is not done may be half done: the new
   * route stands, the old one too; the next reading shows it.
   */
  async write(
    changes: readonly Change[],
    state: Pick<TableState, "routes" | "quotas">,
    signal: AbortSignal,
  ): Promise<(CloudError | null)[]> {
    const outcomes: Outcomes = new Map();
    const spare = spareRoutes(state.quotas);
    const isTight = routesMade(changes) > spare;
    for (const stage of stagesOf(changes)) {
      // Adds keep the places that replaces only borrow: where these are few, the replaces go first and by turns.
      const replaces = isTight ? stage.filter(({ action }) => action === "replace") : [];
      const others = stage.filter((change) => !replaces.includes(change));
      await this.#writeStage(replaces, replacesAtOnce(replaces, spare), state.routes, outcomes, signal);
      await this.#writeStage(others, others.length, state.routes, outcomes, signal);
    }
    return changes.map((change) => outcomes.get(change) ?? null);
  }

  /**
   * Executes changes of a stage, and what the quota had no room for again as long as that brings it on: a replace has
   * two routes for a moment, and leaves its place to the next one when it is done. So one spare place is enough for any
   * number of them, whether or not it was known how many there are.
   */
  async #writeStage(
    stage: readonly Change[],
    mostAtOnce: number,
    standing: readonly CloudRoute[],
    outcomes: Outcomes,
    signal: AbortSignal,
  ): Promise<void> {
    let pending = stage;
    let atOnce = mostAtOnce;
    while (pending.length > 0) {
      await runLimited(pending, atOnce, async (change) => {
        outcomes.set(change, await outcomeOf(this.#execute(change, standing, signal)));
      });
      const isDone = (change: Change): boolean => outcomes.get(change) === null;
      // Adds do not count: they keep the place that they take.
      const moved = pending.filter((change) => change.action === "replace" && isDone(change));
      if (pending.some((change) => change.action !== "add" && isDone(change))) this.#gate.roomMade();
      if (moved.length === 0) return;
      pending = pending.filter((change) => outcomes.get(change)?.kind === "quota");
      // So many have found a place: more at once would only meet the quota again.
      atOnce = Math.min(atOnce, moved.length);
    }
  }

  async #execute(change: Change, standing: readonly CloudRoute[], signal: AbortSignal): Promise<void> {
    const { inserts, deletes } = stepsOf(change, standing, this.#settings);
    await all(inserts.map((route) => this.#insert(route, signal)));
    await all(deletes.map((name) => this.#delete(name, change, signal)));
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
    const started = await this.#gate.pass(
      mutation,
      () => this.#api.send({ action, permission, method, path, body, answer: operationAnswer }, signal),
      signal,
    );
    try {
      return await finish(this.#api, project, action, started, signal, this.#patience);
    } catch (error) {
      if (error instanceof CloudError) this.#gate.ended(mutation, error);
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
      const wanted = cloudRoute({ ...route, tags: [...route.tags] }, this.#settings);
      return shortUrl(answer.network) === network && there.owner === wanted.owner &&
        there.prefix.text === wanted.prefix.text && there.nextHops[0] === wanted.nextHops[0];
    } catch (error) {
      // Gone again, or not there yet: the conflict stands, the next reading will tell.
      if (error instanceof CloudError && error.kind === "gone") return false;
      throw error;
    }
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

async function outcomeOf(work: Promise<void>): Promise<CloudError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
}

/** Runs a job for each item, `limit` at a time and in their order; all have ended when it resolves or rejects. */
async function runLimited<T>(
  items: readonly T[],
  limit: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await job(item);
  };
  await all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

/** Waits for all, also when one fails, and then throws the first failure: nothing goes on behind the caller's back. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const end of await Promise.allSettled(work)) if (end.status === "rejected") throw end.reason;
}
