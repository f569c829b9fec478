/** Which region of an entry of clouds.yaml is meant. */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import type { CloudsEntry } from "./clouds_file.ts";

/** A region by its name, alone or with values of its own. */
const regionsSchema = v.array(v.union([v.string(), v.looseObject({ name: v.string() })]));

/**
 * The region: the entry's own, of several the one that `OS_REGION_NAME` names.
 *
 * @param chosen `OS_REGION_NAME`; null where it is not set.
 * @returns null if neither names any: then the catalogue has to have but one.
 * @throws {CloudError} of kind `invalid` if the entry has several and none of them is chosen.
 */
export function regionOf(origin: string, entry: CloudsEntry, chosen: string | null): string | null {
  const names = namesOf(entry);
  const [first, ...others] = names;
  if (others.length === 0) return first ?? chosen;
  if (chosen === null) {
    throw new CloudError(
      "invalid",
      `Cannot choose a region of ${origin}: it has the regions ${
        names.join(", ")
      }; name one with OS_REGION_NAME`,
    );
  }
  if (names.includes(chosen)) return chosen;
  throw new CloudError(
    "invalid",
    `Cannot use region "${chosen}" with ${origin}: it has the regions ${names.join(", ")}`,
  );
}

function namesOf(entry: CloudsEntry): readonly string[] {
  if (typeof entry.region_name === "string" && entry.region_name !== "") return [entry.region_name];
  const regions = v.safeParse(regionsSchema, entry.regions);
  return regions.success
    ? regions.output.map((region) => typeof region === "string" ? region : region.name)
    : [];
}
