/**
 * The name of a route as the mark of its owner.
 *
 * Names of Azure's child resources take 1 to 80 letters, digits, underscores, periods and dashes, start with a letter or
 * digit and end with one of these or an underscore (learn.microsoft.com, "Naming rules and restrictions for Azure
 * resources", Microsoft.Network). A prefix's slash becomes an underscore and its colons become periods:
 *
 * | owner            | prefix            | name                          |
 * | ---------------- | ----------------- | ----------------------------- |
 * | `cloudroutesync` | `198.51.100.0/24` | `crs-198.51.100.0_24`         |
 * | `cloudroutesync` | `2001:db8::/32`   | `crs-2001.db8.._32`           |
 * | `edge-2`         | `198.51.100.0/24` | `crs-edge-2-198.51.100.0_24`  |
 *
 * A written prefix holds no dash, so the last dash of a name always ends the owner's part.
 */

import type { Prefix } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";

/** The owner whose routes carry no name besides the mark: the default of `-owner`. */
export const defaultOwner = "cloudroutesync";

/** Longest owner whose longest IPv6 route name still has at most 80 characters. */
export const longestOwner = 32;

const mark = "crs-";

/** The name that an owner's route to a prefix has. */
export function routeName(owner: string, prefix: Prefix): string {
  const written = writtenPrefix(prefix);
  return owner === defaultOwner ? `${mark}${written}` : `${mark}${owner}-${written}`;
}

/**
 * The owner that a route's name proves, or null if the name is none of ours: it must be well-formed and belong to the
 * very prefix that the route has.
 */
export function ownerOfName(name: string, prefix: Prefix): string | null {
  const written = writtenPrefix(prefix);
  if (!name.startsWith(mark) || !name.endsWith(written)) return null;
  const between = name.slice(mark.length, name.length - written.length);
  if (between === "") return name.length === mark.length + written.length ? defaultOwner : null;
  const owner = between.slice(0, -1);
  return isOwner(owner) && routeName(owner, prefix) === name ? owner : null;
}

/**
 * Refuses an owner that no route name can carry.
 *
 * @throws {CloudError} of kind `invalid`.
 */
export function checkOwner(owner: string): void {
  if (isOwner(owner)) return;
  throw new CloudError(
    "invalid",
    `Cannot mark routes of owner "${owner}" on Azure: a route's name takes 1 to ${longestOwner} letters, digits and dashes of it`,
  );
}

function isOwner(text: string): boolean {
  return text.length <= longestOwner && /^[A-Za-z0-9-]+$/.test(text);
}

function writtenPrefix(prefix: Prefix): string {
  return prefix.text.replaceAll(":", ".").replace("/", "_");
}
