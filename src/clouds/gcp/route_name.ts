/**
 * The names of our routes.
 *
 * A Google route cannot be changed, and its name is unique in its project. So the name says what the route
 * is: the owner in clear, all that makes up the route as a hash. A changed route then has another name, and
 * can be made before the old one goes; the same route sent twice (a lost answer) meets itself and is recognised by
 * 409.
 */

import { createHash } from "node:crypto";
import type { Prefix } from "../../routes/prefix.ts";
import type { Sign } from "../cloud.ts";

/** All that makes up one of our routes. */
export interface RouteSpec {
  readonly owner: string;
  /** Short URL of the VPC network. */
  readonly network: string;
  readonly prefix: Prefix;
  /** Next hop's id, see `next_hop.ts`. */
  readonly nextHop: string;
  /** 0 to 65535, lower wins. */
  readonly priority: number;
  /** Network tags, in any order. */
  readonly tags: readonly string[];
  /** The router that writes it; null: the mark names none. Two routers by one neighbour have a route each. */
  readonly sign: Sign | null;
  /** The routers that share it, see `shared_routes.ts`; left out: it is not shared. */
  readonly wanters?: readonly Sign[];
}

const longestName = 63;
const hashDigits = 20;
const programMark = "crs";

/**
 * A route's name: `crs-OWNER-HASH`, a label of RFC 1035 of at most 63 characters.
 *
 * @param attempt 0; more where the name is taken by a route that differs from what its name says.
 */
export function routeName(spec: RouteSpec, attempt = 0): string {
  const { owner, network, prefix, nextHop, priority, tags, sign, wanters } = spec;
  const content = [
    owner,
    network,
    prefix.text,
    nextHop,
    `${priority}`,
    [...tags].sort().join(","),
    `${attempt}`,
    ...(sign === null ? [] : [sign.id]),
    ...(wanters === undefined ? [] : ["wanted by", ...wanters.map(({ id }) => id).sort()]),
  ];
  const hash = createHash("sha256").update(content.join("\n")).digest("hex").slice(0, hashDigits);
  return `${ownerPrefix(owner)}${hash}`;
}

/**
 * What the names of an owner's routes begin with. Owners may share it (`Edge` and `edge`, or long ones): the name alone
 * proves nothing, the description has the owner in full.
 */
export function ownerPrefix(owner: string): string {
  const labelLength = longestName - programMark.length - hashDigits - 2;
  const label = owner.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, labelLength).replace(/^-+|-+$/g, "");
  return `${programMark}-${label === "" ? "x" : label}-`;
}
