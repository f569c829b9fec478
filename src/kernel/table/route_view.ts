/** Makes routes for the rest of the program out of bodies, with next-hop objects resolved and devices named. */

import {
  type Family,
  type IpAddress,
  ipAddress,
  type Prefix,
  prefixOf,
  type Words,
} from "../../routes/prefix.ts";
import { encapsulationName } from "../wire/encapsulation.ts";
import type { KernelRoute, Leg, Link } from "../kernel_table.ts";
import type { NextHop } from "../wire/next_hop_message.ts";
import { prefHigh } from "../wire/route_message.ts";
import type { RouteBodies } from "./route_bodies.ts";
import {
  bodyHeaderWords,
  legWords,
  preferenceTag,
  preferredSourceTag,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
  sourceTag,
} from "../wire/route_body.ts";

/** What a body is read with. */
export interface RouteContext {
  readonly bodies: RouteBodies;
  readonly links: ReadonlyMap<number, Link>;
  readonly nextHops: ReadonlyMap<number, NextHop>;
}

/** The route of a prefix and a body. */
export function routeOf(context: RouteContext, prefix: Prefix, body: number): KernelRoute {
  const { bodies } = context;
  const nextHopId = bodies.nextHopId(body);
  return {
    prefix,
    table: bodies.word(body, 1) >>> 0,
    protocol: bodies.protocol(body),
    type: bodies.type(body),
    scope: bodies.word(body, 0) >>> 24,
    tos: bodies.tos(body),
    metric: bodies.metric(body),
    nextHopId: nextHopId === 0 ? null : nextHopId,
    source: sourceOf(bodies, body, prefix.family),
    preference: preferenceOf(bodies, body),
    preferredSource: preferredSourceOf(bodies, body, prefix.family),
    legs: needsNextHop(bodies, body) ? legsOfNextHop(context, nextHopId) : legsOfBody(context, body),
  };
}

function sourceOf(bodies: RouteBodies, body: number, family: Family): Prefix | null {
  const at = bodies.findExtra(body, sourceTag);
  return at < 0 ? null : prefixOf(family, wordsAt(bodies, body, at + 1), bodies.word(body, at) >>> 8);
}

function preferenceOf(bodies: RouteBodies, body: number): number {
  const at = bodies.findExtra(body, preferenceTag);
  return at < 0 ? 0 : (bodies.word(body, at) >>> 8) === prefHigh ? 1 : -1;
}

function preferredSourceOf(bodies: RouteBodies, body: number, family: Family): IpAddress | null {
  const at = bodies.findExtra(body, preferredSourceTag);
  return at < 0 ? null : ipAddress(family, wordsAt(bodies, body, at + 1));
}

function wordsAt(bodies: RouteBodies, body: number, at: number): Words {
  const word = (index: number): number => bodies.word(body, at + index) >>> 0;
  return [word(0), word(1), word(2), word(3)];
}

/**
 * Whether a route names its next-hop object only, as the kernel writes it with `nexthop_compat_mode=0`: then a change
 * of the object changes the route and no route event tells of it.
 */
export function needsNextHop(bodies: RouteBodies, body: number): boolean {
  return bodies.nextHopId(body) !== 0 && bodies.legCount(body) === 0;
}

function legsOfBody({ bodies, links }: RouteContext, body: number): Leg[] {
  return Array.from({ length: bodies.legCount(body) }, (_, leg) => {
    const at = bodyHeaderWords + leg * legWords;
    const head = bodies.word(body, at);
    const family = (head >>> 8) & 255;
    return legOf(links, {
      gateway: family === 4 || family === 6 ? ipAddress(family, wordsAt(bodies, body, at + 2)) : null,
      interfaceIndex: bodies.word(body, at + 1),
      weight: head >>> 16,
      flags: head & 255,
      encapsulation: bodies.word(body, at + 6),
    });
  });
}

/** The legs of a next-hop object: of a group one for each member. Groups hold no groups. */
function legsOfNextHop({ links, nextHops }: RouteContext, id: number): Leg[] {
  const object = nextHops.get(id);
  if (object === undefined) return [];
  const members = object.members.length > 0 ? object.members : [{ id, weight: 1 }];
  return members.flatMap((member) => {
    const nextHop = nextHops.get(member.id);
    return nextHop === undefined || nextHop.blackhole
      ? []
      : [legOf(links, { ...nextHop, weight: member.weight })];
  });
}

function legOf(
  links: ReadonlyMap<number, Link>,
  { gateway, interfaceIndex, weight, flags, encapsulation }:
    & Pick<Leg, "gateway" | "interfaceIndex" | "weight">
    & Pick<NextHop, "flags" | "encapsulation">,
): Leg {
  return {
    gateway,
    interfaceIndex,
    interfaceName: links.get(interfaceIndex)?.name ?? null,
    weight,
    dead: (flags & RTNH_F_DEAD) !== 0,
    linkDown: (flags & RTNH_F_LINKDOWN) !== 0,
    onLink: (flags & RTNH_F_ONLINK) !== 0,
    encapsulation: encapsulationName(encapsulation),
  };
}
