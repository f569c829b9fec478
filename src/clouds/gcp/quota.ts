/**
 * How many routes may stand.
 *
 * The project's quota `ROUTES` counts the static routes of all its networks and is told by `projects.get`.
 * Besides it Google keeps a limit for each network (`static_routes_per_vpc_network`) that this API names only
 * in the error of who runs into it, so that is remembered for a while.
 */

import { getLogger } from "@logtape/logtape";
import type { CloudQuota } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { projectAnswer } from "./answers.ts";
import type { ComputeApi } from "./compute_api.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** How long an error is believed, in milliseconds: a limit that was raised, or a role that was granted, is found out by trying. */
const keepMs = 60_000;

/** The quota of one network and its project. */
export class RouteQuota {
  readonly #api: Pick<ComputeApi, "send">;
  readonly #project: string;
  readonly #now: () => number;
  /** The limit of the project as last read; null while it is not known. */
  #projectLimit: number | null = null;
  /** The limit that an error has named last. */
  #learned: { readonly limit: number; readonly at: number } | null = null;
  /** When we were last told that we may not ask; null: we may. */
  #deniedAt: number | null = null;

  /** @param now milliseconds of a monotonic clock. */
  constructor(
    api: Pick<ComputeApi, "send">,
    project: string,
    now: () => number = () => performance.now(),
  ) {
    this.#api = api;
    this.#project = project;
    this.#now = now;
  }

  /** Remembers the limit that a failed write has run into, unless it is the project's, which is counted already. */
  learn(error: CloudError | null): void {
    if (error?.kind !== "quota" || error.limit === undefined || error.limit === this.#projectLimit) return;
    this.#learned = { limit: error.limit, at: this.#now() };
  }

  /** Project-wide use and limit of static routes; null where the API does not tell or we may not ask. */
  async ofProject(signal: AbortSignal): Promise<{ readonly used: number; readonly limit: number } | null> {
    if (this.#isFresh(this.#deniedAt)) return null;
    const routes = await this.#ask(signal);
    this.#projectLimit = routes?.limit ?? null;
    return routes;
  }

  /** The limits that hold for a network with so many static routes. */
  async read(staticCount: number, signal: AbortSignal): Promise<readonly CloudQuota[]> {
    const project = await this.ofProject(signal);
    // Each next hop of a prefix is a route of its own there.
    const counting = { families: [4, 6], perNextHop: true, immutable: true } as const;
    const quotas: CloudQuota[] = project === null ? [] : [{ ...counting, ...project }];
    const learned = this.#learnedBeside(project?.limit ?? null);
    if (learned !== null || project === null) quotas.push({ ...counting, used: staticCount, limit: learned });
    return quotas;
  }

  async #ask(signal: AbortSignal): Promise<{ readonly used: number; readonly limit: number } | null> {
    try {
      const { quotas } = await this.#api.send({
        action: `read the quotas of project ${this.#project}`,
        permission: "compute.projects.get",
        path: `projects/${this.#project}`,
        query: { fields: "quotas" },
        answer: projectAnswer,
      }, signal);
      this.#deniedAt = null;
      const routes = quotas.find(({ metric }) => metric === "ROUTES");
      return routes?.limit === undefined ? null : { used: routes.usage, limit: routes.limit };
    } catch (error) {
      if (!(error instanceof CloudError && error.kind === "denied")) throw error;
      // Told once, not each minute.
      if (this.#deniedAt === null) {
        logger.warn("The route quota is not known: {error}", { error: error.message });
      }
      this.#deniedAt = this.#now();
      return null;
    }
  }

  /** What an error has told lately and the project's own limit does not say already; null: nothing. */
  #learnedBeside(projectLimit: number | null): number | null {
    const learned = this.#learned;
    return learned !== null && this.#isFresh(learned.at) && learned.limit !== projectLimit
      ? learned.limit
      : null;
  }

  #isFresh(at: number | null): boolean {
    return at !== null && this.#now() - at < keepMs;
  }
}
