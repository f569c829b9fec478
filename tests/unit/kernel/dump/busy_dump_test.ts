/** Dumps of a kernel that changes while it is read. */

import assert from "node:assert/strict";
import { KernelMonitor, type KernelMonitorOptions } from "../../../../src/kernel/kernel_monitor.ts";
import {
  addressPayload,
  attribute,
  concat,
  linkPayload,
  message,
  routePayload,
  routePayload6,
  u32,
} from "../../../fakes/netlink_messages.ts";
import { type Answer, done, FakeKernel } from "../../../fakes/netlink_port.ts";
import type { OpenPort } from "../../../../src/kernel/wire/netlink_port.ts";

const RTM_NEWLINK = 16, RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22;
const RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26;
const DUMP_INTR = 0x10, REPLACE = 0x100, EXCL_CREATE = 0x600;

const options: KernelMonitorOptions = { tables: [254], families: [4], events: true, redumpMs: 0 };

function prefixes(monitor: KernelMonitor): string[] {
  return Array.from(monitor.table.routes(), (route) => route.prefix.text).sort();
}

function addresses(monitor: KernelMonitor): string[] {
  return monitor.table.addresses().map(({ address }) => address.text).sort();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Every dump of addresses is interrupted; each attempt brings those of its turn. */
function interruptedAddresses(...attempts: readonly (readonly number[])[]): Answer {
  let attempt = 0;
  return (type) => {
    if (type !== RTM_GETADDR) return [done()];
    const brought = attempts[attempt++ % attempts.length] ?? [];
    return [
      ...brought.map((n) => message(RTM_NEWADDR, addressPayload(n), { flags: DUMP_INTR })),
      done(DUMP_INTR),
    ];
  };
}

for (const events of [true, false]) {
  const mode = events ? "with" : "without";
  Deno.test(`KernelMonitor ${mode} events puts together what interrupted dumps bring when none is whole`, async () => {
    const kernel = new FakeKernel();
    kernel.answer = interruptedAddresses([1, 2], [2, 3], [1, 3]);
    await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, events });
    assert.deepEqual(addresses(monitor), ["10.0.1.1", "10.0.2.1", "10.0.3.1"]);
    assert.equal(monitor.health.lastError, null);
    kernel.answer = (type) =>
      type === RTM_GETADDR ? [message(RTM_NEWADDR, addressPayload(2)), done()] : [done()];
    await until(() => monitor.health.dumps > 1 && addresses(monitor).length === 1);
    assert.deepEqual(addresses(monitor), ["10.0.2.1"]);
  });

  Deno.test(`KernelMonitor ${mode} events does not bring back what went while dumps were interrupted`, async () => {
    const kernel = new FakeKernel();
    const answer = interruptedAddresses([1, 2], [2]);
    let dumps = 0;
    kernel.answer = (type, request) => {
      if (type === RTM_GETADDR && ++dumps === 2) {
        kernel.events?.deliver(message(RTM_DELADDR, addressPayload(1)));
      }
      return answer(type, request);
    };
    await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, events });
    assert.deepEqual(addresses(monitor), ["10.0.2.1"]);
  });
}

Deno.test("KernelMonitor takes a whole attempt alone, whatever interrupted ones brought before", async () => {
  const kernel = new FakeKernel();
  let dumps = 0;
  kernel.answer = (type) => {
    if (type !== RTM_GETADDR) return [done()];
    const flags = ++dumps === 1 ? DUMP_INTR : 0;
    return [message(RTM_NEWADDR, addressPayload(dumps), { flags }), done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.deepEqual(addresses(monitor), ["10.0.2.1"]);
  assert.equal(monitor.health.dumps, 1);
});

Deno.test("KernelMonitor dumps interrupted dumps again less and less often", async () => {
  const kernel = new FakeKernel();
  kernel.answer = interruptedAddresses([1], [1]);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  await until(() => monitor.health.dumps > 3);
  assert.ok(monitor.health.lastDumpWhy.includes("dump IPv4 addresses"), monitor.health.lastDumpWhy);
});

/** A dump of these routes; while it is read these events come. */
function duringDump(
  kernel: FakeKernel,
  routes: readonly Uint8Array[],
  events: readonly Uint8Array<ArrayBuffer>[],
): Answer {
  let told = false;
  return (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    if (!told) kernel.events?.deliver(...events);
    told = true;
    return [...routes.map((route) => message(RTM_NEWROUTE, route)), done()];
  };
}

Deno.test("KernelMonitor takes no innocent route away when it repeats events that a dump has seen already", async () => {
  const kernel = new FakeKernel();
  const [first, other, replacing] = [routePayload(1, 2), routePayload(1, 3), routePayload(1, 4)];
  kernel.answer = (type) =>
    type === RTM_GETROUTE ? [message(RTM_NEWROUTE, first), message(RTM_NEWROUTE, other), done()] : [done()];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const lost: number[] = [];
  monitor.onChange = () => lost.push(monitor.table.size);
  // The kernel reads the prefix out when the first of its two routes has been replaced, and what replaced it deleted.
  kernel.answer = duringDump(kernel, [other], [
    message(RTM_NEWROUTE, replacing, { flags: REPLACE }),
    message(RTM_DELROUTE, replacing),
  ]);
  monitor.resync("test");
  await until(() => monitor.health.dumps === 3);
  assert.ok(!lost.includes(0), "the second route was never gone");
  assert.deepEqual(Array.from(monitor.table.routes(), ({ legs }) => legs[0]?.gateway?.text), ["10.0.0.3"]);
});

Deno.test("KernelMonitor takes no innocent route away in the first dump either", async () => {
  const kernel = new FakeKernel();
  const [other, replacing] = [routePayload(1, 3), routePayload(1, 4)];
  kernel.answer = duringDump(kernel, [other], [
    message(RTM_NEWROUTE, replacing, { flags: REPLACE }),
    message(RTM_DELROUTE, replacing),
  ]);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.deepEqual(Array.from(monitor.table.routes(), ({ legs }) => legs[0]?.gateway?.text), ["10.0.0.3"]);
  await until(() => monitor.health.dumps === 2);
});

Deno.test("KernelMonitor keeps a route whose like is deleted during a dump, though it had not known that there are two", async () => {
  const kernel = new FakeKernel();
  const [other, route] = [routePayload(1, 3), routePayload(1, 2)];
  kernel.answer = (type) =>
    type === RTM_GETROUTE ? [message(RTM_NEWROUTE, other), message(RTM_NEWROUTE, route), done()] : [done()];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const lost: number[] = [];
  monitor.onChange = () => lost.push(monitor.table.size);
  // What replaces the first one is like the second in all that messages tell; the dump that is to show both comes after its deletion.
  kernel.answer = duringDump(kernel, [route], [message(RTM_DELROUTE, route)]);
  kernel.events?.deliver(message(RTM_NEWROUTE, route, { flags: REPLACE }));
  await until(() => monitor.health.dumps === 2);
  assert.equal(monitor.table.size, 1);
  await until(() => monitor.health.dumps === 3);
  assert.ok(!lost.includes(0), "the route was never gone");
  assert.deepEqual(Array.from(monitor.table.routes(), ({ legs }) => legs[0]?.gateway?.text), ["10.0.0.2"]);
});

Deno.test("KernelMonitor reads again what a dump has missed of a prefix that changed meanwhile", async () => {
  const kernel = new FakeKernel();
  const [first, second, third] = [routePayload(1, 2), routePayload(1, 3), routePayload(1, 4)];
  const all = [first, second, third].map((route) => message(RTM_NEWROUTE, route));
  kernel.answer = (type) => type === RTM_GETROUTE ? [...all, done()] : [done()];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const sizes: number[] = [];
  monitor.onChange = () => sizes.push(monitor.table.size);
  // The first datagram ends behind the first route, which goes; the second begins where the second route of the prefix was.
  kernel.answer = duringDump(kernel, [first, third], [message(RTM_DELROUTE, first)]);
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(sizes, [2]);
  assert.deepEqual(Array.from(monitor.table.routes(), ({ legs }) => legs[0]?.gateway?.text), [
    "10.0.0.3",
    "10.0.0.4",
  ]);
  kernel.answer = (type) => type === RTM_GETROUTE ? [...all.slice(1), done()] : [done()];
  await until(() => monitor.health.dumps === 3);
});

Deno.test("KernelMonitor is certain of events during a dump that have one outcome from every moment", async () => {
  const kernel = new FakeKernel();
  const before = [routePayload(2, 2), routePayload(4, 2)];
  kernel.answer = (type) =>
    type === RTM_GETROUTE ? [...before.map((route) => message(RTM_NEWROUTE, route)), done()] : [done()];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.answer = duringDump(kernel, [routePayload(1, 2), routePayload(2, 3), routePayload(4, 2)], [
    message(RTM_NEWROUTE, routePayload(1, 2), { flags: EXCL_CREATE }),
    message(RTM_NEWROUTE, routePayload(2, 3), { flags: REPLACE }),
    message(RTM_NEWROUTE, routePayload(3, 2), { flags: EXCL_CREATE }),
    message(RTM_DELROUTE, routePayload(4, 2)),
    message(RTM_NEWROUTE, routePayload(5, 2), { flags: EXCL_CREATE }),
    message(RTM_DELROUTE, routePayload(5, 2)),
  ]);
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]);
  // One certain event more, and there is time for a further dump if one was asked for.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(monitor.health.dumps, 2);
});

Deno.test("KernelMonitor reads IPv6 routes again in the first dump if they change meanwhile", async () => {
  const kernel = new FakeKernel();
  let dumps = 0;
  kernel.answer = (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    dumps++;
    const change = message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE });
    if (dumps < 3) kernel.events?.deliver(change, message(RTM_DELROUTE, routePayload6(9, 2)));
    // The first attempt leaves out what has not changed, the second brings it twice.
    const brought = dumps === 1 ? [1] : [1, 2, 2];
    return [...brought.map((n) => message(RTM_NEWROUTE, routePayload6(n, 2))), done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
  assert.deepEqual(prefixes(monitor).slice(0, 2), ["2001:db8:1::/48", "2001:db8:2::/48"]);
});

Deno.test("KernelMonitor dumps again if an IPv6 route came twice that may be two", async () => {
  const kernel = new FakeKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
  // `unreachable 2001:db8:1::/48`, twice: what the kernel replaces may have its like behind it.
  const unreachable = concat(
    [10, 48, 0, 0, 254, 4, 0, 7, 0, 0, 0, 0],
    attribute(15, u32(254)),
    attribute(1, [0x20, 0x01, 0x0d, 0xb8, 0, 1, ...new Array(10).fill(0)]),
    attribute(6, u32(1024)),
  );
  kernel.answer = duringDump(kernel, [unreachable, unreachable], [
    message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE }),
    message(RTM_DELROUTE, routePayload6(9, 2)),
  ]);
  monitor.resync("test");
  await until(() => monitor.table.size === 2);
  assert.equal(monitor.health.dumps, 3);
});

Deno.test("KernelMonitor dumps again if an IPv6 route came twice with others of its prefix between", async () => {
  const kernel = new FakeKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
  // The kernel has brought `metric 1024`; then `metric 20` comes, and it begins the prefix anew.
  const [old, added] = [routePayload6(1, 2), concat(routePayload6(1, 3), attribute(6, u32(20)))];
  let dumps = 0;
  const disturbed = duringDump(kernel, [old, added, old], [
    message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE }),
    message(RTM_DELROUTE, routePayload6(9, 2)),
  ]);
  kernel.answer = (type, request) => {
    if (type !== RTM_GETROUTE || dumps++ === 0) return disturbed(type, request);
    return [message(RTM_NEWROUTE, added), message(RTM_NEWROUTE, old), done()];
  };
  monitor.resync("test");
  await until(() => monitor.health.dumps >= 3);
  assert.deepEqual(Array.from(monitor.table.routes(), ({ metric }) => metric), [20, 1024]);
});

Deno.test("KernelMonitor trusts no IPv6 dump during which a link changes that a route leaves by", async () => {
  const kernel = new FakeKernel();
  kernel.answer = (type) =>
    type === RTM_GETROUTE ? [message(RTM_NEWROUTE, routePayload6(1, 2)), done()] : [done()];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
  // The kernel begins anew when it notes a lost carrier at the route's leg, and brings the route twice.
  const twice = [routePayload6(1, 2), routePayload6(1, 2)];
  kernel.answer = duringDump(kernel, twice, [message(RTM_NEWLINK, linkPayload("eth0", 1))]);
  monitor.resync("test");
  await until(() => monitor.health.dumps > 1);
  assert.equal(monitor.table.size, 1);
});

/** A kernel that takes its time: so many milliseconds from opening a dump's port to its first answer. */
function slowly(
  kernel: FakeKernel,
  ms: number,
  hooks: { readonly opened?: () => void; readonly answers?: () => void; readonly closed?: () => void } = {},
): OpenPort {
  return (socket) => {
    const port = kernel.openPort(socket);
    if (socket.receiveBuffer !== undefined) return port;
    hooks.opened?.();
    const readyAt = performance.now() + ms;
    return {
      join: (group) => port.join(group),
      send: (request) => port.send(request),
      sendAside: (request) => port.sendAside(request),
      receive: (buffer) => {
        if (performance.now() < readyAt) return 0;
        hooks.answers?.();
        return port.receive(buffer);
      },
      wait: () => new Promise((resolve) => setTimeout(() => resolve(true), 5)),
      close: () => {
        hooks.closed?.();
        port.close();
      },
    };
  };
}

Deno.test("KernelMonitor makes one dump at a time, also while it starts", async () => {
  const kernel = new FakeKernel();
  let dumping = 0, most = 0, told = false;
  kernel.answer = () => {
    // A deletion of a route of the same key as another leaves a doubt, which asks for a dump.
    const [one, other] = [routePayload(1, 2), routePayload(1, 3)];
    if (!told) kernel.events?.deliver(message(RTM_NEWROUTE, one), message(RTM_DELROUTE, other));
    told = true;
    return [done()];
  };
  // Another dump could begin while one waits.
  const openPort = slowly(kernel, 50, {
    opened: () => most = Math.max(most, ++dumping),
    closed: () => dumping--,
  });
  await using monitor = await KernelMonitor.openWith(openPort, options);
  await until(() => monitor.health.dumps === 2);
  assert.equal(most, 1);
});

/** What the kernel says of its IPv4 table, each time it is asked. */
function counting(...counts: readonly number[]): { readonly options: KernelMonitorOptions; asks: number } {
  const counter = {
    asks: 0,
    options: {
      ...options,
      readText: () =>
        Promise.resolve(`Main:\n\tPrefixes:       ${counts[Math.min(counter.asks++, counts.length - 1)]}\n`),
    },
  };
  return counter;
}

Deno.test("KernelMonitor holds a long first dump against what the kernel counted meanwhile, where nothing has changed", async () => {
  const kernel = new FakeKernel();
  kernel.answer = duringDump(kernel, [routePayload(1, 2)], []);
  let answered = false;
  const text = (): Promise<string> => Promise.resolve(`Main:\n\tPrefixes:       ${answered ? 1 : 2}\n`);
  const openPort = slowly(kernel, 400, { answers: () => answered = true });
  await using monitor = await KernelMonitor.openWith(openPort, { ...options, readText: text });
  assert.match(String(monitor.health.lastError), /the kernel's dump ends after 1 of 2 routes/);
});

Deno.test("KernelMonitor has the kernel count again where routes have come while the first dump was read", async () => {
  const kernel = new FakeKernel();
  const added = message(RTM_NEWROUTE, routePayload(2, 2), { flags: EXCL_CREATE });
  kernel.answer = duringDump(kernel, [routePayload(1, 2)], [added]);
  const counter = counting(1, 9);
  await using monitor = await KernelMonitor.openWith(slowly(kernel, 100), counter.options);
  assert.equal(counter.asks, 2);
  assert.match(String(monitor.health.lastError), /the kernel's dump ends after 1 of 9 routes/);
});
