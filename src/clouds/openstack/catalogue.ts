/** Finding Neutron and Nova in the service catalogue. */

import { CloudError } from "../cloud_error.ts";
import type { Catalogue } from "./authentication.ts";
import type { Interface } from "./credentials.ts";

/**
 * Neutron's base URL, with `/v2.0` and without a slash at its end.
 *
 * @param region null: whichever region there is, if there is but one.
 * @throws {CloudError} of kind `invalid` that lists what there is to choose from.
 */
export function networkUrl(catalogue: Catalogue, region: string | null, side: Interface): string {
  const endpoints = catalogue.filter((service) => service.type === "network")
    .flatMap((service) => service.endpoints)
    .map((endpoint) => ({ ...endpoint, region: endpoint.region_id ?? endpoint.region ?? "" }));
  const regions = [...new Set(endpoints.map((endpoint) => endpoint.region))];
  if (region === null && regions.length > 1) {
    throw new CloudError(
      "invalid",
      `Cannot choose a region: Neutron is in ${
        regions.join(", ")
      }; name one with OS_REGION_NAME or region_name`,
    );
  }
  const found = endpoints.find((endpoint) =>
    endpoint.interface === side && (region === null || endpoint.region === region)
  );
  if (found !== undefined) return withVersion(found.url);
  const offers = endpoints.map((endpoint) => `${endpoint.interface} in ${endpoint.region || "no region"}`);
  const where = region === null ? "" : ` in region ${region}`;
  throw new CloudError(
    "invalid",
    `Cannot find Neutron's ${side} endpoint${where}: the catalogue has ${offers.join(", ") || "none"}`,
  );
}

/**
 * Nova's base URL, with `/v2.1` and without a slash at its end. Some catalogues have the project's id behind the version.
 *
 * @throws {CloudError} of kind `invalid` where the catalogue has no Nova in the region.
 */
export function computeUrl(catalogue: Catalogue, region: string | null, side: Interface): string {
  const found = catalogue.filter(({ type }) => type === "compute").flatMap(({ endpoints }) => endpoints)
    .find((each) =>
      each.interface === side && (region === null || (each.region_id ?? each.region) === region)
    );
  if (found === undefined) {
    throw new CloudError("invalid", `Cannot find Nova's ${side} endpoint: the catalogue has none`);
  }
  const base = found.url.replace(/\/+$/, "");
  return /\/v2(\.1)?(\/|$)/.test(base) ? base : `${base}/v2.1`;
}

/** Adds the API's version, which catalogues give or leave out. */
export function withVersion(url: string): string {
  const base = url.replace(/\/+$/, "");
  return base.endsWith("/v2.0") ? base : `${base}/v2.0`;
}
