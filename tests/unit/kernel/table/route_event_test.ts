import assert from "node:assert/strict";
import { RouteBodies } from "../../../../src/kernel/table/route_bodies.ts";
import { bodyHeaderWords, legWords, preferenceTag } from "../../../../src/kernel/wire/route_body.ts";
import { applyRouteEvent } from "../../../../src/kernel/table/route_event.ts";

const REPLACE = 0x100, EXCL = 0x200, CREATE = 0x400, APPEND = 0x800;
const bird = 12, bgp = 186, ra = 9;
const unicast = 1, unreachable = 7;
const linkDown = 16, onLink = 4;

/** A route; what is left out is that of `10.0.0.N dev 3 proto bird`. */
interface Parts {
  /** Last octets of the gateways; 0 for a leg by the device alone. */
  readonly via?: readonly number[];
  readonly protocol?: number;
  readonly type?: number;
  readonly metric?: number;
  readonly tos?: number;
  readonly object?: number;
  /** Digest of preferred source and metrics. */
  readonly digest?: number;
  readonly flags?: number;
  readonly weight?: number;
  /** RTA_PREF, which stands behind the legs as a preferred source does. */
  readonly pref?: number;
  /** Encapsulation of each leg. */
  readonly encapsulation?: number;
}

function body(bodies: RouteBodies, parts: Parts): number {
  const { via = [], protocol = bird, type = unicast, metric = 0, tos = 0, object = 0, digest = 0 } = parts;
  const { flags = 0, weight = 1, encapsulation = 0, pref = 0 } = parts;
  const extras = pref === 0 ? [] : [preferenceTag | (pref << 8), 0, 0, 0, 0];
  const words = new Int32Array(bodyHeaderWords + via.length * legWords + extras.length);
  words.set(extras, words.length - extras.length);
  words.set([tos | (protocol << 8) | (type << 16), 254, metric, object, via.length, digest]);
  via.forEach((host, leg) => {
    const family = host === 0 ? 0 : 4 << 8;
    const gateway = host === 0 ? 0 : 0x0a000000 | host;
    words.set(
      [flags | family | (weight << 16), 3, gateway, 0, 0, 0, encapsulation],
      bodyHeaderWords + leg * legWords,
    );
  });
  return bodies.add({ words, length: words.length });
}

/** The words of a route's only leg. */
function legOf(bodies: RouteBodies, route: number): Int32Array {
  return bodies.read(route).words.slice(bodyHeaderWords, bodyHeaderWords + legWords);
}

/** A route as its gateways, with a word for what is not as usual. */
function text(bodies: RouteBodies, route: number): string {
  const leg = (index: number): string => {
    const at = bodyHeaderWords + index * legWords;
    const tunnel = bodies.word(route, at + 6) === 0 ? "" : ` encap ${bodies.word(route, at + 6)}`;
    return `${bodies.word(route, at + 2) & 255}${tunnel}`;
  };
  const legs = Array.from({ length: bodies.legCount(route) }, (_, index) => leg(index)).join();
  const words = [
    bodies.type(route) === unicast ? legs : `type ${bodies.type(route)}`,
    ...(bodies.protocol(route) === bird ? [] : [`proto ${bodies.protocol(route)}`]),
    ...(bodies.findExtra(route, preferenceTag) < 0 ? [] : ["pref"]),
    ...(bodies.nextHopId(route) === 0 ? [] : [`nhid ${bodies.nextHopId(route)}`]),
    ...(bodies.word(route, 5) === 0 ? [] : [`digest ${bodies.word(route, 5)}`]),
  ];
  return words.join(" ");
}

interface Row {
  readonly name: string;
  readonly before: readonly Parts[];
  readonly event: Parts;
  readonly flags?: number;
  readonly deleted?: boolean;
  readonly partial?: boolean;
  /** Last octet of the gateway of the event's first leg. */
  readonly leadsWith?: number;
  readonly after: readonly string[];
  readonly certain: boolean;
  /** Absent: as before. */
  readonly partialAfter?: boolean;
}

function via(...hosts: readonly number[]): Parts {
  return { via: hosts };
}

const append = CREATE | APPEND;

const rows4: readonly Row[] = [
  {
    name: "adds the first route",
    before: [],
    event: via(2),
    flags: EXCL | CREATE,
    after: ["2"],
    certain: true,
  },
  {
    name: "appends",
    before: [via(2), via(3)],
    event: via(4),
    flags: append,
    after: ["2", "3", "4"],
    certain: true,
  },
  {
    name: "doubts a route appended to none",
    before: [],
    event: via(4),
    flags: append,
    after: ["4"],
    certain: false,
  },
  {
    name: "prepends",
    before: [via(2), via(3)],
    event: via(4),
    flags: CREATE,
    after: ["4", "2", "3"],
    certain: true,
  },
  {
    name: "replaces the first",
    before: [via(2), via(3)],
    event: via(4),
    flags: REPLACE,
    after: ["4", "3"],
    certain: true,
  },
  {
    name: "replaces what it does not know",
    before: [],
    event: via(4),
    flags: REPLACE,
    after: ["4"],
    certain: false,
  },
  {
    name: "drops what has silently gone when the kernel says that it found none",
    before: [via(2), via(3)],
    event: via(4),
    flags: EXCL | CREATE,
    after: ["4"],
    certain: true,
  },
  {
    name:
      "doubts an appended route that is there already: the kernel may hold two whose messages are the same",
    before: [via(2), via(3)],
    event: via(3),
    flags: append,
    after: ["2", "3"],
    certain: false,
  },
  {
    name: "doubts when a replacement is there already",
    before: [via(2), via(3)],
    event: via(3),
    flags: REPLACE,
    after: ["2", "3"],
    certain: false,
  },
  {
    name: "takes the news of the only route's object over",
    before: [{ ...via(2), object: 7 }],
    event: { ...via(3), object: 7 },
    flags: REPLACE,
    after: ["3 nhid 7"],
    certain: true,
  },
  {
    name: "takes an object that is a blackhole now for the same route",
    before: [via(2), { ...via(3), object: 7 }],
    event: { type: 6, object: 7 },
    flags: REPLACE,
    after: ["2", "type 6 nhid 7"],
    certain: false,
  },
  {
    name: "deletes the very route",
    before: [via(2), via(3)],
    event: via(3),
    deleted: true,
    after: ["2"],
    certain: true,
  },
  {
    name: "deletes a route whose leg has lost its carrier since",
    before: [{ ...via(2), flags: linkDown }, via(3)],
    event: via(2),
    deleted: true,
    after: ["3"],
    certain: true,
  },
  {
    name: "doubts a deletion of another route",
    before: [via(2)],
    event: via(3),
    deleted: true,
    after: ["2"],
    certain: false,
  },
  {
    name: "doubts which of two routes with the same message is deleted",
    before: [via(2), via(3), via(2)],
    event: via(2),
    deleted: true,
    after: ["3", "2"],
    certain: false,
  },
  {
    name: "ignores the deletion of what it never had",
    before: [],
    event: via(3),
    deleted: true,
    after: [],
    certain: true,
  },
];

/** What makes another route of one by the same gateway. */
const differences: Readonly<Record<string, Parts>> = {
  "other metrics or another source": { digest: 1 },
  "another protocol": { protocol: bgp },
  "another type": { type: 5 },
  "an onlink gateway": { flags: onLink },
  "another encapsulation": { encapsulation: 2 },
  "an object": { object: 7 },
};

const twinRows4: readonly Row[] = Object.entries(differences).flatMap(([name, difference]): Row[] => {
  const twin = { ...via(2), ...difference };
  return [
    {
      name: `appends a route with ${name}`,
      before: [via(2)],
      event: twin,
      flags: append,
      after: ["2", words(twin)],
      certain: true,
    },
    {
      name: `keeps a route with ${name} when its twin is deleted`,
      before: [via(2), twin],
      event: via(2),
      deleted: true,
      after: [words(twin)],
      certain: true,
    },
  ];
});

function words(parts: Parts): string {
  const bodies = new RouteBodies();
  return text(bodies, body(bodies, parts));
}

const reject: Parts = { type: unreachable };
const device = via(0);
const object7: Parts = { ...via(9), object: 7 };

const rows6: readonly Row[] = [
  {
    name: "deletes a leg of a route with a preference or a preferred source, which it keeps",
    before: [{ via: [2, 3], pref: 1 }],
    event: { via: [3], pref: 1 },
    deleted: true,
    after: ["2 pref"],
    certain: true,
  },
  {
    name: "adds a leg of another preference: which of them shows once legs go is not known",
    before: [{ via: [2], pref: 1 }],
    event: via(2, 3),
    flags: append,
    after: ["2,3 pref"],
    certain: true,
    partialAfter: true,
  },
  {
    name: "takes the full set of legs",
    before: [via(2)],
    event: via(2, 3),
    flags: append,
    after: ["2,3"],
    certain: true,
  },
  {
    name: "keeps the first leg's protocol",
    before: [{ ...via(2), protocol: bgp }],
    event: { ...via(2, 3), protocol: bird },
    flags: append,
    after: ["2,3 proto 186"],
    certain: true,
    partialAfter: true,
  },
  {
    name: "does not know the protocols of several legs that come at once",
    before: [via(2)],
    event: via(2, 3, 4),
    flags: append,
    after: ["2,3,4"],
    certain: true,
    partialAfter: true,
  },
  {
    name: "doubts a leg that comes without the known ones",
    before: [via(2)],
    event: via(3),
    flags: append,
    after: ["2", "3"],
    certain: false,
  },
  {
    name: "doubts a leg that it knows already",
    before: [via(2, 3)],
    event: via(3),
    flags: append,
    after: ["2,3"],
    certain: false,
  },
  {
    name: "replaces all legs",
    before: [via(2, 3)],
    event: via(4),
    flags: REPLACE,
    after: ["4"],
    certain: true,
  },
  {
    name: "deletes one leg",
    before: [via(2, 3, 4)],
    event: via(3),
    deleted: true,
    after: ["2,4"],
    certain: true,
  },
  {
    name: "doubts what is left when a leg of several protocols is deleted",
    before: [{ ...via(2, 3), protocol: bgp }],
    event: { ...via(2), protocol: bgp },
    deleted: true,
    partial: true,
    after: ["3 proto 186"],
    certain: false,
  },
  {
    name: "deletes all legs",
    before: [via(2, 3)],
    event: via(2, 3),
    deleted: true,
    after: [],
    certain: true,
  },
  {
    name: "deletes all legs by the protocol of a later one",
    before: [{ ...via(2, 3), protocol: bgp }],
    event: via(2, 3),
    deleted: true,
    after: [],
    certain: true,
  },
  {
    name: "doubts a strange leg",
    before: [via(2, 3)],
    event: via(9),
    deleted: true,
    after: ["2,3"],
    certain: false,
  },
  {
    name: "tells legs of one gateway apart by their tunnels",
    before: [via(2)],
    event: { ...via(2), encapsulation: 2 },
    deleted: true,
    after: ["2"],
    certain: false,
  },
  ...[reject, device, object7].map((other): Row => ({
    name: `keeps a gateway when a second route is appended: ${words(other)}`,
    before: [via(2)],
    event: other,
    flags: append,
    after: ["2", words(other)],
    certain: true,
    partialAfter: true,
  })),
  ...[reject, device, object7].map((other): Row => ({
    name: `replaces the second route in its place, not the gateway: ${words(other)}`,
    before: [via(2), device],
    event: other,
    flags: REPLACE,
    after: ["2", words(other)],
    certain: true,
  })),
  {
    name: "appends a gateway to an unreachable route",
    before: [reject],
    event: via(2),
    flags: append,
    after: ["type 7", "2"],
    certain: true,
    partialAfter: true,
  },
  {
    name: "doubts a leg that goes behind another route, which a dump shows no more",
    before: [via(2), reject],
    event: via(2, 3),
    flags: append,
    after: ["2,3", "type 7"],
    certain: false,
    partialAfter: true,
  },
  {
    name: "replaces the first route where there is none of its kind",
    before: [reject],
    event: via(2),
    flags: REPLACE,
    after: ["2"],
    certain: true,
  },
  {
    name: "doubts a set that replaces one with another route behind",
    before: [via(2), reject],
    event: via(3, 4),
    flags: REPLACE,
    after: ["3,4", "type 7"],
    certain: false,
    partialAfter: true,
  },
  {
    name: "takes a set that replaces none for a new one",
    before: [],
    event: via(3, 4),
    flags: REPLACE,
    after: ["3,4"],
    certain: true,
  },
  {
    name: "doubts a single route that replaces none",
    before: [],
    event: via(3),
    flags: REPLACE,
    after: ["3"],
    certain: false,
  },
  {
    name: "doubts whether an object replaces another route or tells of its own change",
    before: [device, object7],
    event: { ...via(8), object: 7 },
    flags: REPLACE,
    after: ["0", "8 nhid 7"],
    certain: false,
  },
  {
    name: "is certain again when the kernel found none",
    before: [via(2)],
    event: via(3),
    flags: EXCL | CREATE,
    partial: true,
    after: ["3"],
    certain: true,
    partialAfter: false,
  },
  {
    name: "takes the header for that of a leg that comes first",
    before: [via(2)],
    event: via(2, 3),
    leadsWith: 3,
    flags: CREATE | APPEND,
    after: ["2,3"],
    certain: true,
  },
  {
    name: "knows nothing of the new leg where a known one comes first",
    before: [via(2)],
    event: via(2, 3),
    leadsWith: 2,
    flags: CREATE | APPEND,
    after: ["2,3"],
    certain: true,
    partialAfter: true,
  },
  {
    name: "doubts whether a router's advertisement is a leg",
    before: [{ ...via(2), protocol: ra }],
    event: { ...via(3), protocol: ra },
    flags: CREATE,
    after: ["2 proto 9", "3 proto 9"],
    certain: false,
  },
];

const families = [[4, [...rows4, ...twinRows4]], [6, rows6]] as const;

for (const [family, rows] of families) {
  for (const row of rows) {
    Deno.test(`applyRouteEvent() of IPv${family} ${row.name}`, () => {
      const bodies = new RouteBodies();
      const before = row.before.map((parts) => body(bodies, parts));
      const { routes, certain, partial } = applyRouteEvent(bodies, before, {
        family,
        deleted: row.deleted ?? false,
        flags: row.flags ?? 0,
        body: body(bodies, row.event),
        partial: row.partial ?? false,
        firstLeg: row.leadsWith === undefined ? null : legOf(bodies, body(bodies, via(row.leadsWith))),
      });
      assert.deepEqual(
        { routes: routes.map((route) => text(bodies, route)), certain, partial },
        { routes: row.after, certain: row.certain, partial: row.partialAfter ?? row.partial ?? false },
      );
    });
  }
}

Deno.test("applyRouteEvent() orders IPv4 routes by descending TOS, then metric", () => {
  const bodies = new RouteBodies();
  let routes: readonly number[] = [];
  for (const [host, tos, metric] of [[1, 0, 20], [2, 4, 30], [3, 0, 10], [4, 4, 5]] as const) {
    const event = {
      family: 4,
      deleted: false,
      flags: EXCL | CREATE,
      body: body(bodies, { ...via(host), tos, metric }),
      partial: false,
    } as const;
    routes = applyRouteEvent(bodies, routes, event).routes;
  }
  assert.deepEqual(routes.map((route) => text(bodies, route)), ["4", "2", "3", "1"]);
});

Deno.test("applyRouteEvent() gives the last IPv6 leg no weight", () => {
  const bodies = new RouteBodies();
  const before = body(bodies, { ...via(2, 3), weight: 5 });
  const event = { family: 6, deleted: true, flags: 0, body: body(bodies, via(2)), partial: false } as const;
  assert.deepEqual(applyRouteEvent(bodies, [before], event).routes, [body(bodies, via(3))]);
});
