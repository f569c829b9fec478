import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkOwner,
  defaultOwner,
  longestOwner,
  markOf,
  routeName,
  signOf,
} from "../../../../src/clouds/azure/route_name.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import {
  ipAddress,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixOf,
} from "../../../../src/routes/prefix.ts";

/** learn.microsoft.com, "Naming rules and restrictions for Azure resources". */
const legalName = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;

const word = fc.integer({ min: 0, max: 0xffffffff });
const prefixes: fc.Arbitrary<Prefix> = fc.oneof(
  fc.tuple(word, fc.integer({ min: 0, max: 32 })).map(([first, length]) =>
    prefixOf(4, [first, 0, 0, 0], length)
  ),
  fc.tuple(fc.tuple(word, word, word, word), fc.integer({ min: 0, max: 128 }))
    .map(([words, length]) => prefixOf(6, words, length)),
);
const owners = fc.stringMatching(/^[A-Za-z0-9-]{1,32}$/);
const writers = fc.tuple(fc.stringMatching(/^[a-z0-9/]{1,60}$/), word).map(([id, first]) =>
  signOf(id, ipAddress(4, [first, 0, 0, 0]))
);
const positions = fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 4 }).map((list) => list.sort());

function ownerOf(name: string, prefix: Prefix): string | null {
  return markOf(name, prefix)?.owner ?? null;
}

Deno.test("routeName() names the router that wrote a route, and which of its next hops are others'", () => {
  const writer = signOf("/Subscriptions/S/vm-a", parseAddress("10.0.1.4"));
  const prefix = parsePrefix("198.51.100.0/24");
  assert.equal(routeName(defaultOwner, prefix, writer), `crs-198.51.100.0_24_10.0.1.4_${writer.id}`);
  assert.equal(
    routeName("edge-2", prefix, writer, [1, 2]),
    `crs-edge-2-198.51.100.0_24_10.0.1.4_${writer.id}_6`,
  );
  assert.equal(
    signOf("/subscriptions/s/VM-A", parseAddress("10.0.1.9")).id,
    writer.id,
    "whatever the address and the case",
  );
});

Deno.test("markOf() gives back what routeName() wrote, for each owner, prefix, router and set of next hops", () => {
  fc.assert(
    fc.property(owners, prefixes, writers, positions, (owner, prefix, writer, ofPeers) => {
      const name = routeName(owner, prefix, writer, ofPeers);
      assert.match(name, legalName);
      const mark = markOf(name, prefix);
      assert.equal(mark?.owner, owner);
      assert.deepEqual(mark?.writer, writer);
      assert.deepEqual(mark?.ofPeers, ofPeers);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("markOf() never takes a name for that of another prefix, nor one that was changed", () => {
  fc.assert(fc.property(owners, prefixes, prefixes, writers, (owner, prefix, other, writer) => {
    const name = routeName(owner, prefix, writer);
    if (prefix.text !== other.text) assert.equal(markOf(name, other), null);
    assert.equal(markOf(`${name}0`, prefix)?.writer?.id === writer.id, false);
    assert.equal(markOf(`${name}_`, prefix), null);
    assert.equal(markOf(`${name}_0`, prefix), null);
  }));
});

Deno.test("routeName() is readable, and has no owner for the default one", () => {
  assert.equal(routeName(defaultOwner, parsePrefix("198.51.100.0/24")), "crs-198.51.100.0_24");
  assert.equal(routeName(defaultOwner, parsePrefix("2001:db8::/32")), "crs-2001.db8.._32");
  assert.equal(routeName("edge-2", parsePrefix("198.51.100.0/24")), "crs-edge-2-198.51.100.0_24");
});

Deno.test("routeName() is legal on Azure whatever the owner and prefix", () => {
  fc.assert(fc.property(owners, prefixes, (owner, prefix) => legalName.test(routeName(owner, prefix))));
});

Deno.test("markOf() gives back the owner of every name that routeName() makes", () => {
  fc.assert(
    fc.property(owners, prefixes, (owner, prefix) => ownerOf(routeName(owner, prefix), prefix) === owner),
  );
});

Deno.test("markOf() never takes a name for that of another prefix", () => {
  fc.assert(fc.property(owners, prefixes, prefixes, (owner, prefix, other) => {
    const found = ownerOf(routeName(owner, prefix), other);
    return prefix.text === other.text ? found === owner : found === null;
  }));
});

Deno.test("markOf() takes a name that merely begins with the mark for foreign", () => {
  const prefix = parsePrefix("198.51.100.0/24");
  for (
    const name of [
      "crs-",
      "crs-by-hand",
      "crs198.51.100.0_24",
      "crs--198.51.100.0_24",
      "crs-a_b-198.51.100.0_24",
    ]
  ) {
    assert.equal(ownerOf(name, prefix), null, name);
  }
  assert.equal(
    ownerOf("crs-cloudroutesync-198.51.100.0_24", prefix),
    null,
    "the default owner is never written",
  );
  assert.equal(ownerOf("CRS-198.51.100.0_24", prefix), null);
});

Deno.test("checkOwner() refuses an owner that makes no legal name", () => {
  checkOwner("a".repeat(longestOwner));
  for (const owner of ["", "a".repeat(longestOwner + 1), "a.b", "a b", "ä"]) {
    assert.throws(
      () => checkOwner(owner),
      (error) => error instanceof CloudError && error.kind === "invalid",
      owner,
    );
  }
});
