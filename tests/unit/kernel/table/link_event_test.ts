/** Events of links and addresses: those that can change a kept route make a dump, others do not. */

import assert from "node:assert/strict";
import { KernelMonitor, type KernelMonitorOptions } from "../../../../src/kernel/kernel_monitor.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";
import {
  addressPayload,
  attribute,
  concat,
  linkPayload,
  message,
  routePayload,
  u32,
} from "../../../fakes/netlink_messages.ts";
import { done, FakeKernel } from "../../../fakes/netlink_port.ts";

const RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_GETLINK = 18;
const RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22;
const RTM_NEWROUTE = 24, RTM_GETROUTE = 26, RTM_NEWNEXTHOP = 104, RTM_GETNEXTHOP = 106;
const EXCL_CREATE = 0x600;
/** IFF_UP, IFF_RUNNING and IFF_LOWER_UP; IFF_UP alone; none. */
const running = 0x10041, noCarrier = 1, down = 0;
/** IFF_UP and IFF_LOWER_UP. */
const dormant = 0x10001;

const options: KernelMonitorOptions = { tables: [254], families: [4, 6], events: true, redumpMs: 0 };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** `fe80::1/64` of a device. */
function linkLocal(index: number): Uint8Array<ArrayBuffer> {
  return concat([10, 64, 0x80, 253, ...u32(index)], attribute(1, [0xfe, 0x80, ...new Array(13).fill(0), 1]));
}

/** `2001:db8::N` */
function address6(n: number): number[] {
  return [0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), n];
}

/** `default via 2001:db8::2 dev 5 src 2001:db8::1` */
const default6 = concat(
  [10, 0, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0],
  attribute(15, u32(254)),
  attribute(5, address6(2)),
  attribute(4, u32(5)),
  attribute(7, address6(1)),
);

/**
 * A kernel with the route `10.0.1.0/24 dev 3`, an object on device 5, addresses `10.0.1.1/24`, `10.0.2.1/24` on device 3, and an IPv6
 * default route on device 5 that names its source.
 */
function routerKernel(): FakeKernel {
  const kernel = new FakeKernel();
  const object = concat([2, 0, 0, 0, 0, 0, 0, 0], attribute(1, u32(7)), attribute(5, u32(5)));
  kernel.answer = (type, request) => {
    const is4 = request[16] === 2;
    if (type === RTM_GETROUTE && is4) return [message(RTM_NEWROUTE, routePayload(1, 2)), done()];
    if (type === RTM_GETROUTE) return [message(RTM_NEWROUTE, default6), done()];
    if (type === RTM_GETNEXTHOP) return [message(RTM_NEWNEXTHOP, object), done()];
    if (type === RTM_GETADDR && is4) {
      return [...[1, 2].map((n) => message(RTM_NEWADDR, addressPayload(n))), done()];
    }
    if (type !== RTM_GETLINK) return [done()];
    return [
      ...[3, 4, 5].map((index) => message(RTM_NEWLINK, linkPayload(`a${index}`, running, { index }))),
      done(),
    ];
  };
  return kernel;
}

/** Delivers events to a monitor until it has dumped. @returns how many changes it has told. */
async function untilDump(...events: readonly Uint8Array<ArrayBuffer>[]): Promise<number> {
  const kernel = routerKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  let told = 0;
  monitor.onChange = () => told++;
  kernel.events?.deliver(...events);
  await until(() => monitor.health.dumps > 1);
  return told;
}

/** What events come to that need no dump: dumps, and changes told. */
async function effectOf(
  ...events: readonly Uint8Array<ArrayBuffer>[]
): Promise<{ dumps: number; told: number }> {
  const kernel = routerKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  let told = 0;
  monitor.onChange = ({ prefixes, interfacesChanged }) => {
    if (interfacesChanged && prefixes.length === 0) told++;
  };
  kernel.events?.deliver(...events);
  // The last event makes a dump or a change for certain, so that what the others made has come before it.
  kernel.events?.deliver(message(RTM_NEWROUTE, routePayload(9, 2), { flags: EXCL_CREATE }));
  const last = parsePrefix("10.0.9.0/24");
  await until(() => monitor.table.routesOf(last).length > 0 || monitor.health.dumps > 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { dumps: monitor.health.dumps - 1, told };
}

const link = (type: number, flags: number, index: number, name = `a${index}`): Uint8Array<ArrayBuffer> =>
  message(type, linkPayload(name, flags, { index }));

Deno.test("KernelMonitor lets links come and go that no route, object or address has to do with", async () => {
  const pod = [
    link(RTM_NEWLINK, down, 9),
    link(RTM_NEWLINK, running, 9),
    message(RTM_NEWADDR, linkLocal(9)),
    link(RTM_NEWLINK, noCarrier, 9),
    message(RTM_DELADDR, linkLocal(9)),
    link(RTM_DELLINK, down, 9),
    // One that was there before is no different.
    link(RTM_NEWLINK, down, 4),
    link(RTM_DELLINK, down, 4),
  ];
  assert.deepEqual(await effectOf(...pod), { dumps: 0, told: 0 });
});

/** `10.0.N.0/24 dev INDEX scope link` */
function deviceRoute(n: number, index: number, scope = 253): Uint8Array<ArrayBuffer> {
  return concat(
    [2, 24, 0, 0, 254, 12, scope, 1, 0, 0, 0, 0],
    attribute(15, u32(254)),
    attribute(1, [10, 0, n, 0]),
    attribute(4, u32(index)),
  );
}

/** Waits until a dump that must not come would have come. */
const untilNoDump = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

/**
 * What a link that has routes by it and then goes down leaves of them.
 *
 * @param settled waits until the monitor has done what it does.
 */
async function leftOf(
  routes: readonly Uint8Array<ArrayBuffer>[],
  settled: (monitor: KernelMonitor) => Promise<void> = untilNoDump,
): Promise<{ readonly dumps: number; readonly prefixes: readonly string[]; readonly interfaces: boolean }> {
  const kernel = routerKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.events?.deliver(
    link(RTM_NEWLINK, running, 9),
    ...routes.map((route) => message(RTM_NEWROUTE, route, { flags: EXCL_CREATE })),
  );
  await until(() => monitor.table.routesOf(parsePrefix("10.0.7.0/24")).length > 0);
  let interfaces = false;
  monitor.onChange = ({ interfacesChanged }) => interfaces ||= interfacesChanged;
  kernel.events?.deliver(link(RTM_NEWLINK, down, 9), link(RTM_DELLINK, down, 9));
  await settled(monitor);
  const prefixes = Array.from(monitor.table.routes(), ({ prefix }) => prefix.text);
  return { dumps: monitor.health.dumps - 1, prefixes, interfaces };
}

Deno.test("KernelMonitor takes a pod's routes away with its link, without a dump", async () => {
  assert.deepEqual(await leftOf([deviceRoute(7, 9), deviceRoute(8, 9)]), {
    dumps: 0,
    prefixes: ["10.0.1.0/24", "::/0"],
    interfaces: false,
  });
});

Deno.test("KernelMonitor dumps where more may go with a link than its routes by the device", async () => {
  const viaGateway = concat(
    [2, 24, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0],
    attribute(15, u32(254)),
    attribute(1, [10, 0, 7, 0]),
    attribute(5, [10, 0, 0, 2]),
    attribute(4, u32(9)),
  );
  for (const route of [viaGateway, deviceRoute(7, 9, 254)]) {
    const { dumps } = await leftOf([route], (monitor) => until(() => monitor.health.dumps > 1));
    assert.ok(dumps > 0);
  }
});

Deno.test("KernelMonitor tells each change of a device that is named, whatever leaves by it", async () => {
  for (const isNamed of [true, false]) {
    const kernel = routerKernel();
    await using monitor = await KernelMonitor.openWith(kernel.openPort, {
      ...options,
      isNamed: (device) => isNamed && device === "a9",
    });
    let told = 0;
    monitor.onChange = ({ interfacesChanged }) => told += Number(interfacesChanged);
    for (const event of [link(RTM_NEWLINK, down, 9), link(RTM_DELLINK, down, 9)]) {
      kernel.events?.deliver(event);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(told, isNamed ? 2 : 0);
  }
});

for (
  const [what, event] of [
    ["a link with a route goes down", link(RTM_NEWLINK, down, 3)],
    ["a link with a route loses its carrier", link(RTM_NEWLINK, noCarrier, 3)],
    ["a link with a route goes", link(RTM_DELLINK, down, 3)],
    ["a link with a route is dormant, of which IPv6 takes notice", link(RTM_NEWLINK, dormant, 3)],
    ["a link with an object goes down", link(RTM_NEWLINK, down, 5)],
    [
      "a link with a route becomes a port of a VRF",
      message(RTM_NEWLINK, concat(linkPayload("a3", running), attribute(10, u32(8)))),
    ],
  ] as const
) {
  Deno.test(`KernelMonitor dumps when ${what}`, async () => {
    assert.ok(await untilDump(event) > 0);
  });
}

Deno.test("KernelMonitor follows a route to a link that nothing used when it was dumped", async () => {
  const route = concat(
    routePayload(8, 2).subarray(0, -8),
    attribute(4, u32(4)),
  );
  const added = message(RTM_NEWROUTE, route, { flags: EXCL_CREATE });
  await untilDump(added, link(RTM_NEWLINK, down, 4));
  // The other way round it finds the link as it is.
  assert.equal((await effectOf(link(RTM_NEWLINK, down, 4), added)).dumps, 0);
});

Deno.test("KernelMonitor tells of a name and a global address on any link, and needs no dump for them", async () => {
  assert.deepEqual(await effectOf(link(RTM_NEWLINK, running, 3, "wan")), { dumps: 0, told: 1 });
  assert.deepEqual(await effectOf(message(RTM_NEWADDR, addressPayload(7, 0x80, 4))), { dumps: 0, told: 1 });
});

Deno.test("KernelMonitor dumps when the last IPv4 address of a link with routes goes, not before", async () => {
  const gone = (n: number): Uint8Array<ArrayBuffer> => message(RTM_DELADDR, addressPayload(n));
  assert.equal((await effectOf(gone(1))).dumps, 0);
  await untilDump(gone(1), gone(2));
});

Deno.test("KernelMonitor dumps when an IPv6 address goes by which a default route may be known", async () => {
  const address = concat([10, 64, 0x80, 0, ...u32(5)], attribute(1, address6(1)));
  await untilDump(message(RTM_NEWADDR, address), message(RTM_DELADDR, address));
});
