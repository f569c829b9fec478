/**
 * What FRR and BIRD put into the kernel besides plain routes, as the cloud gets it: a gateway behind a bridge (EVPN), a gateway that is
 * found by another route of one leg or of several, and a multipath route that grows and shrinks.
 */

import { resolve } from "node:path";
import { skips } from "../../needs.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { untilSame } from "../until.ts";
import {
  daemonsMissing,
  startBirdStatic,
  startFrrStatic,
  type StartStatic,
  type StaticRoute,
} from "./static_daemons.ts";

const ignore = skips(await daemonsMissing(), namespacesMissing());
const main = resolve(import.meta.dirname ?? ".", "../../../main.ts");
const self = "10.0.0.4";

const setUp = [
  "link add eth0 type veth peer name peer0",
  "link set peer0 up",
  "link set eth0 up",
  `address add ${self}/24 dev eth0`,
  "link add br100 type bridge",
  "link set br100 up",
];

const evpn: StaticRoute = { prefix: "20.31.0.0/24", via: ["10.0.0.20"], onLink: "br100" };
const recursive: StaticRoute = { prefix: "20.2.0.0/24", via: ["20.1.0.9"], recursive: true };
const underlay = (...via: readonly string[]): StaticRoute => ({ prefix: "20.1.0.0/16", via });
const multipath = (...via: readonly string[]): StaticRoute => ({ prefix: "20.3.0.0/24", via });

/** The routes of the daemon, and what the cloud has of them. */
const scenes: readonly (readonly [routes: readonly StaticRoute[], cloud: readonly string[]])[] = [
  [
    [evpn, underlay("10.0.0.2"), recursive, multipath("10.0.0.2")],
    // The neighbour's address is on the network of eth0, but its packets leave by the bridge.
    ["20.1.0.0/16 10.0.0.2", "20.2.0.0/24 10.0.0.2", "20.3.0.0/24 10.0.0.2", `20.31.0.0/24 ${self}`],
  ],
  [
    [evpn, underlay("10.0.0.3"), recursive, multipath("10.0.0.2", "10.0.0.3", "10.0.0.5")],
    // A next hop that is still among the legs stays.
    ["20.1.0.0/16 10.0.0.3", "20.2.0.0/24 10.0.0.3", "20.3.0.0/24 10.0.0.2", `20.31.0.0/24 ${self}`],
  ],
  [
    [evpn, underlay("10.0.0.3"), recursive, multipath("10.0.0.3", "10.0.0.5")],
    ["20.1.0.0/16 10.0.0.3", "20.2.0.0/24 10.0.0.3", "20.3.0.0/24 10.0.0.3", `20.31.0.0/24 ${self}`],
  ],
  [
    // What a gateway is found by gets a second leg, and loses the first: so does the route by the gateway.
    [evpn, underlay("10.0.0.3", "10.0.0.5"), recursive, multipath("10.0.0.3")],
    ["20.1.0.0/16 10.0.0.3", "20.2.0.0/24 10.0.0.3", "20.3.0.0/24 10.0.0.3", `20.31.0.0/24 ${self}`],
  ],
  [
    [evpn, underlay("10.0.0.5"), recursive, multipath("10.0.0.3", "10.0.0.5")],
    ["20.1.0.0/16 10.0.0.5", "20.2.0.0/24 10.0.0.5", "20.3.0.0/24 10.0.0.3", `20.31.0.0/24 ${self}`],
  ],
  [
    [underlay("10.0.0.3"), multipath("10.0.0.5")],
    ["20.1.0.0/16 10.0.0.3", "20.3.0.0/24 10.0.0.5"],
  ],
];

/** The embedded cloud's table. */
async function cloudRoutes(file: string): Promise<readonly string[]> {
  try {
    const { routes } = JSON.parse(await Deno.readTextFile(file)) as {
      readonly routes: readonly { readonly prefix: string; readonly nextHop: string }[];
    };
    return routes.map(({ prefix, nextHop }) => `${prefix} ${nextHop}`);
  } catch {
    // The program has not made it yet.
    return [];
  }
}

async function play(start: StartStatic): Promise<void> {
  await using namespace = await Namespace.create();
  await namespace.batch(setUp);
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-scene-" });
  const file = `${folder}/cloud.json`;
  await using daemon = await start(namespace);
  await using _program = namespace.spawn([
    ...[Deno.execPath(), "run", "--allow-all", "--no-check", main],
    ...["-cloud", "local", "-self", `${self}/24`, "-event", "-local-file", file, "-state", folder],
  ], { stdin: "null", stdout: "null", stderr: "null" });
  for (const [routes, cloud] of scenes) {
    await daemon.route(routes);
    await untilSame(cloud, () => cloudRoutes(file));
  }
}

for (const [name, start] of [["FRR", startFrrStatic], ["BIRD", startBirdStatic]] as const) {
  Deno.test({
    name:
      `${name}'s EVPN-like, recursive and multipath routes reach the cloud with the next hop that the kernel uses`,
    ignore,
    fn: () => play(start),
  });
}
