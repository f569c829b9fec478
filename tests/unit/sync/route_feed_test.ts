import assert from "node:assert/strict";
import type { PolicyIdentity } from "../../../src/routes/policy.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { RouteFeed } from "../../../src/sync/route_feed.ts";
import { type FakeKernelTable, interfaceAddress, kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallDevices, smallKernel, smallVm } from "../../fakes/policies.ts";

const one = "198.51.100.0/24";
const two = "192.0.2.0/24";
const gateway = { via: "10.0.0.9" };

/** A rebuild whose steps follow one another at once. */
function rebuildAtOnce(
  feed: RouteFeed,
  table: FakeKernelTable,
  identity: PolicyIdentity,
): readonly string[] {
  const steps = feed.rebuilding(table, identity);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** A feed that has seen a table, and that table. */
function fed(...prefixes: readonly string[]): { readonly feed: RouteFeed; readonly table: FakeKernelTable } {
  const table = smallKernel(prefixes.map((prefix) => kernelRoute(prefix, gateway)));
  const feed = new RouteFeed(defaultPolicy);
  rebuildAtOnce(feed, table, smallVm);
  return { feed, table };
}

function update({ feed, table }: ReturnType<typeof fed>, ...prefixes: readonly string[]): readonly string[] {
  return feed.update(table, prefixes.map(parsePrefix));
}

Deno.test("RouteFeed.rebuilding() tells what came, what went and what changed, and nothing else", () => {
  const { feed, table } = fed(one, two);
  assert.deepEqual([...feed.wanted.keys()], [one, two]);
  table.replace([kernelRoute(two, { via: "10.0.0.10" }), kernelRoute("203.0.113.0/24", gateway)]);
  assert.deepEqual([...rebuildAtOnce(feed, table, smallVm)].sort(), [two, one, "203.0.113.0/24"]);
  assert.deepEqual([...feed.wanted.keys()].sort(), [two, "203.0.113.0/24"]);
  assert.deepEqual(rebuildAtOnce(feed, table, smallVm), []);
});

Deno.test("RouteFeed.update() judges the prefixes it is given only", () => {
  const both = fed(one, two);
  both.table.replace([]);
  assert.deepEqual(update(both, one), [one]);
  assert.deepEqual([...both.feed.wanted.keys()], [two]);
});

Deno.test("RouteFeed.update() wakes nobody for news that change nothing", () => {
  const both = fed(one);
  assert.deepEqual(update(both, one, two), []);
  both.table.set(one, kernelRoute(one, { ...gateway, protocol: 12 }));
  assert.deepEqual(update(both, one), [], "another daemon, the same next hop");
  both.table.set(two, kernelRoute(two, { ...gateway, protocol: 2 }));
  assert.deepEqual(update(both, two), [], "not wanted");
});

Deno.test("RouteFeed.update() tells a new gateway, a new metric and another number of legs", () => {
  const both = fed(one);
  const steps = [
    { via: "10.0.0.10" },
    { via: "10.0.0.10", metric: 30 },
    { legs: [{ via: "10.0.0.10" }, { via: "10.0.0.11" }], metric: 30 },
    { legs: [{ via: "10.0.0.10" }], metric: 30 },
  ];
  for (const parts of steps) {
    both.table.set(one, kernelRoute(one, parts));
    assert.deepEqual(update(both, one), [one], JSON.stringify(parts));
    assert.deepEqual(update(both, one), []);
  }
});

Deno.test("RouteFeed judges anew when this VM is another", () => {
  const { feed, table } = fed(one);
  const elsewhere = { ...smallVm, attachments: [] };
  assert.deepEqual(rebuildAtOnce(feed, table, elsewhere), [one]);
  assert.equal(feed.wanted.get(one)?.nextHops[0]?.neighbour, null);
});

Deno.test("RouteFeed judges anew when an address moves to another device", () => {
  const { feed, table } = fed(one);
  table.setInterfaces(smallDevices.links, [interfaceAddress("eth1", "10.0.0.4/24")]);
  assert.deepEqual(rebuildAtOnce(feed, table, smallVm), [one]);
  assert.equal(
    feed.wanted.get(one)?.nextHops[0]?.neighbour,
    null,
    "eth0 is not on the cloud network any more",
  );
});

Deno.test("RouteFeed.update() wants nothing before it is known who this VM is", () => {
  const feed = new RouteFeed(defaultPolicy);
  assert.deepEqual(feed.update(smallKernel([kernelRoute(one, gateway)]), [parsePrefix(one)]), []);
});

Deno.test("RouteFeed.clear() wants nothing any more", () => {
  const { feed } = fed(one, two);
  assert.deepEqual(feed.clear(), [one, two]);
  assert.equal(feed.wanted.size, 0);
});

/** Prefixes of a table of which a rebuild takes several steps. */
const many = Array.from({ length: 600 }, (_, index) => `198.18.${index >> 8}.${index & 255}/32`);

/** Runs a rebuild, and something between each two of its steps. @returns what changed. */
function rebuilt(
  { feed, table }: ReturnType<typeof fed>,
  between: (step: number) => void,
): readonly string[] {
  const steps = feed.rebuilding(table, smallVm);
  for (let count = 1;; count++) {
    const step = steps.next();
    if (step.done === true) {
      assert.ok(count > 4, "it takes several steps");
      return step.value;
    }
    between(count);
  }
}

Deno.test("RouteFeed.rebuilding() takes nothing away before it has looked at all", () => {
  const both = fed(...many);
  both.table.replace(many.slice(300).map((prefix) => kernelRoute(prefix, gateway)));
  const changed = rebuilt(both, () => assert.equal(both.feed.wanted.size, many.length));
  assert.deepEqual(new Set(changed), new Set(many.slice(0, 300)));
  assert.equal(both.feed.wanted.size, 300);
});

Deno.test("RouteFeed.rebuilding() leaves what news said meanwhile, of prefixes it has looked at and of others", () => {
  const [first = "", last = ""] = [many[0], many.at(-1)];
  const both = fed();
  both.table.replace(many.map((prefix) => kernelRoute(prefix, gateway)));
  rebuilt(both, (step) => {
    if (step !== 2) return;
    both.table.set(first);
    both.table.set(last, kernelRoute(last, { via: "10.0.0.10" }));
    both.table.set(one, kernelRoute(one, gateway));
    assert.deepEqual(update(both, first, last, one), [first, last, one]);
  });
  assert.equal(both.feed.wanted.has(first), false);
  assert.equal(both.feed.wanted.get(last)?.nextHops[0]?.neighbour?.text, "10.0.0.10");
  assert.equal(both.feed.wanted.size, many.length);
});

Deno.test("RouteFeed.rebuilding() leaves what news said goes by the subnet's router", () => {
  const both = fed(...many);
  const router = { via: "10.0.0.1" };
  rebuilt(both, (step) => {
    if (step === 2) both.table.set(one, kernelRoute(one, router));
    if (step === 2) update(both, one);
  });
  assert.deepEqual([...both.feed.bound.keys()], [one]);
  rebuilt(both, (step) => {
    if (step === 2) both.table.set(one);
    if (step === 2) update(both, one);
  });
  assert.deepEqual([...both.feed.bound.keys()], []);
});

Deno.test("RouteFeed.bound is one map for the life of the feed: who keeps tables in step holds it", () => {
  const both = fed(...many);
  const { bound } = both.feed;
  both.table.set(one, kernelRoute(one, { via: "10.0.0.1" }));
  rebuilt(both, () => {});
  assert.deepEqual([...bound.keys()], [one]);
  assert.equal(both.feed.bound, bound);
});

Deno.test("RouteFeed tells what the kernel may keep back, until all is to be withdrawn", () => {
  const { feed, table } = fed(one);
  assert.equal(feed.mayLack(two), false);
  table.isCut = true;
  assert.deepEqual([feed.mayLack(one), feed.mayLack(two)], [false, true]);
  feed.clear();
  assert.equal(feed.mayLack(two), false);
});
