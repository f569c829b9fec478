/** Dumps that leave routes out: what is lost is asked for, and never taken for withdrawn. */

import assert from "node:assert/strict";
import { KernelMonitor, type KernelMonitorOptions } from "../../../../src/kernel/kernel_monitor.ts";
import { message, routePayload, routePayload6 } from "../../../fakes/netlink_messages.ts";
import { type Answer, type Delivery, done, FakeKernel } from "../../../fakes/netlink_port.ts";

const RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26;
const NLM_F_DUMP = 0x300, EXCL_CREATE = 0x600;
/** NLMSG_ERROR with -ENETUNREACH. */
const unreachable = (): Delivery => message(2, Uint8Array.of(155, 255, 255, 255));

const options: KernelMonitorOptions = { tables: [254], families: [4], events: true, redumpMs: 0 };

function prefixes(monitor: KernelMonitor): string[] {
  return Array.from(monitor.table.routes(), (route) => route.prefix.text).sort();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** What the kernel has, what its dumps show of it, and the questions that were asked. */
interface Table {
  has: readonly number[];
  shows: readonly number[];
  readonly asked: number[];
}

/** `10.0.N.0/24` or `2001:db8:N::/48` by numbers. */
function kernelOf(table: Table, payload: (n: number, host: number) => Uint8Array<ArrayBuffer>): Answer {
  const byte = payload === routePayload ? 2 : 5;
  return (type, request) => {
    if (type !== RTM_GETROUTE) return [done()];
    const flags = new DataView(request.buffer).getUint16(6, true);
    if ((flags & NLM_F_DUMP) !== 0) {
      return [...table.shows.map((n) => message(RTM_NEWROUTE, payload(n, 2))), done()];
    }
    const n = request[16 + 12 + 4 + byte] ?? 0;
    table.asked.push(n);
    return [table.has.includes(n) ? message(RTM_NEWROUTE, payload(n, 2)) : unreachable()];
  };
}

for (const events of [true, false]) {
  Deno.test(`KernelMonitor ${events ? "with" : "without"} events keeps routes behind the end of a dump that ends early`, async () => {
    const kernel = new FakeKernel();
    const errors: string[] = [];
    const table: Table = { has: [1, 2, 3, 4], shows: [1, 2, 3, 4], asked: [] };
    kernel.answer = kernelOf(table, routePayload);
    await using monitor = await KernelMonitor.openWith(kernel.openPort, {
      ...options,
      events,
      onError: (error) => errors.push(error.message),
    });
    let changes = 0;
    monitor.onChange = () => changes++;
    table.shows = [1, 2];
    for (const dumps of [2, 3]) {
      monitor.resync("test");
      await until(() => monitor.health.dumps === dumps);
    }
    assert.equal(changes, 0);
    assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "10.0.4.0/24"]);
    const why = "Cannot read all IPv4 routes of table 254: the kernel's dump is not whole " +
      "(it leaves out 10.0.3.0/24, which is there when it is asked for); what is known of the rest is kept";
    assert.equal(monitor.health.lastError?.message, why);
    assert.deepEqual(errors, [why], "it is told once");
    // Of those behind the end one goes: the dump does not show it, the question does.
    table.has = [1, 2, 4];
    monitor.resync("test");
    await until(() => monitor.health.dumps === 4);
    assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24", "10.0.4.0/24"]);
    table.shows = table.has;
    monitor.resync("test");
    await until(() => monitor.health.dumps === 5);
    assert.equal(monitor.health.lastError, null);
    assert.deepEqual(table.asked, [3, 4, 3, 4, 3, 4]);
  });
}

Deno.test("KernelMonitor believes a dump whose end is gone for good", async () => {
  const kernel = new FakeKernel();
  const table: Table = { has: [1, 2, 3, 4], shows: [1, 2, 3, 4], asked: [] };
  kernel.answer = kernelOf(table, routePayload);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  table.has = table.shows = [1, 2];
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24"]);
  assert.equal(monitor.health.lastError, null);
  table.has = table.shows = [2];
  monitor.resync("test");
  await until(() => monitor.health.dumps === 3);
  assert.deepEqual(prefixes(monitor), ["10.0.2.0/24"]);
  assert.deepEqual(table.asked, [3, 4], "it asks for nothing while the end of the table is there");
});

Deno.test("KernelMonitor asks for what an event brought behind the end of a dump", async () => {
  const kernel = new FakeKernel();
  const table: Table = { has: [1, 2, 7], shows: [1, 2], asked: [] };
  kernel.answer = kernelOf(table, routePayload);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.events?.deliver(message(RTM_NEWROUTE, routePayload(7, 2), { flags: EXCL_CREATE }));
  await until(() => monitor.table.size === 3);
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24", "10.0.7.0/24"]);
  kernel.events?.deliver(message(RTM_DELROUTE, routePayload(7, 2)));
  await until(() => monitor.table.size === 2);
});

for (const others of [0, 100]) {
  Deno.test(`KernelMonitor keeps what a dump has missed of an IPv4 address while another of its prefixes went, and ${others} routes more`, async () => {
    const kernel = new FakeKernel();
    const wider = routePayload(1, 2);
    wider[1] = 23;
    const [first, second, twin] = [routePayload(1, 2), routePayload(3, 2), routePayload(3, 4)];
    const other = routePayload(3, 2);
    other[1] = 25;
    const last = routePayload(9, 2);
    const further = Array.from({ length: others }, (_, index) => routePayload(100 + index, 2));
    let dumped = [other, wider, first, second, twin, last, ...further];
    let isBusy = false;
    kernel.answer = (type, request) => {
      if (type !== RTM_GETROUTE) return [done()];
      const flags = new DataView(request.buffer).getUint16(6, true);
      if ((flags & NLM_F_DUMP) === 0) return [message(RTM_NEWROUTE, first)];
      const going = [wider, other, ...further].map((route) => message(RTM_DELROUTE, route));
      if (isBusy) kernel.events?.deliver(...going);
      return [...dumped.map((route) => message(RTM_NEWROUTE, route)), done()];
    };
    await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
    const gone: string[] = [];
    const kept = ["10.0.1.0/24", "10.0.3.0/24", "10.0.3.0/24", "10.0.9.0/24"];
    monitor.onChange = () => {
      for (const prefix of kept) if (!prefixes(monitor).includes(prefix)) gone.push(prefix);
    };
    // The kernel counts the routes of an address; it goes on behind as many as it has brought, of which one is gone.
    isBusy = true;
    dumped = [second, last];
    monitor.resync("test");
    await until(() => monitor.health.dumps === 2);
    assert.deepEqual(prefixes(monitor), kept);
    isBusy = false;
    dumped = [first, second, twin, last];
    await until(() => monitor.health.dumps === 3);
    assert.deepEqual(prefixes(monitor), kept);
    assert.deepEqual(gone, []);
    assert.equal(monitor.health.lastError, null);
  });
}

for (const [kind, type, flags] of [["throw route", 9, 0], ["route without carrier", 1, 16]] as const) {
  Deno.test(`KernelMonitor keeps an IPv6 ${kind} that a dump has missed, of which the kernel says that there is none`, async () => {
    const kernel = new FakeKernel();
    const route = routePayload6(1, 2);
    route[7] = type;
    route[8] = flags;
    const table: Table = { has: [], shows: [2], asked: [] };
    const answer = kernelOf(table, routePayload6);
    let isMissed = false;
    kernel.answer = (kind, request) => {
      const brought = answer(kind, request);
      const isDump = kind === RTM_GETROUTE && (((request[7] ?? 0) << 8) & NLM_F_DUMP) !== 0;
      if (!isDump) return brought;
      if (!isMissed) return [message(RTM_NEWROUTE, route), ...brought];
      kernel.events?.deliver(
        message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE }),
        message(RTM_DELROUTE, routePayload6(9, 2)),
      );
      return brought;
    };
    await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
    let gone = 0;
    monitor.onChange = () => monitor.table.size < 2 ? gone++ : 0;
    isMissed = true;
    monitor.resync("test");
    await until(() => monitor.health.dumps === 2);
    assert.ok(table.asked.includes(1));
    assert.equal(gone, 0);
    isMissed = false;
    await until(() => monitor.health.dumps === 3);
    assert.equal(gone, 0);
  });
}

Deno.test("KernelMonitor keeps IPv6 routes that a dump has missed while others changed", async () => {
  const kernel = new FakeKernel();
  const table: Table = { has: [1, 2, 3], shows: [1, 2, 3], asked: [] };
  const answer = kernelOf(table, routePayload6);
  let busy = false;
  kernel.answer = (type, request) => {
    const change = [
      message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE }),
      message(RTM_DELROUTE, routePayload6(9, 2)),
    ];
    if (type === RTM_GETROUTE && busy) kernel.events?.deliver(...change);
    return answer(type, request);
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
  busy = true;
  table.shows = [2, 3];
  let gone = 0;
  monitor.onChange = () => monitor.table.size < 3 ? gone++ : 0;
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.equal(gone, 0);
  assert.ok(table.asked.includes(1));
  busy = false;
  table.shows = table.has;
  await until(() => monitor.health.dumps === 3);
  assert.equal(monitor.table.size, 3);
  assert.equal(monitor.health.lastError, null);
});

for (const answerOf of ["another route by it", "no route"] as const) {
  Deno.test(`KernelMonitor takes no IPv6 route by a next-hop object for gone when the answer is ${answerOf}`, async () => {
    const kernel = new FakeKernel();
    const route = (n: number): Delivery => message(RTM_NEWROUTE, routePayload6(n, 2, { nextHopId: 5 }));
    // `::/0 nhid 5`
    const shorter = message(RTM_NEWROUTE, routePayload6(0, 2, { nextHopId: 5 }));
    shorter[16 + 1] = 0;
    let shows = [1, 2];
    kernel.answer = (type, request) => {
      if (type !== RTM_GETROUTE) return [done()];
      const isDump = (new DataView(request.buffer).getUint16(6, true) & NLM_F_DUMP) !== 0;
      return isDump ? [...shows.map(route), done()] : [answerOf === "no route" ? unreachable() : shorter];
    };
    await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
    let gone = 0;
    monitor.onChange = () => monitor.table.size < 2 ? gone++ : 0;
    let answers = 0;
    const { answer } = kernel;
    // The table changes while it is dumped, and the dump leaves out a route.
    kernel.answer = (type, request) => {
      if (type === RTM_GETROUTE && answers++ === 0) {
        kernel.events?.deliver(
          message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE }),
          message(RTM_DELROUTE, routePayload6(9, 2)),
        );
      }
      return answer(type, request);
    };
    shows = [2];
    monitor.resync("test");
    await until(() => monitor.health.dumps === 2);
    assert.equal(gone, 0);
    assert.equal(monitor.table.size, 2);
  });
}

Deno.test("KernelMonitor keeps the later routes of an IPv6 prefix that a dump broke off in while others changed", async () => {
  const kernel = new FakeKernel();
  const routes = [routePayload6(2, 2), routePayload6(2, 3, { nextHopId: 5 })];
  let shown = 2, busy = false;
  kernel.answer = (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    const change = [
      message(RTM_NEWROUTE, routePayload6(9, 2), { flags: EXCL_CREATE }),
      message(RTM_DELROUTE, routePayload6(9, 2)),
    ];
    if (busy) kernel.events?.deliver(...change);
    return [...routes.slice(0, shown).map((route) => message(RTM_NEWROUTE, route)), done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, families: [6] });
  assert.equal(monitor.table.size, 2);
  let gone = 0;
  monitor.onChange = () => monitor.table.size < 2 ? gone++ : 0;
  [busy, shown] = [true, 1];
  monitor.resync("test");
  // However often it does: nothing proves that the route is gone.
  await until(() => monitor.health.dumps === 4);
  assert.equal(gone, 0);
  // Nothing changes any more, and the kernel says so again.
  busy = false;
  await until(() => monitor.table.size === 1);
});
