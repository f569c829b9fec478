import assert from "node:assert/strict";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { type EntryKind, loopingPrefixes, routerBoundOf } from "../../../src/routes/would_loop.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";

type Entries = Readonly<Record<string, EntryKind>>;

interface Scene {
  readonly bound?: string;
  readonly itself?: boolean;
  readonly gateway?: string;
  readonly subnets?: readonly string[];
}

/** @returns `PREFIX turns back K`. */
function looping(entries: Entries, scene: Scene = {}): string[] {
  const { bound = "198.51.100.7/32", itself = false, gateway = "10.0.1.1", subnets = ["10.0.1.0/24"] } =
    scene;
  const found = loopingPrefixes({
    bound: [{ prefix: parsePrefix(bound), itself, gateways: [parseAddress(gateway)] }],
    subnets: subnets.map(parsePrefix),
    networks: [parsePrefix("10.0.0.0/16")],
    entryAt: (prefix) => entries[prefix] ?? "none",
  });
  return [...found].map(([prefix, { prefix: { text } }]) => `${prefix} turns back ${text}`);
}

Deno.test("a default to this VM would loop where the tunnel's peer is reached by the subnet's router", () => {
  assert.deepEqual(looping({ "0.0.0.0/0": "self" }), ["0.0.0.0/0 turns back 198.51.100.7/32"]);
  assert.deepEqual(looping({ "198.51.100.0/24": "self", "0.0.0.0/0": "elsewhere" }), [
    "198.51.100.0/24 turns back 198.51.100.7/32",
  ]);
});

Deno.test("nothing loops that the table sends elsewhere first", () => {
  assert.deepEqual(looping({ "0.0.0.0/0": "self", "198.51.100.7/32": "elsewhere" }), []);
  assert.deepEqual(looping({ "0.0.0.0/0": "self", "198.51.100.0/24": "elsewhere" }), []);
});

Deno.test("each route to this VM that would decide is refused, not the longest alone", () => {
  assert.deepEqual(
    looping({ "198.51.0.0/16": "self", "198.51.100.0/24": "self", "0.0.0.0/0": "elsewhere" }),
    [
      "198.51.100.0/24 turns back 198.51.100.7/32",
      "198.51.0.0/16 turns back 198.51.100.7/32",
    ],
  );
});

Deno.test("what lies in the network's own address space is the cloud's to deliver, but for a longer route", () => {
  const scene = { bound: "10.0.2.0/24" };
  assert.deepEqual(looping({ "0.0.0.0/0": "self" }, scene), []);
  assert.deepEqual(looping({ "10.0.2.0/23": "self" }, scene), ["10.0.2.0/23 turns back 10.0.2.0/24"]);
});

Deno.test("only a table that the subnet of that router uses can turn packets back", () => {
  assert.deepEqual(looping({ "0.0.0.0/0": "self" }, { subnets: [] }), []);
  assert.deepEqual(looping({ "0.0.0.0/0": "self" }, { subnets: ["10.0.2.0/24"] }), []);
  const v6 = { bound: "2001:db8::7/128", gateway: "fe80:ec2::1" };
  assert.deepEqual(looping({ "::/0": "self" }, { ...v6, subnets: ["2001:db8:1::/64"] }), [
    "::/0 turns back 2001:db8::7/128",
  ]);
  assert.deepEqual(looping({ "::/0": "self" }, { ...v6, subnets: ["10.0.1.0/24"] }), []);
});

Deno.test("a prefix itself would loop where another kernel table sends it by the subnet's router", () => {
  assert.deepEqual(looping({ "0.0.0.0/0": "self" }, { bound: "0.0.0.0/0" }), []);
  assert.deepEqual(looping({ "0.0.0.0/0": "self" }, { bound: "0.0.0.0/0", itself: true }), [
    "0.0.0.0/0 turns back 0.0.0.0/0",
  ]);
});

Deno.test("routerBoundOf() finds what the kernel sends by the subnet's router, in any table that is read, and in main", () => {
  const isRouter = ({ gateway }: { readonly gateway: { readonly text: string } | null }): boolean =>
    gateway?.text === "10.0.1.1";
  const out = kernelRoute("198.51.100.7/32", { via: "10.0.1.1" });
  assert.equal(routerBoundOf([out], [254], isRouter)?.itself, false);
  assert.equal(routerBoundOf([kernelRoute("198.51.100.7/32", { via: "10.0.1.20" })], [254], isRouter), null);
  const tunnel = { ...kernelRoute("0.0.0.0/0", { via: "192.0.2.1" }), table: 51820 };
  const main = kernelRoute("0.0.0.0/0", { via: "10.0.1.1" });
  assert.equal(routerBoundOf([tunnel, main], [51820], isRouter)?.itself, true);
  // Of one table the kernel uses the winner alone.
  const backup = { ...main, metric: 500 };
  assert.equal(
    routerBoundOf([kernelRoute("0.0.0.0/0", { via: "192.0.2.1" }), backup], [254], isRouter),
    null,
  );
});
