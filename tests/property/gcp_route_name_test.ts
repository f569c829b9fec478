import assert from "node:assert/strict";
import fc from "fast-check";
import { describeRoute, ownerOf, writerOf } from "../../src/clouds/gcp/route_mark.ts";
import { ownerPrefix, routeName, type RouteSpec } from "../../src/clouds/gcp/route_name.ts";
import { parseAddress, prefixOf } from "../../src/routes/prefix.ts";

const word = fc.nat({ max: 0xffffffff });
const prefixes = fc.oneof(
  fc.tuple(word, fc.integer({ min: 0, max: 32 })).map(([bits, length]) =>
    prefixOf(4, [bits, 0, 0, 0], length)
  ),
  fc.tuple(word, word, word, word, fc.integer({ min: 0, max: 128 })).map(([a, b, c, d, length]) =>
    prefixOf(6, [a, b, c, d], length)
  ),
);
const owners = fc.stringMatching(/^[A-Za-z0-9-]{1,80}$/);
const specs: fc.Arbitrary<RouteSpec> = fc.record({
  owner: owners,
  network: fc.constantFrom("projects/p/global/networks/n", "projects/q/global/networks/n"),
  prefix: prefixes,
  nextHop: fc.oneof(fc.constant("projects/p/zones/z/instances/i"), fc.ipV4(), fc.ipV6()),
  priority: fc.nat({ max: 65535 }),
  tags: fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/), { maxLength: 3 }),
  sign: fc.option(
    fc.record({
      id: fc.constantFrom("projects/p/zones/z/instances/a", "projects/p/zones/z/instances/b"),
      address: fc.constantFrom(null, ...["10.0.0.2", "2001:db8::2"].map(parseAddress)),
      nextHops: fc.constant([]),
    }),
  ),
});

Deno.test("routeName() is a label of RFC 1035 that begins with the owner's prefix", () => {
  fc.assert(fc.property(specs, fc.nat({ max: 3 }), (spec, attempt) => {
    const name = routeName(spec, attempt);
    assert.match(name, /^[a-z]([-a-z0-9]*[a-z0-9])?$/);
    assert.ok(name.length <= 63, `${name} is too long`);
    assert.ok(name.startsWith(ownerPrefix(spec.owner)));
  }));
});

Deno.test("routeName() differs when anything that makes the route up differs, and only then", () => {
  fc.assert(fc.property(specs, specs, (left, right) => {
    const key = (spec: RouteSpec): string =>
      JSON.stringify([
        spec.owner,
        spec.network,
        spec.prefix.text,
        spec.nextHop,
        spec.priority,
        [...spec.tags].sort(),
        spec.sign?.id,
      ]);
    assert.equal(routeName(left) === routeName(right), key(left) === key(right));
    const changes: Partial<RouteSpec>[] = [
      { sign: { id: "projects/p/zones/z/instances/c", address: null, nextHops: [] } },
      { priority: left.priority === 0 ? 1 : left.priority - 1 },
      { nextHop: `${left.nextHop}0` },
      { tags: [...left.tags, "more"] },
      { owner: `${left.owner}x` },
      { prefix: right.prefix.text === left.prefix.text ? prefixOf(4, [1, 0, 0, 0], 32) : right.prefix },
    ];
    for (const change of changes) assert.notEqual(routeName({ ...left, ...change }), routeName(left));
  }));
});

Deno.test("routeName() does not depend on the order of the tags", () => {
  fc.assert(fc.property(specs, (spec) => {
    assert.equal(routeName({ ...spec, tags: [...spec.tags].reverse() }), routeName(spec));
  }));
});

Deno.test("ownerOf() reads back the owner of every mark, and of no other", () => {
  fc.assert(fc.property(specs, owners, prefixes, (spec, other, otherPrefix) => {
    const name = routeName(spec);
    const description = describeRoute(spec, "router-a");
    assert.ok(description.length < 2048);
    assert.equal(ownerOf(name, description, spec.prefix.text), spec.owner);
    const self = { id: "me", address: null, nextHops: [] };
    const writer = writerOf(description, { instance: "router-a", sign: self });
    assert.equal(writer?.id, spec.sign?.id ?? "me");
    if (spec.sign !== null) assert.equal(writer?.address?.text, spec.sign.address?.text);
    // A description pasted onto another destination, or another's name, proves nothing.
    if (otherPrefix.text !== spec.prefix.text) {
      assert.equal(ownerOf(name, description, otherPrefix.text), null);
    }
    if (ownerPrefix(other) !== ownerPrefix(spec.owner)) {
      assert.equal(ownerOf(routeName({ ...spec, owner: other }), description, spec.prefix.text), null);
    }
  }));
});

Deno.test("ownerOf() tells owners apart that share a label", () => {
  fc.assert(fc.property(specs, (spec) => {
    const lower = { ...spec, owner: spec.owner.toLowerCase() };
    const upper = { ...spec, owner: spec.owner.toUpperCase() };
    const description = describeRoute(upper, "router-a");
    assert.equal(ownerOf(routeName(upper), description, spec.prefix.text), upper.owner);
    assert.equal(ownerOf(routeName(lower), describeRoute(lower, "r"), spec.prefix.text), lower.owner);
  }));
});

Deno.test("ownerOf() does not take a name of owner a-b for one of owner a", () => {
  fc.assert(fc.property(specs, fc.stringMatching(/^[a-z0-9]{1,5}$/), (spec, suffix) => {
    const [short, long] = [{ ...spec, owner: "edge" }, { ...spec, owner: `edge-${suffix}` }];
    assert.equal(ownerOf(routeName(long), describeRoute(short, "router-a"), spec.prefix.text), null);
    assert.equal(ownerOf(routeName(long), describeRoute(long, "router-a"), spec.prefix.text), long.owner);
  }));
});
