/**
 * What an entry of clouds.yaml takes from a vendor's profile (openstacksdk, "Vendor Support"): `profile` is the name of an entry of
 * clouds-public.yaml, the URL of a vendor that publishes its own, or the values themselves.
 */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { type CloudsEntry, type CloudsSource, entryOf, merge, readFirst } from "./clouds_file.ts";
import type { FoundEntry } from "./clouds_yaml.ts";

const valuesSchema = v.record(v.string(), v.unknown());

/** What a vendor publishes at `/.well-known/openstack/api`. */
const publishedSchema = v.looseObject({ profile: valuesSchema });

/** A profile that stands elsewhere. */
export interface RemoteProfile {
  readonly url: string;
  /**
   * The entry with what was fetched.
   *
   * @param published the JSON of the answer.
   * @throws {CloudError} of kind `invalid` if it is no profile, or says that the cloud is no more.
   */
  readonly merge: (published: unknown) => CloudsEntry;
}

/** An entry that is whole, or one of which a part is to be fetched. */
export type ProfiledEntry = { readonly entry: CloudsEntry } | RemoteProfile;

/**
 * Adds to an entry what its profile says, below what the entry says itself.
 *
 * @throws {CloudError} of kind `invalid` if there is no such profile and the entry cannot do without it.
 */
export function withProfile(found: FoundEntry, source: CloudsSource): ProfiledEntry {
  const { entry } = found;
  // `cloud` is the key's old name.
  const profile = entry.profile ?? entry.cloud ?? "";
  if (v.is(valuesSchema, profile)) return { entry: merge(entryOf(profile), entry) };
  if (typeof profile !== "string" || profile === "") return { entry };
  const known = readFirst("clouds-public", source)?.entries[profile];
  if (known !== undefined) return { entry: merge(known, entry) };
  const url = URL.parse(profile);
  if (url !== null && /^https?:$/.test(url.protocol)) {
    return {
      url: `${url.origin}/.well-known/openstack/api`,
      merge: (published) => merge(entryOf(profileOf(profile, published)), entry),
    };
  }
  if (entry.auth?.auth_url !== undefined) return { entry };
  throw new CloudError(
    "invalid",
    `Cannot find profile "${profile}" of entry "${found.name}" of ${found.path}: no clouds-public.yaml has it, and this program ` +
      "brings no vendors' profiles of its own; write the entry's auth_url",
  );
}

function profileOf(url: string, published: unknown): v.InferOutput<typeof valuesSchema> {
  const result = v.safeParse(publishedSchema, published);
  if (!result.success) {
    throw new CloudError("invalid", `Cannot use the profile of ${url}: the answer holds no profile`);
  }
  const { profile } = result.output;
  if (profile.status !== "shutdown") return profile;
  throw new CloudError(
    "invalid",
    `Cannot use the profile of ${url}: that cloud no longer exists: ${
      profile.message ?? "no reason is given"
    }`,
  );
}
