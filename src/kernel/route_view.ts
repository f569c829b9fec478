/** Makes routes for the rest of the program out of bodies, with next-hop objects resolved and devices named. */

import { ipAddress, type Prefix } from "../routes/prefix.ts";
import type { KernelRoute, Leg, Link } from "./kernel_table.ts";
import type { NextHop } from "./next_hop_message.ts";
import {
  bodyHeaderWords,
  legWords,
  type RouteBodies,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
} from "./route_body.ts";

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
    legs: needsNextHop(bodies, body) ? legsOfNextHop(context, nextHopId) : legsOfBody(context, body),
  };
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
    const word = (index: number): number => bodies.word(body, at + 2 + index) >>> 0;
    return legOf(links, {
      gateway: family === 4 || family === 6 ? ipAddress(family, [word(0), word(1), word(2), word(3)]) : null,
      interfaceIndex: bodies.word(body, at + 1),
      weight: head >>> 16,
      flags: head & 255,
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
  { gateway, interfaceIndex, weight, flags }: Pick<Leg, "gateway" | "interfaceIndex" | "weight"> & {
    readonly flags: number;
  },
): Leg {
  return {
    gateway,
    interfaceIndex,
    interfaceName: links.get(interfaceIndex)?.name ?? null,
    weight,
    dead: (flags & RTNH_F_DEAD) !== 0,
    linkDown: (flags & RTNH_F_LINKDOWN) !== 0,
    onLink: (flags & RTNH_F_ONLINK) !== 0,
  };
}
