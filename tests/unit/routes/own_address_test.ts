import assert from "node:assert/strict";
import { ownAddress } from "../../../src/routes/own_address.ts";
import { FakeKernelTable, interfaceAddress, kernelRoute, link } from "../../fakes/kernel_routes.ts";

const links = [link("lo"), link("eth0"), link("eth1")];
const addresses = [
  interfaceAddress("lo", "127.0.0.1/8", 254),
  interfaceAddress("eth0", "10.0.0.4/24"),
  interfaceAddress("eth1", "10.0.1.4/24"),
  interfaceAddress("eth0", "fe80::4/64", 253),
  interfaceAddress("eth1", "2001:db8::4/64"),
];

function own(table: FakeKernelTable, family: 4 | 6 = 4): string | null {
  const found = ownAddress(family, table);
  return found === null ? null : `${found.address.text} in ${found.subnet.text}`;
}

Deno.test("ownAddress() is the address of the interface that the default route leaves by", () => {
  const routes = [kernelRoute("0.0.0.0/0", { via: "10.0.1.1", dev: "eth1", protocol: 16 })];
  assert.equal(own(new FakeKernelTable(routes, links, addresses)), "10.0.1.4 in 10.0.1.0/24");
});

Deno.test("ownAddress() follows the default route of the lowest metric in table main", () => {
  const routes = [
    kernelRoute("0.0.0.0/0", { via: "10.0.0.1", dev: "eth0", metric: 1, table: 100 }),
    kernelRoute("0.0.0.0/0", { via: "10.0.0.1", dev: "eth0", metric: 200 }),
    kernelRoute("0.0.0.0/0", { via: "10.0.1.1", dev: "eth1", metric: 100 }),
  ];
  assert.equal(own(new FakeKernelTable(routes, links, addresses)), "10.0.1.4 in 10.0.1.0/24");
});

Deno.test("ownAddress() is the first global address of an interface that is up when there is no default route", () => {
  assert.equal(own(new FakeKernelTable([], links, addresses)), "10.0.0.4 in 10.0.0.0/24");
  const down = [link("lo"), link("eth0", { up: false }), link("eth1")];
  assert.equal(own(new FakeKernelTable([], down, addresses)), "10.0.1.4 in 10.0.1.0/24");
});

Deno.test("ownAddress() takes no link-local, host or loopback address", () => {
  const poor = [
    interfaceAddress("lo", "127.0.0.1/8", 0),
    interfaceAddress("lo", "::1/128", 0),
    interfaceAddress("eth0", "169.254.7.7/16", 253),
    interfaceAddress("eth0", "fe80::4/64", 253),
  ];
  assert.equal(own(new FakeKernelTable([], links, poor)), null);
  assert.equal(own(new FakeKernelTable([], links, poor), 6), null);
});

Deno.test("ownAddress() answers for each family by itself", () => {
  assert.equal(own(new FakeKernelTable([], links, addresses), 6), "2001:db8::4 in 2001:db8::/64");
});

Deno.test("ownAddress() keeps a /32 as GCE gives it", () => {
  const gce = new FakeKernelTable([], links, [interfaceAddress("eth0", "10.128.0.2/32")]);
  assert.equal(own(gce), "10.128.0.2 in 10.128.0.2/32");
});
