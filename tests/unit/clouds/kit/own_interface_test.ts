import assert from "node:assert/strict";
import { ownInterface } from "../../../../src/clouds/kit/own_interface.ts";
import { parseAddress, parseInterfaceAddress } from "../../../../src/routes/prefix.ts";

const interfaces = [
  { id: "nic-0", addresses: ["10.0.0.10", "2001:db8::10"].map(parseAddress) },
  { id: "nic-1", addresses: ["10.0.1.10", "10.0.1.11", "2001:db8:1::10"].map(parseAddress) },
];

function pick(...self: readonly string[]): string | null {
  return ownInterface(interfaces, self.map(parseInterfaceAddress))?.id ?? null;
}

Deno.test("ownInterface() picks the interface that has the address of -self, primary or secondary, of either family", () => {
  assert.equal(pick("10.0.0.10/24"), "nic-0");
  assert.equal(pick("10.0.1.11/24"), "nic-1");
  assert.equal(pick("2001:db8:1::10/64"), "nic-1");
  assert.equal(pick("10.0.1.10/24", "2001:db8:1::10/64"), "nic-1");
  assert.equal(pick(), null);
});

Deno.test("ownInterface() refuses an address that no interface has, and names those that there are", () => {
  assert.throws(() => pick("10.0.2.10/24"), {
    kind: "invalid",
    message: "Cannot use -self 10.0.2.10: no interface of this VM has that address, " +
      "they have 10.0.0.10, 2001:db8::10, 10.0.1.10, 10.0.1.11, 2001:db8:1::10",
  });
});

Deno.test("ownInterface() refuses addresses of different interfaces", () => {
  assert.throws(() => pick("10.0.0.10/24", "2001:db8:1::10/64"), {
    kind: "invalid",
    message: /10\.0\.0\.10 and 2001:db8:1::10 are on different interfaces/,
  });
});
