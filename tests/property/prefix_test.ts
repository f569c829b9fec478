/** Prefix arithmetic against two models that share no code with it: the runtime's own address parser, and big integers. */

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import {
  addressBits,
  compareAddresses,
  compareMoreSpecificFirst,
  comparePrefixes,
  type Family,
  formatAddress,
  hostPrefix,
  type IpAddress,
  ipAddress,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixContainsAddress,
  prefixOf,
  type Words,
} from "../../src/routes/prefix.ts";

const runs = { numRuns: 2000 };
/** Words that often hold zeros, ones and small groups, since those are where compression and masks go wrong. */
const word = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x10000, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
const family = fc.constantFrom<Family>(4, 6);
const words6: fc.Arbitrary<Words> = fc.tuple(word, word, word, word);
const words4: fc.Arbitrary<Words> = word.map((value): Words => [value, 0, 0, 0]);
const address: fc.Arbitrary<IpAddress> = family.chain((kind) =>
  (kind === 4 ? words4 : words6).map((words) => ipAddress(kind, words))
);
const prefix: fc.Arbitrary<Prefix> = address.chain(({ family: kind, words }) =>
  fc.nat(addressBits(kind)).map((length) => prefixOf(kind, words, length))
);
/** Two prefixes that are near one another half of the time. */
const prefixes: fc.Arbitrary<readonly [Prefix, Prefix]> = fc.oneof(
  fc.tuple(prefix, prefix),
  prefix.chain((one) =>
    fc.nat(addressBits(one.family)).map((length) => [one, prefixOf(one.family, one.words, length)] as const)
  ),
);

/** An address as one number. */
function numberOf(kind: Family, words: Words): bigint {
  const used: readonly number[] = kind === 4 ? words.slice(0, 1) : words;
  return used.reduce<bigint>((sum, value) => (sum << 32n) | BigInt(value), 0n);
}

/** First and last address of a prefix. */
function boundsOf({ family: kind, words, length }: Prefix): readonly [bigint, bigint] {
  const size = 1n << BigInt(addressBits(kind) - length);
  const first = numberOf(kind, words);
  return [first, first + size - 1n];
}

/** What the runtime's URL parser makes of an IPv6 address; it writes a mapped address in hex, RFC 5952 as a quad. */
function canonicalIpv6(text: string): string {
  const inner = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(inner);
  if (mapped === null) return inner;
  const quad = [mapped[1], mapped[2]].map((group) => parseInt(group ?? "", 16))
    .flatMap((group) => [group >>> 8, group & 255]);
  return `::ffff:${quad.join(".")}`;
}

Deno.test("parseAddress() undoes formatAddress() for any address", () => {
  fc.assert(
    fc.property(address, (one) => {
      assert.deepEqual(parseAddress(formatAddress(one.family, one.words)), one);
    }),
    runs,
  );
});

Deno.test("parsePrefix() undoes the text of any prefix", () => {
  fc.assert(fc.property(prefix, (one) => assert.deepEqual(parsePrefix(one.text), one)), runs);
});

Deno.test("formatAddress() writes IPv6 as the URL standard's serializer does", () => {
  fc.assert(
    fc.property(words6, (words) => {
      const plain = words.flatMap((value) => [value >>> 16, value & 0xffff])
        .map((group) => group.toString(16)).join(":");
      assert.equal(formatAddress(6, words), canonicalIpv6(plain));
    }),
    runs,
  );
});

Deno.test("parseAddress() reads what fast-check's generators write, to the same canonical text", () => {
  fc.assert(
    fc.property(fc.ipV6().filter((text) => isIPv6(text)), (text) => {
      assert.equal(parseAddress(text).text, canonicalIpv6(text));
    }),
    runs,
  );
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(parseAddress(text).text, text)), runs);
});

Deno.test("parseAddress() takes a text exactly when node:net calls it an address", () => {
  const piece = fc.constantFrom(
    "0",
    "1",
    "ffff",
    "10",
    "256",
    "01",
    "1.2.3.4",
    "::",
    ":",
    ".",
    "g",
    "-1",
    "",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")), (text) => {
      const expected = isIPv4(text) || isIPv6(text);
      if (expected) assert.doesNotThrow(() => parseAddress(text));
      else assert.throws(() => parseAddress(text), SyntaxError);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("prefixOf() clears exactly the host bits", () => {
  fc.assert(
    fc.property(address, fc.nat(128), ({ family: kind, words }, any) => {
      const length = any % (addressBits(kind) + 1);
      const shift = BigInt(addressBits(kind) - length);
      assert.equal(
        numberOf(kind, prefixOf(kind, words, length).words),
        (numberOf(kind, words) >> shift) << shift,
      );
    }),
    runs,
  );
});

Deno.test("prefixContains() is containment of address ranges", () => {
  fc.assert(
    fc.property(prefixes, ([outer, inner]) => {
      const [outerFirst, outerLast] = boundsOf(outer);
      const [innerFirst, innerLast] = boundsOf(inner);
      const expected = outer.family === inner.family && outerFirst <= innerFirst && innerLast <= outerLast;
      assert.equal(prefixContains(outer, inner), expected);
    }),
    runs,
  );
});

Deno.test("prefixContainsAddress() is the containment of the host prefix", () => {
  fc.assert(
    fc.property(prefix, address, (outer, inner) => {
      assert.equal(prefixContainsAddress(outer, inner), prefixContains(outer, hostPrefix(inner)));
      const first = ipAddress(outer.family, outer.words);
      assert.equal(prefixContainsAddress(outer, first), true);
    }),
    runs,
  );
});

Deno.test("comparePrefixes() and compareMoreSpecificFirst() are total orders in which only equals tie", () => {
  for (const compare of [comparePrefixes, compareMoreSpecificFirst]) {
    fc.assert(
      fc.property(prefix, prefix, prefix, (one, two, three) => {
        assert.equal(Math.sign(compare(one, two)), -Math.sign(compare(two, one)) + 0);
        assert.equal(compare(one, two) === 0, one.text === two.text);
        if (compare(one, two) <= 0 && compare(two, three) <= 0) assert.ok(compare(one, three) <= 0);
      }),
      runs,
    );
  }
});

Deno.test("compareMoreSpecificFirst() puts every prefix before what covers it", () => {
  fc.assert(
    fc.property(prefixes, ([outer, inner]) => {
      fc.pre(outer.text !== inner.text && prefixContains(outer, inner));
      assert.ok(compareMoreSpecificFirst(inner, outer) < 0);
    }),
    { numRuns: 500 },
  );
});

Deno.test("compareAddresses() orders by value within a family, IPv4 before IPv6", () => {
  fc.assert(
    fc.property(address, address, (one, two) => {
      const left = numberOf(one.family, one.words);
      const right = numberOf(two.family, two.words);
      const byValue = left < right ? -1 : left > right ? 1 : 0;
      assert.equal(Math.sign(compareAddresses(one, two)), Math.sign(one.family - two.family) || byValue);
    }),
    runs,
  );
});
