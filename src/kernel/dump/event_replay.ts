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
 * (NLM_F_EXCL) the other way round. But the kernel can have two routes whose messages are the same (route_event4.ts), of which a deletion
 * leaves one: only where the live table knows all that the kernel has it would have seen the two, and doubted.
 *
 * Mostly one outcome is left, or all are the same. Where they differ the prefix keeps what the live table has, which has followed the
 * events from before the dump, if that is one of them, else the outcome with the most routes: a doubt must not take a route away. And the
 * kernel is read again soon. So it is where a live table that leaves no doubt has something else: at the border of two datagrams a dump can
 * miss a route while others of its prefix go (fn_trie_dump_leaf in net/ipv4/fib_trie.c counts them).
 */

import type { ChangeCollector } from "../table/change_collector.ts";
import type { EventLog } from "./event_log.ts";
import type { Family } from "../../routes/prefix.ts";
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
  /** Whether the dump was whole, as far as the kernel said. */
  readonly isWhole: boolean;
}

/** What came of a replay. */
export interface Replayed {
  /** How many prefixes are in doubt. */
  readonly doubtful: number;
  /** IPv4 prefixes of which something was deleted, see lost_routes.ts. */
  readonly deleted: readonly Pick<PrefixEvent, "segment" | "words">[];
}

/**
 * Replays the log and empties it.
 *
 * @throws {DecodeError} if an event is not as it must be.
 */
export function replayEvents(replay: Replay): Replayed {
  const { log, update, state, changes, isWhole } = replay;
  const touched = collectRouteEvents(log, update, state);
  // Whether a link matters depends on the routes that leave by it, those of the log too.
  log.replay((walk) => {
    if (walk.type !== RTM_NEWROUTE && walk.type !== RTM_DELROUTE) {
      update.applyEvent(state, walk, changes, false);
    }
  });
  log.clear();
  const doubtful = touched.filter((events) => !settlePrefix(events, replay));
  if (isWhole && log.complete) update.doubted.clear();
  for (const [first] of doubtful) {
    if (first === undefined) continue;
    const { family, segment, words, length } = first;
    update.doubted.add(family, segment.table, words, length);
  }
  const deleted = touched.flatMap((events) =>
    events[0]?.family === 4 && events.some(({ event }) => event.deleted) ? events.slice(0, 1) : []
  );
  return { doubtful: doubtful.length, deleted };
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
  const { state, live, update } = replay;
  const [first] = events;
  if (first === undefined) return true;
  const { family, segment, words, length } = first;
  const before = segment.routesOf(words, length);
  const known = live === null ? null : liveRoutes(first, state, live);
  const isKnown = known !== null && !update.doubted.has(family, segment.table, words, length);
  const outcomes = outcomesOf(before, events, !isKnown, replay);
  const [only] = outcomes;
  const found = only !== undefined && outcomes.length === 1 ? only.routes : chosen(outcomes, known, before);
  const agrees = !isKnown || areSame(state.bodies, family, found, known);
  const routes = agrees ? found : known;
  if (before.length !== routes.length || before.some((body, index) => body !== routes[index])) {
    segment.change(words, length, before, routes);
  }
  return agrees && outcomes.length === 1 && only?.certain === true;
}

/** Whether two lists have the same routes, whatever the state of their legs. */
function areSame(
  bodies: RouteBodies,
  family: Family,
  left: readonly number[],
  right: readonly number[],
): boolean {
  const same = family === 4 ? sameRoute4 : sameRoute6;
  return left.length === right.length &&
    left.every((route, index) => same(bodies, route, right[index] ?? -1));
}

/**
 * See the head of this file; empty if every moment contradicts the events, which happens where the kernel changed something silently.
 *
 * @param mayHaveTwins whether the kernel may have two routes whose messages are the same.
 */
function outcomesOf(
  base: readonly number[],
  events: readonly PrefixEvent[],
  mayHaveTwins: boolean,
  { state, update }: Replay,
): readonly Outcome[] {
  const { bodies } = state;
  /** Metrics of which a dump may not show all: what made them so was not known yet when the later events were read. */
  const partial = new Set<number>();
  let outcomes: readonly Outcome[] = [{ routes: base, certain: true }];
  let isDoubtful = false;
  for (const read of events) {
    const metric = bodies.metric(read.event.body);
    const event = { ...read.event, partial: read.event.partial || partial.has(metric) };
    const next: Outcome[] = [];
    for (const { routes, certain } of outcomes) {
      if (!mayPrecede(bodies, routes, event)) {
        // What is not sure itself proves nothing of its moment.
        isDoubtful ||= !certain;
        continue;
      }
      const after = applyRouteEvent(bodies, routes, event);
      if (after.partial) {
        partial.add(metric);
        update.setPartial(read, state, true);
      }
      next.push({ routes: after.routes, certain: certain && after.certain });
    }
    const follows = mayFollow(bodies, base, event);
    if (follows || (event.deleted && mayHaveTwins)) next.push({ routes: base, certain: follows });
    outcomes = distinct(next);
    // The kernel had none of this metric.
    if (!event.deleted && (event.flags & NLM_F_EXCL) !== 0) partial.delete(metric);
  }
  return isDoubtful ? outcomes.map(({ routes }) => ({ routes, certain: false })) : outcomes;
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
