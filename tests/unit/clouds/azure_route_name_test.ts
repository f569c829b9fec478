import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkOwner,
  defaultOwner,
  longestOwner,
  ownerOfName,
  routeName,
} from "../../../src/clouds/azure/route_name.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parsePrefix, type Prefix, prefixOf } from "../../../src/routes/prefix.ts";

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

Deno.test("routeName() is readable, and has no owner for the default one", () => {
  assert.equal(routeName(defaultOwner, parsePrefix("198.51.100.0/24")), "crs-198.51.100.0_24");
  assert.equal(routeName(defaultOwner, parsePrefix("2001:db8::/32")), "crs-2001.db8.._32");
  assert.equal(routeName("edge-2", parsePrefix("198.51.100.0/24")), "crs-edge-2-198.51.100.0_24");
});

Deno.test("routeName() is legal on Azure whatever the owner and prefix", () => {
  fc.assert(fc.property(owners, prefixes, (owner, prefix) => legalName.test(routeName(owner, prefix))));
});

Deno.test("ownerOfName() gives back the owner of every name that routeName() makes", () => {
  fc.assert(
    fc.property(owners, prefixes, (owner, prefix) => ownerOfName(routeName(owner, prefix), prefix) === owner),
  );
});

Deno.test("ownerOfName() never takes a name for that of another prefix", () => {
  fc.assert(fc.property(owners, prefixes, prefixes, (owner, prefix, other) => {
    const found = ownerOfName(routeName(owner, prefix), other);
    return prefix.text === other.text ? found === owner : found === null;
  }));
});

Deno.test("ownerOfName() takes a name that merely begins with the mark for foreign", () => {
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
    assert.equal(ownerOfName(name, prefix), null, name);
  }
  assert.equal(
    ownerOfName("crs-cloudroutesync-198.51.100.0_24", prefix),
    null,
    "the default owner is never written",
  );
  assert.equal(ownerOfName("CRS-198.51.100.0_24", prefix), null);
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
