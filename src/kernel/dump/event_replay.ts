/**
 * Brings a state that was read while events came up to the moment of the last event.
 *
 * The kernel reads out one prefix after the other, and nothing says between which two events it read which. What is exact in the
 * live table, where each event meets the state that it was sent from, is a guess here: `replace P via C`, `del P via C` applied to
 * a prefix that has been through both takes away a second route of the same key, which nobody has deleted.
 *
 * So each prefix that events have touched is followed from every moment at which it may have been read:
 *
 * ```
 * read before the first event   ──▶ e1 ──▶ e2 ──▶ e3 ──▶ outcome
 * read after the first                 ──▶ e2 ──▶ e3 ──▶ outcome
 * …                                               read ──▶ outcome
 * ```
 *
 * A moment drops out that the events contradict: what a deletion names must have been there before and not after, what is new
 * (NLM_F_EXCL) the other way round. Mostly one outcome is left, or all are the same. Where they differ the prefix keeps what the
 * live table has, which has followed the events from before the dump, if that is one of them, else the outcome with the most routes:
 * a doubt must not take a route away. And the kernel is read again soon.
 */

import type { ChangeCollector } from "../table/change_collector.ts";
import type { EventLog } from "./event_log.ts";
import type { KernelState } from "../table/kernel_state.ts";
import type { KernelUpdate, PrefixEvent } from "../table/kernel_update.ts";
import { NLM_F_EXCL, RTM_DELROUTE, RTM_NEWROUTE } from "../wire/netlink_message.ts";
import type { RouteBodies } from "../table/route_bodies.ts";
import { applyRouteEvent, type RouteEvent } from "../table/route_event.ts";
import { hasLegsOf, sameRoute4, sameRoute6 } from "../table/route_identity.ts";
import { prefixKey } from "../table/route_segment.ts";

/** Beyond so many outcomes of one prefix only these are followed. */
const mostOutcomes = 16;

/** The routes that a prefix may have, and whether the events that led there left no doubt. */
interface Outcome {
  readonly routes: readonly number[];
  readonly certain: boolean;
}

/** What a replay works with. */
export interface Replay {
  readonly log: EventLog;
  readonly update: KernelUpdate;
  /** What the dump has brought. */
  readonly state: KernelState;
  /** The live table, or null if it has not followed the events from a good state. */
  readonly live: KernelState | null;
  /** Gets the doubts that events other than of routes raise. */
  readonly changes: ChangeCollector;
}

/**
 * Replays the log and empties it.
 *
 * @returns how many prefixes are in doubt.
 * @throws {DecodeError} if an event is not as it must be.
 */
export function replayEvents(replay: Replay): number {
  const { log, update, state, changes } = replay;
  const touched = collectRouteEvents(log, update, state);
  // Whether a link matters depends on the routes that leave by it, those of the log too.
  log.replay((walk) => {
    if (walk.type !== RTM_NEWROUTE && walk.type !== RTM_DELROUTE) {
      update.applyEvent(state, walk, changes, false);
    }
  });
  log.clear();
  let doubtful = 0;
  for (const events of touched) if (!settlePrefix(events, replay)) doubtful++;
  return doubtful;
}

/** The route events, those of one prefix together, in the order in which they came. */
function collectRouteEvents(
  log: EventLog,
  update: KernelUpdate,
  state: KernelState,
): readonly PrefixEvent[][] {
  const byPrefix = new Map<string, PrefixEvent[]>();
  log.replay((walk) => {
    if (walk.type !== RTM_NEWROUTE && walk.type !== RTM_DELROUTE) return;
    const read = update.readRouteEvent(state, walk);
    if (read === null) return;
    const { family, segment: { table }, words, length } = read;
    const key = `${family} ${table} ${prefixKey(family, words, length)}`;
    const events = byPrefix.get(key) ?? [];
    if (events.length === 0) byPrefix.set(key, events);
    events.push({ ...read, words: [words[0], words[1], words[2], words[3]] });
  });
  return [...byPrefix.values()];
}

/** Gives a prefix its routes; false if they are in doubt. */
function settlePrefix(events: readonly PrefixEvent[], replay: Replay): boolean {
  const { state, live } = replay;
  const [first] = events;
  if (first === undefined) return true;
  const { segment, words, length } = first;
  const before = segment.routesOf(words, length);
  const outcomes = outcomesOf(before, events, replay);
  const [only] = outcomes;
  const known = live === null ? null : liveRoutes(first, state, live);
  const routes = only !== undefined && outcomes.length === 1 ? only.routes : chosen(outcomes, known, before);
  if (before.length !== routes.length || before.some((body, index) => body !== routes[index])) {
    segment.change(words, length, before, routes);
  }
  return outcomes.length === 1 && only?.certain === true;
}

/** See the head of this file; empty if every moment contradicts the events, which happens where the kernel changed something silently. */
function outcomesOf(
  base: readonly number[],
  events: readonly PrefixEvent[],
  { state, update }: Replay,
): readonly Outcome[] {
  const { bodies } = state;
  let outcomes: readonly Outcome[] = [{ routes: base, certain: true }];
  for (const read of events) {
    const next: Outcome[] = [];
    for (const { routes, certain } of outcomes) {
      if (!mayPrecede(bodies, routes, read.event)) continue;
      const after = applyRouteEvent(bodies, routes, read.event);
      if (after.partial) update.setPartial(read, state, true);
      next.push({ routes: after.routes, certain: certain && after.certain });
    }
    if (mayFollow(bodies, base, read.event)) next.push({ routes: base, certain: true });
    outcomes = distinct(next);
  }
  return outcomes;
}

/** Whether these can be the routes just before an event. */
function mayPrecede(bodies: RouteBodies, routes: readonly number[], event: RouteEvent): boolean {
  if (event.partial) return true;
  if (event.deleted) return isThere(bodies, routes, event);
  const { body, family } = event;
  return (event.flags & NLM_F_EXCL) === 0 ||
    !routes.some((route) =>
      bodies.metric(route) === bodies.metric(body) && (family === 6 || bodies.tos(route) === bodies.tos(body))
    );
}

/** Whether these can be the routes just after an event. */
function mayFollow(bodies: RouteBodies, routes: readonly number[], event: RouteEvent): boolean {
  return event.partial || isThere(bodies, routes, event) !== event.deleted;
}

/** Whether the routes have that of an event; in IPv6 as legs of another, perhaps. */
function isThere(bodies: RouteBodies, routes: readonly number[], { family, body }: RouteEvent): boolean {
  return routes.some((route) =>
    family === 4
      ? sameRoute4(bodies, route, body)
      : sameRoute6(bodies, route, body) || isPartOf(bodies, body, route)
  );
}

function isPartOf(bodies: RouteBodies, part: number, whole: number): boolean {
  return bodies.metric(part) === bodies.metric(whole) && bodies.nextHopId(whole) === 0 &&
    bodies.nextHopId(part) === 0 && bodies.legCount(part) > 0 && hasLegsOf(bodies, whole, part);
}

/** Each list of routes once, certain only if every way to it was. */
function distinct(outcomes: readonly Outcome[]): readonly Outcome[] {
  const byRoutes = new Map<string, Outcome>();
  for (const { routes, certain } of outcomes.slice(0, mostOutcomes)) {
    const key = routes.join();
    const sure = certain && outcomes.length <= mostOutcomes && byRoutes.get(key)?.certain !== false;
    byRoutes.set(key, { routes, certain: sure });
  }
  return [...byRoutes.values()];
}

/** What to keep while it is in doubt: what the live table has if that may be right, else the outcome with the most routes. */
function chosen(
  outcomes: readonly Outcome[],
  known: readonly number[] | null,
  before: readonly number[],
): readonly number[] {
  if (outcomes.length === 0) return known ?? before;
  const live = outcomes.find(({ routes }) => routes.join() === known?.join());
  const most = outcomes.reduce((left, right) => right.routes.length > left.routes.length ? right : left);
  return (live ?? most).routes;
}

/** The routes that the live table has for a prefix, by the names of the state's bodies. */
function liveRoutes(
  { segment, words, length }: PrefixEvent,
  state: KernelState,
  live: KernelState,
): number[] {
  const routes = live.segment(segment.family, segment.table)?.routesOf(words, length) ?? [];
  return routes.map((body) => state.copyBody(live, body));
}
