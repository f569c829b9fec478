/** Which gateways are other VMs. */

import type { IpAddress } from "../../routes/prefix.ts";
import { parseAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import { instancePage, interfaceFields } from "./answers.ts";
import type { ComputeApi } from "./compute_api.ts";
import { shortUrl } from "./resource_url.ts";

/** A VM's addresses stay with it for life, so what was found is good for long. */
const foundForMs = 300_000;
/** What was not found may have been made since, but is not looked for more often than this. */
const missingForMs = 15_000;

/**
 * Finds VMs by address.
 *
 * The whole project is listed, a page for each 500 VMs and only their interfaces: no documentation says that
 * the list can be filtered by the fields of an interface, and a filter that matches nothing would turn
 * neighbours into strangers silently. In a Shared VPC the VMs of other service projects are not seen; routes
 * by way of them point at this VM, which forwards.
 */
export class Neighbours {
  readonly #api: ComputeApi;
  readonly #now: () => number;
  /** As `network address`. */
  #found: ReadonlySet<string> = new Set();
  /** Zones that the last listing could not reach. */
  #unreached: readonly string[] = [];
  #listedAt = -Infinity;

  /** @param now milliseconds of a monotonic clock. */
  constructor(api: ComputeApi, now: () => number = () => performance.now()) {
    this.#api = api;
    this.#now = now;
  }

  /**
   * Looks gateways up among the VMs of a project.
   *
   * @param networksOf short URLs of the networks that a gateway may be in; an address in another is another VM's.
   * @returns for each gateway's text the same text if a VM has the address, else null.
   * @throws {CloudError} also if a gateway was not found and some zone could not be looked into.
   */
  async find(
    gateways: readonly IpAddress[],
    project: string,
    networksOf: (gateway: IpAddress) => readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const isVm = (gateway: IpAddress): boolean =>
      networksOf(gateway).some((network) => this.#found.has(`${network} ${gateway.text}`));
    const age = this.#now() - this.#listedAt;
    const isMissing = !gateways.every(isVm);
    if (age >= (isMissing ? missingForMs : foundForMs) || (isMissing && this.#unreached.length > 0)) {
      await this.#list(project, signal);
    }
    const missing = gateways.find((gateway) => !isVm(gateway));
    if (missing !== undefined && this.#unreached.length > 0) {
      const what = `Cannot find the VM with address ${missing.text}`;
      throw new CloudError("unavailable", `${what}: Google cannot reach ${this.#unreached.join(", ")} now`);
    }
    return new Map(gateways.map((gateway) => [gateway.text, isVm(gateway) ? gateway.text : null]));
  }

  async #list(project: string, signal: AbortSignal): Promise<void> {
    const pages = await this.#api.pages({
      action: `list the instances of project ${project}`,
      permission: "compute.instances.list",
      path: `projects/${project}/aggregated/instances`,
      query: {
        fields:
          `nextPageToken,items/*/warning/code,items/*/instances(name,networkInterfaces(${interfaceFields}))`,
      },
      answer: instancePage,
    }, signal);
    const scopes = pages.flatMap(({ items }) => Object.entries(items));
    const legs = scopes.flatMap(([, { instances }]) =>
      instances.flatMap((instance) => instance.networkInterfaces)
    );
    this.#found = new Set(
      legs.flatMap((leg) =>
        [leg.networkIP, leg.ipv6Address, ...leg.ipv6AccessConfigs.map(({ externalIpv6 }) => externalIpv6)]
          .flatMap((text) => text ? [`${shortUrl(leg.network)} ${parseAddress(text).text}`] : [])
      ),
    );
    this.#unreached = scopes.filter(([, { warning }]) => warning?.code === "UNREACHABLE").map(([scope]) =>
      scope
    );
    this.#listedAt = this.#now();
  }
}
