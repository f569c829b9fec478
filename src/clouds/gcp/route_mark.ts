/**
 * Whose route is it: the mark that our routes carry.
 *
 * The mark is in two places that must agree: the name begins with our prefix and the owner, and the
 * description ends in a line that names owner, destination and the router that wrote it. An operator who copies a route copies one of
 * them at most: names are unique, and a description pasted onto another destination does not fit it.
 *
 * | what the description ends in                                          | written by                                         |
 * | ---------------------------------------------------------------------- | -------------------------------------------------- |
 * | `[cloudroutesync owner=O prefix=P instance=I address=A]`               | the router that is instance I                      |
 * | `on NAME from … [cloudroutesync owner=O prefix=P]`                     | version 1.0 on the VM of that name; a node that has |
 * |                                                                        | an owner of its own (`-owner NAME@node`)           |
 * | `[cloudroutesync owner=O prefix=P wanted=I@A,I@A]`                     | the routers behind a load balancer that want it    |
 * |                                                                        | (`shared_routes.ts`); I is `PROJECT/ZONE/NAME`     |
 *
 * Where a route points at this VM in place of a neighbour in another network, the description names the neighbour
 * before that line, so that the route is read as what it was made for.
 */

import { addressOrNull } from "../../routes/prefix.ts";
import type { Sign } from "../cloud.ts";
import { ownerPrefix, type RouteSpec } from "./route_name.ts";
import type { Vm, VmInterface } from "./vm.ts";

/** How marks name a VM. @param legs its interfaces in the network, or in several. */
export function signOf({ url }: Vm, legs: readonly VmInterface[]): Sign {
  const addresses = legs.flatMap((leg) => leg.addresses);
  const address = addresses.find(({ family }) => family === 4) ?? addresses[0] ?? null;
  return { id: url, address, nextHops: [url, ...addresses.map(({ text }) => text)] };
}

/**
 * The description of a route of ours: in words for people, then a line that {@linkcode ownerOf} reads.
 *
 * @param instance this VM's name.
 * @param neighbour id of the next hop that this VM stands in for, if it does.
 */
export function describeRoute(
  { owner, prefix, sign, wanters }: Pick<RouteSpec, "owner" | "prefix" | "sign" | "wanters">,
  instance: string,
  neighbour: string | null = null,
): string {
  return `Made by cloudroutesync on ${instance} from the routes of its kernel, and removed by it. ` +
    (neighbour === null ? "" : `[to ${neighbour}] `) + markLine(owner, prefix.text, sign, wanters);
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
  const { owner, prefix } = partsOf(description);
  return owner !== undefined && prefix === destination && isNameOf(owner, name) ? owner : null;
}

/**
 * The router that wrote a route of ours; null where the mark does not say.
 *
 * @param own this VM. Version 1.0 wrote the VM's name for people, without its zone and address.
 */
export function writerOf(
  description: string | undefined,
  own: { readonly instance: string; readonly sign: Sign | null },
): Sign | null {
  const { instance, address, name } = partsOf(description);
  if (instance !== undefined) {
    const read = addressOrNull(address ?? "");
    return { id: instance, address: read, nextHops: [instance, ...(read === null ? [] : [read.text])] };
  }
  if (name === undefined || own.sign === null) return null;
  return name === own.instance ? own.sign : { id: name, address: null, nextHops: [] };
}

/** Whether nothing but a hash follows the owner's prefix: a name of owner `a-b` begins with that of owner `a` too. */
function isNameOf(owner: string, name: string): boolean {
  const prefix = ownerPrefix(owner);
  return name.startsWith(prefix) && /^[0-9a-z]+$/.test(name.slice(prefix.length));
}

function markLine(owner: string, prefix: string, sign: Sign | null, wanters: readonly Sign[] = []): string {
  const writer = sign === null ? "" : ` instance=${sign.id} address=${sign.address?.text ?? ""}`;
  const wanted = wanters.length === 0 ? "" : ` wanted=${wanters.map(wanterText).join(",")}`;
  return `[cloudroutesync owner=${owner} prefix=${prefix}${writer}${wanted}]`;
}

/** Short, since Google's descriptions have an end. */
function wanterText({ id, address }: Sign): string {
  const short = id.replace(/^projects\/([^/]+)\/zones\/([^/]+)\/instances\/([^/]+)$/, "$1/$2/$3");
  return `${short}@${address?.text ?? ""}`;
}

/** The routers that want a route which they share, as its mark says. */
export function wantersOf(description: string | undefined): readonly Sign[] {
  return (partsOf(description).wanted ?? "").split(",").flatMap((text) => {
    const [, project, zone, name, address = ""] = /^([^/@]+)\/([^/@]+)\/([^/@]+)@(.*)$/.exec(text) ?? [];
    if (name === undefined) return [];
    const id = `projects/${project}/zones/${zone}/instances/${name}`;
    const read = addressOrNull(address);
    return [{ id, address: read, nextHops: [id, ...(read === null ? [] : [read.text])] }];
  });
}

function partsOf(description = ""): Readonly<Record<string, string | undefined>> {
  const line =
    /\[cloudroutesync owner=(?<owner>[^\s\]]+) prefix=(?<prefix>[^\s\]]+)(?: instance=(?<instance>[^\s\]]+) address=(?<address>[^\s\]]*))?(?: wanted=(?<wanted>[^\s\]]+))?\]$/;
  const name = /^Made by cloudroutesync on (\S+) from /.exec(description)?.[1];
  return { ...line.exec(description)?.groups, name };
}
