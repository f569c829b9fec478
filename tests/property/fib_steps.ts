/** Random requests to the model of the kernel's routing tables, and what a program sees of it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { KernelUpdate } from "../../src/kernel/table/kernel_update.ts";
import { KernelState } from "../../src/kernel/table/kernel_state.ts";
import { only, RouteFill } from "../../src/kernel/dump/route_fill.ts";
import { Fib4 } from "../fakes/kernel_fib/fib4.ts";
import { Fib6 } from "../fakes/kernel_fib/fib6.ts";
import { type FibEvent, type FibLeg, type FibRoute, routeMessage } from "../fakes/kernel_fib/fib_message.ts";
import { walkOn } from "../fakes/netlink_messages.ts";

const REPLACE = 0x100, EXCL = 0x200, CREATE = 0x400, APPEND = 0x800;

export type Family = 4 | 6;

/** The requests of `ip route`: add, append, prepend, replace and change. */
const requestFlags = [CREATE | EXCL, CREATE | APPEND, CREATE, CREATE | REPLACE, REPLACE];

/** One request to the model, or something that it does by itself; routes by their place in the pool of the run. */
export type Step =
  | { readonly step: "insert"; readonly route: number; readonly flags: number }
  | { readonly step: "remove"; readonly like: number; readonly by: readonly Criterion[] }
  | {
    readonly step: "change object";
    readonly object: number;
    readonly host: number;
    readonly blackhole: boolean;
  }
  | { readonly step: "end lifetimes" }
  | { readonly step: "clear away" };

/** What came of a step. */
export interface Outcome {
  readonly events: readonly FibEvent[];
  /** Whether the step changed more than it tells, so that the monitor reads the kernel when its time has come (lifetimes.ts). */
  readonly silent: boolean;
}

/** What a removal can name; the metric always. */
type Criterion = "gateway" | "protocol" | "type" | "object" | "mtu";

function legOf(family: Family): fc.Arbitrary<FibLeg> {
  const leg = fc.record({
    host: fc.constantFrom(0, 2, 2, 3, 4),
    device: fc.constantFrom(3, 4),
    weight: fc.constantFrom(1, 1, 2),
    realm: family === 4 ? fc.constantFrom(0, 0, 0, 5) : fc.constant(0),
    tunnel: fc.constantFrom(0, 0, 0, 1, 2),
    onLink: fc.constantFrom(false, false, true),
  });
  return leg.map((drawn) => drawn.host === 0 ? { ...drawn, onLink: false } : drawn);
}

/** A single leg has no weight in messages: two that differ in it are told apart by nothing that is seen. */
function legsOf(family: Family): fc.Arbitrary<readonly FibLeg[]> {
  const single = legOf(family).map((leg) => [{ ...leg, weight: 1 }]);
  const several = fc.uniqueArray(legOf(family).filter(({ host }) => host !== 0), {
    minLength: 2,
    maxLength: 3,
    selector: ({ host, device, tunnel }) => `${host} ${device} ${tunnel}`,
  });
  return fc.oneof({ weight: 3, arbitrary: single }, { weight: 1, arbitrary: several });
}

function routeOf(family: Family): fc.Arbitrary<FibRoute> {
  const kind = fc.oneof(
    { weight: 6, arbitrary: legsOf(family).map((legs) => ({ type: 1, object: 0, legs })) },
    { weight: 1, arbitrary: fc.constantFrom(6, 7, 9).map((type) => ({ type, object: 0, legs: [] })) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(7, 8).map((object) => ({ type: 1, object, legs: [objectLeg(object)] })),
    },
  );
  const rest = fc.record({
    protocol: fc.constantFrom(3, 3, 3, 12, 186, 9),
    metric: fc.constantFrom(20, 20, 20, 30),
    tos: family === 4 ? fc.constantFrom(0, 0, 0, 4) : fc.constant(0),
    source: fc.constantFrom(0, 0, 0, 1),
    mtu: fc.constantFrom(0, 0, 0, 1400, 1300),
    unseen: family === 4 ? fc.constantFrom(0, 0, 0, 0, 1) : fc.constant(0),
    expires: family === 6 ? fc.constantFrom(0, 0, 0, 0, 100) : fc.constant(0),
  });
  return fc.tuple(kind, rest).map(([drawn, others]) => withLifetime({ ...drawn, ...others }, others.expires));
}

/** Legs of a set have none: of all but the first no message tells when they end, so that one which has ended may be left alone. */
function withLifetime(route: Omit<FibRoute, "expires">, expires: number): FibRoute {
  return { ...route, expires: (route.legs[0]?.host ?? 0) !== 0 && route.object === 0 ? 0 : expires };
}

/** What objects are at first. */
function objectLeg(object: number): FibLeg {
  return { host: object, device: 3, weight: 1, realm: 0, tunnel: 0, onLink: false };
}

/** A few routes that meet again and again, most of them differing from another in one thing only. */
export function poolOf(family: Family): fc.Arbitrary<readonly FibRoute[]> {
  const changes: readonly Partial<FibRoute & FibLeg>[] = [
    {},
    { protocol: 16 },
    { mtu: 1200 },
    { source: 7 },
    { onLink: true },
    { tunnel: 3 },
    ...(family === 4 ? [{ unseen: 1 }, { unseen: 1 }, { realm: 6 }] : [{ expires: 100 }, { expires: 0 }]),
  ];
  const twin = fc.constantFrom(...changes);
  return fc.array(fc.tuple(routeOf(family), fc.array(twin, { maxLength: 3 })), { minLength: 1, maxLength: 3 })
    .map((drawn) =>
      drawn.flatMap(([route, twins]) => [route, ...twins.map((change) => twinOf(route, change))])
    );
}

/** The same route but for one thing, of itself or of its legs. */
function twinOf(route: FibRoute, change: Partial<FibRoute & FibLeg>): FibRoute {
  const { onLink, tunnel, realm, ...own } = change;
  const leg = {
    ...(onLink === undefined ? {} : { onLink }),
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(realm === undefined ? {} : { realm }),
  };
  // A next-hop object has its legs for all routes.
  const legs = route.object === 0 ? route.legs.map((each) => ({ ...each, ...leg })) : route.legs;
  const twin = { ...route, ...own, legs };
  return withLifetime(twin, twin.expires);
}

/** A step of any kind. */
export function stepOf(family: Family): fc.Arbitrary<Step> {
  const criteria: readonly Criterion[] = ["gateway", "protocol", "type", "object", "mtu"];
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        step: fc.constant("insert" as const),
        route: fc.nat(11),
        flags: fc.constantFrom(...requestFlags),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        step: fc.constant("remove" as const),
        like: fc.nat(11),
        by: fc.subarray([...criteria]),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        step: fc.constant("change object" as const),
        object: fc.constantFrom(7, 8),
        host: fc.constantFrom(2, 9),
        blackhole: fc.boolean(),
      }),
    },
    // Only IPv6 routes have a lifetime.
    ...(family === 4 ? [] : [{
      weight: 1,
      arbitrary: fc.constantFrom<Step>(
        { step: "end lifetimes" },
        { step: "end lifetimes" },
        { step: "clear away" },
      ),
    }]),
  );
}

function matcher(like: FibRoute, by: readonly Criterion[]): (route: FibRoute) => boolean {
  const key = (route: FibRoute, criterion: Criterion): string | number =>
    criterion === "gateway" ? `${route.legs[0]?.host}` : route[criterion];
  return (route) =>
    route.metric === like.metric && by.every((criterion) => key(route, criterion) === key(like, criterion));
}

/** Puts one step to the model. */
export function take(fib: Fib4 | Fib6, pool: readonly FibRoute[], step: Step): Outcome {
  const routeAt = (index: number): FibRoute => {
    const route = pool[index % pool.length];
    assert.ok(route);
    return route;
  };
  const told = (events: readonly FibEvent[]): Outcome => ({ events, silent: false });
  switch (step.step) {
    case "insert": {
      const before = fib.dump();
      const events = fib.insert(routeAt(step.route), step.flags);
      // A refused route may have changed the lifetime of the one that is there.
      return { events, silent: events.length === 0 && JSON.stringify(before) !== JSON.stringify(fib.dump()) };
    }
    case "remove": {
      const matches = matcher(routeAt(step.like), step.by);
      return told(
        fib instanceof Fib4 ? fib.remove(matches) : fib.remove(matches, step.by.includes("gateway")),
      );
    }
    case "change object":
      return told(fib.changeObject(step.object, (route) => ({
        ...route,
        type: step.blackhole ? 6 : 1,
        legs: step.blackhole ? [] : [{ ...objectLeg(step.object), host: step.host }],
      })));
    case "end lifetimes":
      return { events: [], silent: fib instanceof Fib6 && fib.endLifetimes() };
    case "clear away":
      return told(fib instanceof Fib6 ? fib.clearAway() : []);
  }
}

/** What a dump brings. @param update takes note of what the dump leaves out. */
export function dumped(family: Family, fib: Fib4 | Fib6, update: KernelUpdate): KernelState {
  const state = new KernelState([254], [family]);
  const [segment] = state.segments;
  assert.ok(segment);
  const fill = new RouteFill(state, only(segment), {}, (...key) => update.hide(...key));
  for (const route of fib.dump()) fill.take(walkOn(routeMessage(family, route)));
  segment.seal();
  return state;
}

/** A state's routes, in their order. */
export function text(state: KernelState): string[] {
  return Array.from(state.routes(), (route) => JSON.stringify(route, (_, value) => value?.text ?? value));
}
