import assert from "node:assert/strict";
import { addressDifference, type VmAddresses } from "../../../src/sync/vm_addresses.ts";

function addresses(all: readonly string[], ipv4: string | null, ipv6: string | null = null): VmAddresses {
  return { all: new Set(all), leaving: { 4: ipv4, 6: ipv6 } };
}

const before = addresses(["2 10.0.0.4", "2 fd00::4"], "10.0.0.4");

Deno.test("addressDifference() is null while nothing changed, whatever the order", () => {
  assert.equal(addressDifference(before, addresses(["2 fd00::4", "2 10.0.0.4"], "10.0.0.4")), null);
  assert.equal(addressDifference(null, addresses([], null)), null);
});

Deno.test("addressDifference() names what came and what went, by interface", () => {
  assert.deepEqual(addressDifference(before, addresses(["3 10.0.0.4", "2 fd00::4"], "10.0.0.4")), {
    added: ["3 10.0.0.4"],
    removed: ["2 10.0.0.4"],
    rerouted: [],
  });
  assert.deepEqual(addressDifference(null, before), {
    added: ["2 10.0.0.4", "2 fd00::4"],
    removed: [],
    rerouted: [4],
  });
});

Deno.test("addressDifference() sees that the default route leaves by another address, though all are the same", () => {
  const now = addresses(["2 10.0.0.4", "2 fd00::4"], null, "fd00::4");
  assert.deepEqual(addressDifference(before, now), { added: [], removed: [], rerouted: [4, 6] });
});
