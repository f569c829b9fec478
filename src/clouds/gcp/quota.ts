/**
 * How many routes may stand.
 *
 * The project's quota `ROUTES` counts the static routes of all its networks and is told by `projects.get`.
 * Besides it Google keeps a limit for each network (`static_routes_per_vpc_network`) that this API names only
 * in the error of who runs into it, so that is remembered.
 */

import { getLogger } from "@logtape/logtape";
import type { CloudQuota } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { projectAnswer } from "./answers.ts";
import type { ComputeApi } from "./compute_api.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** The quota of one network and its project. */
export class RouteQuota {
  readonly #api: ComputeApi;
  readonly #project: string;
  /** The least limit that an error has named. */
  #learned: number | null = null;
  #denied = false;

  constructor(api: ComputeApi, project: string) {
    this.#api = api;
    this.#project = project;
  }

  /** Remembers the limit that a failed write has run into. */
  learn(error: CloudError | null): void {
    if (error?.kind !== "quota" || error.limit === undefined) return;
    this.#learned = Math.min(error.limit, this.#learned ?? Infinity);
  }

  /** Project-wide use and limit of static routes; null where the API does not tell or we may not ask. */
  async ofProject(signal: AbortSignal): Promise<{ readonly used: number; readonly limit: number } | null> {
    if (this.#denied) return null;
    try {
      const { quotas } = await this.#api.send({
        action: `read the quotas of project ${this.#project}`,
        permission: "compute.projects.get",
        path: `projects/${this.#project}`,
        query: { fields: "quotas" },
        answer: projectAnswer,
      }, signal);
      const routes = quotas.find(({ metric }) => metric === "ROUTES");
      return routes?.limit === undefined ? null : { used: routes.usage, limit: routes.limit };
    } catch (error) {
      if (!(error instanceof CloudError && error.kind === "denied")) throw error;
      this.#denied = true;
      logger.warn("The route quota is not known: {error}", { error: error.message });
      return null;
    }
  }

  /** The limits that hold for a network with so many static routes. */
  async read(staticCount: number, signal: AbortSignal): Promise<readonly CloudQuota[]> {
    const project = await this.ofProject(signal);
    // Each next hop of a prefix is a route of its own there.
    const counting = { families: [4, 6], perNextHop: true } as const;
    const quotas: CloudQuota[] = project === null ? [] : [{ ...counting, ...project }];
    const learned = this.#learned !== null && this.#learned !== project?.limit ? this.#learned : null;
    if (learned !== null || project === null) quotas.push({ ...counting, used: staticCount, limit: learned });
    return quotas;
  }
}
