import assert from "node:assert/strict";
import { absentDevices, findDevices } from "../../../src/routes/devices.ts";
import { FakeKernelTable, interfaceAddress, leg, link } from "../../fakes/kernel_routes.ts";
import { smallKernel, smallVm } from "../../fakes/policies.ts";

const index = (dev: string): number => leg({ dev }).interfaceIndex;

Deno.test("findDevices() finds what -interface names, by a device's name or another name that it has", () => {
  const named = (
    ...names: readonly string[]
  ): readonly number[] => [...findDevices(smallKernel(), new Set(names), []).named];
  assert.deepEqual(named("wg1"), [index("wg1")]);
  assert.deepEqual(named("tunnel-to-berlin"), [index("wg0")]);
  assert.deepEqual(named("wg0", "tunnel-to-berlin"), [index("wg0")]);
  assert.deepEqual(named("wg9"), []);
  assert.deepEqual(named(), []);
});

Deno.test("findDevices() finds the devices that have one of this VM's addresses on the cloud network", () => {
  const attached = (...addresses: readonly (readonly [string, string])[]): readonly number[] => {
    const held = addresses.map(([dev, address]) => interfaceAddress(dev, address));
    const kernel = new FakeKernelTable([], [link("eth0"), link("br0")], held);
    return [...findDevices(kernel, new Set(), smallVm.attachments).attached.keys()];
  };
  assert.deepEqual(attached(["eth0", "10.0.0.4/24"]), [index("eth0")]);
  assert.deepEqual(
    attached(["br0", "10.0.0.4/24"]),
    [index("br0")],
    "a bridge over the interface has the address",
  );
  assert.deepEqual(attached(["eth0", "2001:db8:a::4/128"]), [index("eth0")]);
  assert.deepEqual(attached(["eth0", "10.0.0.5/24"]), [], "an address that is not the cloud's");
});

Deno.test("absentDevices() names what no device has for a name", () => {
  const { links } = { links: smallKernel().links() };
  assert.deepEqual(absentDevices(links, new Set(["wg0", "tunnel-to-berlin", "wg9", "eth9"])), [
    "wg9",
    "eth9",
  ]);
});
