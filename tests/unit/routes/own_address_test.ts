import assert from "node:assert/strict";
import { ownAddress } from "../../../src/routes/own_address.ts";
import type { InterfaceAddress } from "../../../src/kernel/kernel_table.ts";
import {
  FakeKernelTable,
  interfaceAddress,
  kernelRoute,
  link,
  type RouteParts,
} from "../../fakes/kernel_routes.ts";

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

/** The own address of a table with these addresses on eth0 and a default route out of it. */
function chosen(texts: readonly (string | InterfaceAddress)[], route: RouteParts = {}): string | null {
  const addresses = texts.map((each) => typeof each === "string" ? interfaceAddress("eth0", each) : each);
  const family = addresses[0]?.address.family === 6 ? 6 : 4;
  const via = family === 4 ? "10.0.0.1" : "fe80::1";
  const routes = [kernelRoute(family === 4 ? "0.0.0.0/0" : "::/0", { via, protocol: 3, ...route })];
  return ownAddress(family, new FakeKernelTable(routes, links, addresses))?.address.text ?? null;
}

Deno.test("ownAddress() takes of a device's IPv4 addresses the first in whose subnet the gateway lies", () => {
  assert.equal(chosen(["10.0.5.2/24", "10.0.0.2/24", "10.0.0.3/24"]), "10.0.0.2");
  assert.equal(
    chosen(["10.0.5.2/24", "10.0.6.2/24"]),
    "10.0.5.2",
    "a gateway on the link by its onlink flag alone",
  );
  assert.equal(chosen(["10.0.5.2/24", "10.0.0.2/24"], { legs: [{ dev: "eth0" }] }), "10.0.5.2", "no gateway");
});

Deno.test("ownAddress() takes the preferred source of the default route", () => {
  assert.equal(chosen(["10.0.0.2/24", "10.0.0.3/24"], { src: "10.0.0.3" }), "10.0.0.3");
  assert.equal(chosen(["2001:db8::a/64", "2001:db8::b/64"], { src: "2001:db8::b" }), "2001:db8::b");
  const onLo = interfaceAddress("lo", "10.9.0.1/32");
  assert.equal(chosen(["10.0.0.2/24", onLo], { src: "10.9.0.1" }), "10.9.0.1", "on another device");
  assert.equal(chosen(["10.0.0.2/24"], { src: "10.0.0.9" }), "10.0.0.2", "one that is not there any more");
});

Deno.test("ownAddress() takes an IPv4 address whose preferred lifetime is over: the kernel sends from it all the same", () => {
  assert.equal(
    chosen([interfaceAddress("eth0", "10.0.0.2/24", 0, { deprecated: true }), "10.0.0.3/24"]),
    "10.0.0.2",
  );
});

for (const flag of ["deprecated", "tentative", "failed", "temporary"] as const) {
  Deno.test(`ownAddress() takes no ${flag} IPv6 address`, () => {
    const passing = interfaceAddress("eth0", "2001:db8::a/64", 0, { [flag]: true });
    assert.equal(chosen([passing, "2001:db8::b/64"]), "2001:db8::b");
    assert.equal(chosen([passing]), null);
  });
}

Deno.test("ownAddress() takes no /128 beside the address of the subnet, but one that is alone", () => {
  assert.equal(chosen(["2001:db8::c/128", "2001:db8::b/64", "2001:db8::a/64"]), "2001:db8::b");
  assert.equal(chosen(["2001:db8::c/128"]), "2001:db8::c", "as AWS gives it by DHCP");
  assert.equal(chosen(["fd00::5/64", "2001:db8::c/128"]), "2001:db8::c", "the /64 is unique local");
});

Deno.test("ownAddress() takes a global IPv6 address before a unique local one", () => {
  assert.equal(chosen(["fd00::5/64", "2001:db8::a/64"]), "2001:db8::a");
  assert.equal(chosen(["fd00::5/64"]), "fd00::5");
});

Deno.test("ownAddress() looks at other devices where that of the default route has none, the lowest number first", () => {
  const others = [interfaceAddress("eth1", "10.0.7.1/24"), interfaceAddress("eth0", "fe80::4/64", 253)];
  assert.equal(chosen([...others]), "10.0.7.1");
  const table = new FakeKernelTable([], links, [
    interfaceAddress("eth1", "10.0.7.1/24"),
    interfaceAddress("eth0", "10.0.0.4/24"),
  ]);
  assert.equal(own(table), "10.0.0.4 in 10.0.0.0/24", "whatever the order in which they came");
});

Deno.test("ownAddress() passes over a dead default route, and one for some sources only", () => {
  const addresses = [interfaceAddress("eth0", "10.0.0.4/24"), interfaceAddress("eth1", "10.0.1.4/24")];
  const better = [{ dead: true }, { type: 7 }, { tos: 8 }];
  for (const parts of better) {
    const routes = [
      kernelRoute("0.0.0.0/0", { via: "10.0.0.1", metric: 1, ...parts }),
      kernelRoute("0.0.0.0/0", { via: "10.0.1.1", dev: "eth1", metric: 50 }),
    ];
    assert.equal(
      own(new FakeKernelTable(routes, links, addresses)),
      "10.0.1.4 in 10.0.1.0/24",
      JSON.stringify(parts),
    );
  }
});
