import assert from "node:assert/strict";
import { longestMatch } from "../../../src/routes/longest_match.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { FakeKernelTable, kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy } from "../../fakes/policies.ts";

function tableOf(...prefixes: readonly (readonly [string, number])[]): FakeKernelTable {
  const kernel = new FakeKernelTable();
  for (const [prefix, table] of prefixes) kernel.set(prefix, kernelRoute(prefix, { via: "10.0.0.2", table }));
  return kernel;
}

Deno.test("longestMatch() finds the longest prefix that has a route in a table that is read", () => {
  const kernel = tableOf(["0.0.0.0/0", 254], ["198.51.0.0/16", 254], ["198.51.100.0/24", 254], [
    "198.51.100.7/32",
    100,
  ]);
  const match = (text: string): string => longestMatch(parseAddress(text), kernel, defaultPolicy).text;
  assert.equal(match("198.51.100.7"), "198.51.100.0/24");
  assert.equal(match("198.51.1.1"), "198.51.0.0/16");
  assert.equal(match("203.0.113.1"), "0.0.0.0/0");
});

Deno.test("longestMatch() finds the kernel's IPv6 route though IPv6 is not exported, so that explain can say so", () => {
  const kernel = tableOf(["2001:db8::/32", 254]);
  assert.equal(longestMatch(parseAddress("2001:db8::1"), kernel, defaultPolicy).text, "2001:db8::/32");
});

Deno.test("longestMatch() is the address itself where no route has it", () => {
  assert.equal(longestMatch(parseAddress("192.0.2.1"), tableOf(), defaultPolicy).text, "192.0.2.1/32");
});
