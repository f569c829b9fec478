import assert from "node:assert/strict";
import {
  ipAddress,
  parseAddress,
  parseInterfaceAddress,
  parsePrefix,
  prefixContains,
  prefixOf,
} from "../../../src/routes/prefix.ts";

Deno.test("parseAddress() writes addresses as RFC 5952 does", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["10.0.0.1", "10.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::", "::"],
    ["1::", "1::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ];
  for (const [text, expected] of cases) assert.equal(parseAddress(text).text, expected, text);
});

Deno.test("parseAddress() refuses what is no address and names it", () => {
  const bad = [
    "",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.01",
    "10.0.0.1.2",
    " 10.0.0.1",
    "0x0a.0.0.1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    ":::",
    ":1:2:3:4:5:6:7",
    "12345::",
    "fe80::1%eth0",
    "::1.2.3",
    "1.2.3.4::",
    "1.2.3.4::5",
  ];
  for (const text of bad) {
    assert.throws(() => parseAddress(text), {
      name: "SyntaxError",
      message: `Cannot parse address "${text}": it is neither an IPv4 nor an IPv6 address`,
    });
  }
});

Deno.test("parsePrefix() says what is wrong with a prefix", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["10.0.0.0/33", 'Cannot parse prefix "10.0.0.0/33": length is over 32'],
    ["2001:db8::/129", 'Cannot parse prefix "2001:db8::/129": length is over 128'],
    ["10.0.0.1/8", 'Cannot parse prefix "10.0.0.1/8": host bits are set, did you mean 10.0.0.0/8?'],
    ["10.0.0.0/", 'Cannot parse prefix "10.0.0.0/": length "" is not a number'],
    ["10.0.0.0/08", 'Cannot parse prefix "10.0.0.0/08": length "08" is not a number'],
    ["10.0.0.0/-1", 'Cannot parse prefix "10.0.0.0/-1": length "-1" is not a number'],
    ["10.0.0.0/8/9", 'Cannot parse prefix "10.0.0.0/8/9": length "8/9" is not a number'],
    ["hello/8", 'Cannot parse prefix "hello/8": "hello" is not an IP address'],
    ["", 'Cannot parse prefix "": "" is not an IP address'],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parsePrefix(text), { name: "SyntaxError", message });
  }
});

Deno.test("parsePrefix() takes a bare address for its host prefix", () => {
  assert.equal(parsePrefix("10.0.0.1").text, "10.0.0.1/32");
  assert.equal(parsePrefix("2001:db8::1").text, "2001:db8::1/128");
});

Deno.test("parseInterfaceAddress() keeps the host bits in the address and clears them in the subnet", () => {
  const { address, subnet } = parseInterfaceAddress("10.0.1.20/24");
  assert.equal(address.text, "10.0.1.20");
  assert.equal(subnet.text, "10.0.1.0/24");
  assert.throws(() => parseInterfaceAddress("10.0.1.20/40"), {
    message: 'Cannot parse interface address "10.0.1.20/40": length is over 32',
  });
});

Deno.test("prefixOf() refuses a length that the family does not have", () => {
  for (const length of [-1, 33, 1.5, NaN]) {
    assert.throws(() => prefixOf(4, [0, 0, 0, 0], length), RangeError, String(length));
  }
  assert.equal(prefixOf(6, [0, 0, 0, 0], 128).text, "::/128");
});

Deno.test("prefixContains() tells nothing of the other family, however alike the bits", () => {
  const four = prefixOf(4, [0x0a000000, 0, 0, 0], 8);
  const six = prefixOf(6, [0x0a000000, 0, 0, 0], 16);
  assert.equal(prefixContains(four, six), false);
  assert.equal(prefixContains(parsePrefix("::/0"), parsePrefix("0.0.0.0/0")), false);
  assert.equal(ipAddress(4, [0x0a000000, 0, 0, 0]).text, "10.0.0.0");
});
