/** Searching and filtering the page's rows. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  byPrefix,
  contains,
  countRows,
  filtered,
  indexed,
  parseRange,
} from "../../../../src/observe/page/routes.js";
import { rowStates } from "../../../../src/observe/route_row.ts";
import type { RouteRow } from "../../../../src/observe/route_row.ts";
import { parsePrefix, prefixContains } from "../../../../src/routes/prefix.ts";
import { states } from "../../../../src/observe/page/routes.js";

const row = (prefix: string, changed: Partial<RouteRow> = {}): ReturnType<typeof indexed> =>
  indexed({ prefix, kernel: [], verdict: "wanted", reason: null, state: "in-step", cloud: [], ...changed });

const everything = { words: "", group: "", reason: "" };
const prefixes = (rows: readonly RouteRow[]): string[] => rows.map(({ prefix }) => prefix);

Deno.test("every state has a name and a group", () => {
  assert.deepEqual(Object.keys(states), [...rowStates]);
});

Deno.test("parseRange() reads addresses and prefixes as the program does", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const group = fc.integer({ min: 0, max: 0xffff });
  const address = fc.oneof(
    fc.tuple(octet, octet, octet, octet).map((parts) => ({ bits: 32, text: parts.join(".") })),
    fc.array(group, { minLength: 8, maxLength: 8 }).map((parts) => ({
      bits: 128,
      text: parts.map((part) => part.toString(16)).join(":"),
    })),
  );
  fc.assert(fc.property(address, address, fc.nat(128), fc.nat(128), (one, other, outer, inner) => {
    const range = (each: typeof one, length: number): ReturnType<typeof parseRange> =>
      parseRange(`${each.text}/${Math.min(each.bits, length)}`);
    const [left, right] = [range(one, outer), range(other, inner)];
    assert.ok(left !== null && right !== null);
    const prefix = ({ family, value, length }: NonNullable<typeof left>): ReturnType<typeof parsePrefix> => {
      const shift = BigInt((family === 4 ? 32 : 128) - length);
      const cleared = (value >> shift) << shift;
      const bytes = family === 4 ? 4 : 16;
      const hex = cleared.toString(16).padStart(bytes * 2, "0");
      const text = family === 4
        ? (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join(".")
        : (hex.match(/..../g) ?? []).join(":");
      return parsePrefix(`${text}/${length}`);
    };
    assert.equal(contains(left, right), prefixContains(prefix(left), prefix(right)));
  }));
});

Deno.test("parseRange() takes nothing that is no address", () => {
  for (
    const text of [
      "",
      "10",
      "10.0.0",
      "10.0.0.256",
      "10.0.0.0/33",
      "10.0.0.0/",
      "a/8",
      "10.0.0.0/8/8",
      ":::",
      "1::2::3",
      "1:2",
    ]
  ) {
    assert.equal(parseRange(text), null, text);
  }
  assert.deepEqual(parseRange("::1"), { family: 6, value: 1n, length: 128 });
  assert.deepEqual(parseRange(" 2001:db8::/32 "), { family: 6, value: 0x20010db8n << 96n, length: 32 });
});

Deno.test("rows sort by family, address and length", () => {
  const texts = ["2001:db8::/32", "10.10.0.0/16", "9.0.0.0/8", "10.2.0.0/16", "10.2.0.0/15"];
  assert.deepEqual(prefixes(texts.map((text) => row(text)).sort(byPrefix)), [
    "9.0.0.0/8",
    "10.2.0.0/15",
    "10.2.0.0/16",
    "10.10.0.0/16",
    "2001:db8::/32",
  ]);
});

Deno.test("filtered() finds for an address what contains it, the longest match first", () => {
  const rows = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16"].map((text) =>
    row(text)
  );
  assert.deepEqual(prefixes(filtered(rows, { ...everything, words: "10.1.2.3" })), [
    "10.1.2.0/24",
    "10.1.0.0/16",
    "10.0.0.0/8",
    "0.0.0.0/0",
  ]);
  assert.deepEqual(prefixes(filtered(rows, { ...everything, words: "10.1.0.0/16" })), [
    "10.1.0.0/16",
    "10.1.2.0/24",
  ]);
});

Deno.test("filtered() finds words anywhere in a row, all of them", () => {
  const rows = [
    row("10.1.0.0/16", {
      kernel: [{ via: "via 10.0.0.7 dev eth0", protocol: "bgp", metric: 20, reason: null }],
    }),
    row("10.2.0.0/16", {
      cloud: [{ table: "rtb-1", state: "foreign", to: "igw-0a41", owner: "foreign", why: null }],
    }),
  ];
  assert.deepEqual(prefixes(filtered(rows, { ...everything, words: "BGP eth0" })), ["10.1.0.0/16"]);
  assert.deepEqual(prefixes(filtered(rows, { ...everything, words: "igw-" })), ["10.2.0.0/16"]);
  assert.deepEqual(prefixes(filtered(rows, { ...everything, words: "10.2." })), ["10.2.0.0/16"]);
  assert.deepEqual(filtered(rows, { ...everything, words: "bgp igw-" }), []);
});

Deno.test("filtered() and countRows() agree on groups and reasons", () => {
  const rows = [
    row("10.1.0.0/16"),
    row("10.2.0.0/16", { state: "held" }),
    row("10.3.0.0/16", { state: "dropped", verdict: "dropped", reason: "shadowed" }),
    row("10.4.0.0/16", { state: "dropped", verdict: "dropped", reason: "type" }),
  ];
  const { groups, reasons } = countRows(rows, "dropped");
  assert.deepEqual([...groups], [["in-step", 1], ["attention", 1], ["dropped", 2]]);
  assert.deepEqual([...reasons], [["shadowed", 1], ["type", 1]]);
  for (const [group, count] of groups) assert.equal(filtered(rows, { ...everything, group }).length, count);
  assert.deepEqual(prefixes(filtered(rows, { words: "", group: "dropped", reason: "type" })), [
    "10.4.0.0/16",
  ]);
  assert.deepEqual(countRows(rows, "").reasons.size, 4);
});
