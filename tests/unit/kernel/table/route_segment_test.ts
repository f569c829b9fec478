import assert from "node:assert/strict";
import { RouteSegment } from "../../../../src/kernel/table/route_segment.ts";
import { type Family, parsePrefix, prefixOf } from "../../../../src/routes/prefix.ts";

/** A segment after a dump of these prefixes, the body of each being its place. */
function dumped(family: Family, prefixes: readonly string[]): RouteSegment {
  const segment = new RouteSegment(family, 254);
  prefixes.forEach((text, body) => {
    const { words, length } = parsePrefix(text);
    segment.append(words, length, body);
  });
  segment.seal();
  return segment;
}

function routesOf(segment: RouteSegment, text: string): readonly number[] {
  const { words, length } = parsePrefix(text);
  return segment.routesOf(words, length);
}

function change(segment: RouteSegment, text: string, routes: readonly number[]): void {
  const { words, length } = parsePrefix(text);
  segment.change(words, length, segment.routesOf(words, length), routes);
}

function all(segment: RouteSegment): string[] {
  return Array.from(
    segment.prefixes(),
    ({ words, length, routes }) => `${prefixOf(segment.family, words, length).text}=${routes}`,
  );
}

function differences(left: RouteSegment, right: RouteSegment): string[] {
  const found = new Set<string>();
  const same = Int32Array.from({ length: 100 }, (_, body) => body);
  left.compare(right, same, (words, length) => {
    found.add(prefixOf(left.family, words, length).text);
    return true;
  });
  return [...found].sort();
}

const sorted = ["10.0.0.0/24", "10.0.0.0/8", "10.0.1.0/24", "10.0.1.0/24", "200.0.0.0/8"];

Deno.test("RouteSegment finds each prefix of a dump, several routes of one together", () => {
  const segment = dumped(4, sorted);
  assert.deepEqual(sorted.map((text) => [...routesOf(segment, text)]), [[0], [1], [2, 3], [2, 3], [4]]);
  assert.deepEqual(routesOf(segment, "10.0.0.0/16"), []);
  assert.equal(segment.size, 5);
});

Deno.test("RouteSegment puts a dump in order that comes out of order", () => {
  const segment = dumped(4, ["200.0.0.0/8", "10.0.1.0/24", "10.0.0.0/8", "10.0.1.0/24", "10.0.0.0/24"]);
  assert.deepEqual(routesOf(segment, "10.0.1.0/24"), [1, 3]);
  assert.deepEqual(routesOf(segment, "200.0.0.0/8"), [0]);
  assert.deepEqual(routesOf(segment, "10.0.0.0/24"), [4]);
});

Deno.test("RouteSegment finds IPv6 prefixes one inside the other", () => {
  const texts = ["2001:db8::/48", "2001:db8:8000::/48", "2001:db8::/32", "::/0", "fe80::/64"];
  const segment = dumped(6, texts);
  texts.forEach((text, body) => assert.deepEqual(routesOf(segment, text), [body]));
});

Deno.test("RouteSegment finds every prefix of many pages", () => {
  const segment = new RouteSegment(4, 254);
  for (let index = 0; index < 50_000; index++) segment.append([0x0b000000 + index * 256, 0, 0, 0], 24, index);
  segment.seal();
  for (let index = 0; index < 50_000; index += 997) {
    assert.deepEqual(segment.routesOf([0x0b000000 + index * 256, 0, 0, 0], 24), [index]);
  }
  assert.equal(Array.from(segment.prefixes()).length, 50_000);
});

Deno.test("RouteSegment.change() adds, changes and removes prefixes", () => {
  const segment = dumped(4, sorted);
  change(segment, "10.0.1.0/24", [7]);
  change(segment, "10.0.0.0/8", []);
  change(segment, "192.0.2.0/24", [8, 9]);
  assert.deepEqual(all(segment).sort(), [
    "10.0.0.0/24=0",
    "10.0.1.0/24=7",
    "192.0.2.0/24=8,9",
    "200.0.0.0/8=4",
  ]);
  assert.deepEqual(routesOf(segment, "10.0.0.0/8"), []);
  assert.equal(segment.size, 5);
});

Deno.test("RouteSegment.compare() visits what differs and nothing else", () => {
  const left = dumped(4, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]);
  const right = new RouteSegment(4, 254);
  for (
    const [text, body] of [["10.0.0.0/24", 0], ["10.0.1.0/24", 9], ["10.0.3.0/24", 3], [
      "10.0.4.0/24",
      4,
    ]] as const
  ) {
    right.append(parsePrefix(text).words, 24, body);
  }
  right.seal();
  assert.deepEqual(differences(left, right), ["10.0.1.0/24", "10.0.2.0/24", "10.0.4.0/24"]);
  assert.deepEqual(differences(left, left), []);
});

Deno.test("RouteSegment.compare() visits what events have changed", () => {
  const left = dumped(4, sorted), right = dumped(4, sorted);
  change(left, "10.0.0.0/8", []);
  change(right, "192.0.2.0/24", [8]);
  assert.deepEqual(differences(left, right), ["10.0.0.0/8", "192.0.2.0/24"]);
});
