import assert from "node:assert/strict";
import { bodyHeaderWords, legWords, RouteBodies } from "../../../src/kernel/route_body.ts";
import { applyRouteEvent } from "../../../src/kernel/route_event.ts";

const REPLACE = 0x100, EXCL = 0x200, CREATE = 0x400, APPEND = 0x800;

/** A body of a route by these gateways `10.0.0.N`. */
function body(
  bodies: RouteBodies,
  hosts: readonly number[],
  { metric = 0, tos = 0, flags = 0 } = {},
): number {
  const words = new Int32Array(bodyHeaderWords + hosts.length * legWords);
  words.set([tos | (12 << 8) | (1 << 16), 254, metric, 0, hosts.length]);
  hosts.forEach((host, leg) => {
    words.set([flags | (4 << 8) | (1 << 16), 3, 0x0a000000 | host], bodyHeaderWords + leg * legWords);
  });
  return bodies.add({ words, length: words.length });
}

/** Routes by their gateways, as `2` or `2,3`. */
function hosts(bodies: RouteBodies, routes: readonly number[]): string[] {
  return routes.map((route) =>
    Array.from(
      { length: bodies.legCount(route) },
      (_, leg) => bodies.word(route, bodyHeaderWords + leg * legWords + 2) & 255,
    ).join()
  );
}

interface Row {
  readonly name: string;
  readonly family?: 4 | 6;
  /** Gateways of each route there is. */
  readonly before: readonly (readonly number[])[];
  readonly event: readonly number[];
  readonly flags?: number;
  readonly deleted?: boolean;
  readonly after: readonly string[];
  readonly certain: boolean;
}

const rows: readonly Row[] = [
  { name: "adds the first route", before: [], event: [2], flags: EXCL | CREATE, after: ["2"], certain: true },
  {
    name: "appends",
    before: [[2], [3]],
    event: [4],
    flags: CREATE | APPEND,
    after: ["2", "3", "4"],
    certain: true,
  },
  { name: "prepends", before: [[2], [3]], event: [4], flags: CREATE, after: ["4", "2", "3"], certain: true },
  {
    name: "replaces the first",
    before: [[2], [3]],
    event: [4],
    flags: REPLACE,
    after: ["4", "3"],
    certain: true,
  },
  {
    name: "replaces what it does not know",
    before: [],
    event: [4],
    flags: REPLACE,
    after: ["4"],
    certain: false,
  },
  {
    name: "drops what has silently gone when the kernel says that it found none",
    before: [[2], [3]],
    event: [4],
    flags: EXCL | CREATE,
    after: ["4"],
    certain: true,
  },
  {
    name: "knows an appended route already",
    before: [[2], [3]],
    event: [3],
    flags: CREATE | APPEND,
    after: ["2", "3"],
    certain: true,
  },
  {
    name: "doubts when a replacement is there already",
    before: [[2], [3]],
    event: [3],
    flags: REPLACE,
    after: ["2", "3"],
    certain: false,
  },
  {
    name: "deletes the very route",
    before: [[2], [3]],
    event: [3],
    deleted: true,
    after: ["2"],
    certain: true,
  },
  {
    name: "doubts a deletion of another route",
    before: [[2]],
    event: [3],
    deleted: true,
    after: ["2"],
    certain: false,
  },
  {
    name: "ignores the deletion of what it never had",
    before: [],
    event: [3],
    deleted: true,
    after: [],
    certain: true,
  },
  {
    name: "takes the full IPv6 set of legs",
    family: 6,
    before: [[2]],
    event: [2, 3],
    flags: CREATE | APPEND,
    after: ["2,3"],
    certain: true,
  },
  {
    name: "replaces all IPv6 legs",
    family: 6,
    before: [[2, 3]],
    event: [4],
    flags: REPLACE,
    after: ["4"],
    certain: true,
  },
  {
    name: "deletes one IPv6 leg",
    family: 6,
    before: [[2, 3, 4]],
    event: [3],
    deleted: true,
    after: ["2,4"],
    certain: true,
  },
  {
    name: "deletes all IPv6 legs",
    family: 6,
    before: [[2, 3]],
    event: [2, 3],
    deleted: true,
    after: [],
    certain: true,
  },
  {
    name: "doubts a strange IPv6 leg",
    family: 6,
    before: [[2, 3]],
    event: [9],
    deleted: true,
    after: ["2,3"],
    certain: false,
  },
  {
    name: "doubts a second IPv6 route of one metric",
    family: 6,
    before: [[2]],
    event: [3],
    flags: CREATE,
    after: ["2", "3"],
    certain: false,
  },
];

for (const row of rows) {
  Deno.test(`applyRouteEvent() ${row.name}`, () => {
    const bodies = new RouteBodies();
    const before = row.before.map((gateways) => body(bodies, gateways));
    const { routes, certain } = applyRouteEvent(bodies, before, {
      family: row.family ?? 4,
      deleted: row.deleted ?? false,
      flags: row.flags ?? 0,
      body: body(bodies, row.event),
    });
    assert.deepEqual({ routes: hosts(bodies, routes), certain }, { routes: row.after, certain: row.certain });
  });
}

Deno.test("applyRouteEvent() orders IPv4 routes by descending TOS, then metric", () => {
  const bodies = new RouteBodies();
  let routes: readonly number[] = [];
  for (const [host, tos, metric] of [[1, 0, 20], [2, 4, 30], [3, 0, 10], [4, 4, 5]] as const) {
    const event = {
      family: 4,
      deleted: false,
      flags: EXCL | CREATE,
      body: body(bodies, [host], { tos, metric }),
    } as const;
    routes = applyRouteEvent(bodies, routes, event).routes;
  }
  assert.deepEqual(hosts(bodies, routes), ["4", "2", "3", "1"]);
});

Deno.test("applyRouteEvent() deletes a route whose leg has been flagged since", () => {
  const bodies = new RouteBodies();
  const flagged = body(bodies, [2], { flags: 16 });
  const event = { family: 4, deleted: true, flags: 0, body: body(bodies, [2]) } as const;
  assert.deepEqual(applyRouteEvent(bodies, [flagged], event), { routes: [], certain: true });
});
