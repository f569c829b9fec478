/**
 * Whose route is it: the mark that our routes carry.
 *
 * The mark is in two places that must agree: the name begins with our prefix and the owner, and the
 * description ends in a line that names owner and destination. An operator who copies a route copies one of
 * them at most: names are unique, and a description pasted onto another destination does not fit it.
 *
 * Where a route points at this VM in place of a neighbour in another network, the description names the neighbour
 * before that line, so that the route is read as what it was made for.
 */

import { ownerPrefix, type RouteSpec } from "./route_name.ts";

/**
 * The description of a route of ours: in words for people, then a line that {@linkcode ownerOf} reads.
 *
 * @param neighbour id of the next hop that this VM stands in for, if it does.
 */
export function describeRoute(
  spec: Pick<RouteSpec, "owner" | "prefix">,
  instance: string,
  neighbour: string | null = null,
): string {
  return `Made by cloudroutesync on ${instance} from the routes of its kernel, and removed by it. ` +
    (neighbour === null ? "" : `[to ${neighbour}] `) + markLine(spec.owner, spec.prefix.text);
}

/** The neighbour that this VM stands in for on a route of ours; null if it does not. */
export function neighbourOf(description: string | undefined): string | null {
  return /\[to ([^\s\]]+)\] \[cloudroutesync [^\]]*\]$/.exec(description ?? "")?.[1] ?? null;
}

/**
 * The owner that a route's mark names.
 *
 * @param destination canonical text of the route's prefix.
 * @returns null if there is no mark, or if name, description and destination do not agree.
 */
export function ownerOf(name: string, description: string | undefined, destination: string): string | null {
  const owner = /\[cloudroutesync owner=([^\s\]]+) prefix=[^\s\]]+\]$/.exec(description ?? "")?.[1];
  if (owner === undefined || !isNameOf(owner, name)) return null;
  return description?.endsWith(markLine(owner, destination)) === true ? owner : null;
}

/** Whether nothing but a hash follows the owner's prefix: a name of owner `a-b` begins with that of owner `a` too. */
function isNameOf(owner: string, name: string): boolean {
  const prefix = ownerPrefix(owner);
  return name.startsWith(prefix) && /^[0-9a-z]+$/.test(name.slice(prefix.length));
}

function markLine(owner: string, prefix: string): string {
  return `[cloudroutesync owner=${owner} prefix=${prefix}]`;
}
