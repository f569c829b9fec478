/**
 * Events of a model of the kernel's routing tables, decoded and applied: wherever an event leaves no doubt the state equals what a dump of
 * the model shows. Where it leaves one, a dump takes the state's place, at once or some events later, as the monitor does it.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ChangeCollector } from "../../src/kernel/table/change_collector.ts";
import { KernelState } from "../../src/kernel/table/kernel_state.ts";
import { KernelUpdate } from "../../src/kernel/table/kernel_update.ts";
import { only, RouteFill } from "../../src/kernel/dump/route_fill.ts";
import { Fib4 } from "../fakes/kernel_fib/fib4.ts";
import { Fib6 } from "../fakes/kernel_fib/fib6.ts";
import { type FibEvent, type FibLeg, type FibRoute, routeMessage } from "../fakes/kernel_fib/fib_message.ts";
import { walkOn } from "../fakes/netlink_messages.ts";

const REPLACE = 0x100, EXCL = 0x200, CREATE = 0x400, APPEND = 0x800;

type Family = 4 | 6;

/** The requests of `ip route`: add, append, prepend, replace and change. */
const requestFlags = [CREATE | EXCL, CREATE | APPEND, CREATE, CREATE | REPLACE, REPLACE];

/** One request to the model; routes by their place in the pool of the run. */
type Step =
  | { readonly step: "insert"; readonly route: number; readonly flags: number }
  | { readonly step: "remove"; readonly like: number; readonly by: readonly Criterion[] }
  | {
    readonly step: "change object";
    readonly object: number;
    readonly host: number;
    readonly blackhole: boolean;
  };

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
  });
  return fc.tuple(kind, rest).map(([drawn, others]) => ({ ...drawn, ...others }));
}

/** What objects are at first. */
function objectLeg(object: number): FibLeg {
  return { host: object, device: 3, weight: 1, realm: 0, tunnel: 0, onLink: false };
}

/** A few routes that meet again and again, most of them differing from another in one thing only. */
function poolOf(family: Family): fc.Arbitrary<readonly FibRoute[]> {
  const twin = fc.constantFrom<Partial<FibRoute>>(
    {},
    { protocol: 16 },
    { mtu: 1200 },
    { source: 7 },
    ...(family === 4 ? [{ unseen: 1 }, { unseen: 1 }] : []),
  );
  return fc.array(fc.tuple(routeOf(family), fc.array(twin, { maxLength: 3 })), { minLength: 1, maxLength: 3 })
    .map((drawn) =>
      drawn.flatMap(([route, twins]) => [route, ...twins.map((other) => ({ ...route, ...other }))])
    );
}

function stepOf(): fc.Arbitrary<Step> {
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
  );
}

function matcher(like: FibRoute, by: readonly Criterion[]): (route: FibRoute) => boolean {
  const key = (route: FibRoute, criterion: Criterion): string | number =>
    criterion === "gateway" ? `${route.legs[0]?.host}` : route[criterion];
  return (route) =>
    route.metric === like.metric && by.every((criterion) => key(route, criterion) === key(like, criterion));
}

/** Puts one step to the model; what it tells. */
function take(fib: Fib4 | Fib6, pool: readonly FibRoute[], step: Step): FibEvent[] {
  const routeAt = (index: number): FibRoute => {
    const route = pool[index % pool.length];
    assert.ok(route);
    return route;
  };
  switch (step.step) {
    case "insert":
      return fib.insert(routeAt(step.route), step.flags);
    case "remove": {
      const matches = matcher(routeAt(step.like), step.by);
      return fib instanceof Fib4 ? fib.remove(matches) : fib.remove(matches, step.by.includes("gateway"));
    }
    case "change object":
      return fib.changeObject(step.object, (route) => ({
        ...route,
        type: step.blackhole ? 6 : 1,
        legs: step.blackhole ? [] : [{ ...objectLeg(step.object), host: step.host }],
      }));
  }
}

function dumped(family: Family, fib: Fib4 | Fib6): KernelState {
  const state = new KernelState([254], [family]);
  const [segment] = state.segments;
  assert.ok(segment);
  const fill = new RouteFill(state, only(segment), {});
  for (const route of fib.dump()) fill.take(walkOn(routeMessage(family, route)));
  segment.seal();
  return state;
}

function text(state: KernelState): string[] {
  return Array.from(state.routes(), (route) => JSON.stringify(route, (_, value) => value?.text ?? value));
}

/** How many events left no doubt, and how many did. */
interface Tally {
  certain: number;
  doubtful: number;
}

/**
 * @param lag events between a doubt and the dump that ends it.
 */
function follow(
  family: Family,
  pool: readonly FibRoute[],
  steps: readonly Step[],
  lag: number,
  tally: Tally,
): void {
  const fib = family === 4 ? new Fib4() : new Fib6();
  const update = new KernelUpdate();
  let state = dumped(family, fib);
  let untilDump = -1;
  for (const step of steps) {
    // Each request ends before anything else is seen; an event may be of a moment in the midst of it.
    for (const event of take(fib, pool, step)) {
      const changes = new ChangeCollector();
      update.applyEvent(state, walkOn(routeMessage(family, event.route, event)), changes);
      if (changes.takeDoubt() === null) tally.certain++;
      else {
        tally.doubtful++;
        if (untilDump < 0) untilDump = lag;
      }
    }
    if (untilDump >= 0 && untilDump-- === 0) state = dumped(family, fib);
    if (untilDump < 0) assert.deepEqual(text(state), text(dumped(family, fib)));
  }
}

for (const family of [4, 6] as const) {
  Deno.test(`events of IPv${family} routes that leave no doubt end in what the kernel has`, () => {
    const tally: Tally = { certain: 0, doubtful: 0 };
    fc.assert(
      fc.property(
        poolOf(family),
        fc.array(stepOf(), { minLength: 1, maxLength: 30 }),
        fc.nat(3),
        (pool, steps, lag) => follow(family, pool, steps, lag, tally),
      ),
      { numRuns: Deno.env.has("CI") ? 4_000 : 1_000 },
    );
    // Doubting everything would pass, too.
    assert.ok(tally.certain > tally.doubtful, `${tally.certain} certain, ${tally.doubtful} doubtful`);
  });
}
