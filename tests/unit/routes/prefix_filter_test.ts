import assert from "node:assert/strict";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { firstMatch, parsePrefixRange, passesFilter } from "../../../src/routes/prefix_filter.ts";
import { filterOf, passes } from "../../fakes/filters.ts";

Deno.test("parsePrefixRange() gives each form its lengths", () => {
  const cases: readonly (readonly [string, string, number, number])[] = [
    ["10.0.0.0/8", "10.0.0.0/8", 8, 8],
    ["10.0.0.0/8 ge 16", "10.0.0.0/8", 16, 32],
    ["10.0.0.0/8 le 24", "10.0.0.0/8", 8, 24],
    ["10.0.0.0/8 ge 16 le 24", "10.0.0.0/8", 16, 24],
    ["10.0.0.0/8 le 24 ge 16", "10.0.0.0/8", 16, 24],
    ["10.0.0.0/8 ge 24 le 24", "10.0.0.0/8", 24, 24],
    ["10.0.0.0/8 ge 8", "10.0.0.0/8", 8, 32],
    ["10.0.0.0/8+", "10.0.0.0/8", 8, 32],
    ["0.0.0.0/0 le 32", "0.0.0.0/0", 0, 32],
    ["10.1.2.3", "10.1.2.3/32", 32, 32],
    ["2001:db8::/32+", "2001:db8::/32", 32, 128],
    ["2001:db8::/32 ge 48 le 64", "2001:db8::/32", 48, 64],
    ["  10.0.0.0/8   ge  16 ", "10.0.0.0/8", 16, 32],
  ];
  for (const [text, prefix, shortest, longest] of cases) {
    const range = parsePrefixRange(text);
    assert.deepEqual([range.prefix.text, range.shortest, range.longest], [prefix, shortest, longest], text);
    assert.equal(range.text, text.trim());
  }
});

Deno.test("parsePrefixRange() says what is wrong with a range", () => {
  const bounds = "it takes 8 <= ge <= le <= 32";
  const cases: readonly (readonly [string, string])[] = [
    ["10.0.0.0/8 ge 7", bounds],
    ["10.0.0.0/8 le 7", bounds],
    ["10.0.0.0/8 le 33", bounds],
    ["10.0.0.0/8 ge 33", bounds],
    ["10.0.0.0/8 ge 24 le 16", bounds],
    ["10.0.0.0/8 ge", 'ge needs a length, not ""'],
    ["10.0.0.0/8 ge x", 'ge needs a length, not "x"'],
    ["10.0.0.0/8 ge -1", 'ge needs a length, not "-1"'],
    ["10.0.0.0/8 ge 16 ge 17", "ge is given twice"],
    ["10.0.0.0/8 eq 16", '"eq" is neither ge nor le'],
    ["10.0.0.0/8 GE 16", '"GE" is neither ge nor le'],
    ["10.0.0.0/8+ le 24", '"+" and ge or le exclude one another'],
  ];
  for (const [text, why] of cases) {
    assert.throws(() => parsePrefixRange(text), {
      name: "SyntaxError",
      message: `Cannot parse prefix range "${text}": ${why}`,
    }, text);
  }
});

Deno.test("parsePrefixRange() passes on what is wrong with the prefix itself", () => {
  assert.throws(() => parsePrefixRange("10.0.0.1/8+"), /host bits are set, did you mean 10\.0\.0\.0\/8\?/);
  assert.throws(() => parsePrefixRange(""), SyntaxError);
  assert.throws(() => parsePrefixRange("+"), SyntaxError);
});

Deno.test("passesFilter() lets everything pass when there is no rule", () => {
  assert.equal(passes([], "198.51.100.0/24"), true);
  assert.equal(passes([], "2001:db8::/32"), true);
});

Deno.test("passesFilter() takes a bare prefix for itself alone", () => {
  const rules = filterOf("include 10.0.0.0/8");
  assert.equal(passes(rules, "10.0.0.0/8"), true);
  assert.equal(passes(rules, "10.1.0.0/16"), false);
  assert.equal(passes(rules, "10.0.0.0/7"), false);
});

Deno.test("passesFilter() drops what matches nothing only where there is an include", () => {
  assert.equal(passes(filterOf("exclude 10.0.0.0/8+"), "192.0.2.0/24"), true);
  assert.equal(passes(filterOf("include 10.0.0.0/8+"), "192.0.2.0/24"), false);
  assert.equal(passes(filterOf("exclude 10.0.0.0/8+", "include 172.16.0.0/12+"), "192.0.2.0/24"), false);
});

Deno.test("passesFilter() lets the first rule that matches decide", () => {
  const excludeFirst = filterOf("exclude 10.1.0.0/16+", "include 10.0.0.0/8+");
  const includeFirst = filterOf("include 10.0.0.0/8+", "exclude 10.1.0.0/16+");
  assert.equal(passes(excludeFirst, "10.1.2.0/24"), false);
  assert.equal(passes(excludeFirst, "10.2.0.0/16"), true);
  assert.equal(passes(includeFirst, "10.1.2.0/24"), true);
});

Deno.test("passesFilter() never lets a rule of one family decide about the other", () => {
  assert.equal(passes(filterOf("exclude 0.0.0.0/0+"), "2001:db8::/32"), true);
  assert.equal(passes(filterOf("exclude ::/0+"), "10.0.0.0/8"), true);
});

Deno.test("firstMatch() names the rule that decides", () => {
  const rules = filterOf("include 10.0.0.0/8 ge 24", "exclude 10.0.0.0/8+");
  const { family, words } = parsePrefix("10.1.0.0/16");
  assert.equal(firstMatch(rules, family, words, 16)?.range.text, "10.0.0.0/8+");
  assert.equal(firstMatch(rules, family, words, 24)?.range.text, "10.0.0.0/8 ge 24");
  assert.equal(firstMatch(rules, family, words, 7), null);
  assert.equal(passesFilter(rules, family, words, 16), false);
});
