/** Routes with a lifetime: they are gone when it ends, though the kernel clears them away much later and says so then. */

import assert from "node:assert/strict";
import { KernelMonitor, type KernelMonitorOptions } from "../../../src/kernel/kernel_monitor.ts";
import { attribute, concat, message, routePayload6, u32 } from "../../fakes/netlink_messages.ts";
import { type Answer, done, FakeKernel } from "../../fakes/netlink_port.ts";

const RTM_NEWROUTE = 24,
  RTM_DELROUTE = 25,
  RTM_GETROUTE = 26,
  EXCL_CREATE = 0x600,
  APPEND_CREATE = 0xc00,
  NLM_F_DUMP = 0x300,
  RTA_NH_ID = 30;
const options: KernelMonitorOptions = { tables: [254], families: [6], events: true, redumpMs: 0 };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The routes 1 without a lifetime, and 2 with one that ends at that time; hundredths of a second are its unit. */
function endingAt(time: () => number): Answer {
  return (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    const expires = Math.floor((time() - performance.now()) / 10);
    return [
      message(RTM_NEWROUTE, routePayload6(1, 2)),
      message(RTM_NEWROUTE, routePayload6(2, 2, { expires })),
      done(),
    ];
  };
}

Deno.test("KernelMonitor drops a route when its lifetime ends, though the kernel still dumps it", async () => {
  const kernel = new FakeKernel();
  let end = 0;
  kernel.answer = endingAt(() => end ||= performance.now() + 100);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(monitor.table.size, 2);
  await until(() => monitor.table.size === 1);
  assert.ok(performance.now() > end);
  const [left] = monitor.table.routes();
  assert.equal(left?.prefix.text, "2001:db8:1::/48");
});

Deno.test("KernelMonitor keeps a route whose lifetime was made longer without a word", async () => {
  const kernel = new FakeKernel();
  let end = 0;
  kernel.answer = endingAt(() => end ||= performance.now() + 60);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  end += 100_000;
  await until(() => monitor.health.dumps >= 2);
  assert.equal(monitor.table.size, 2);
});

Deno.test("KernelMonitor drops a route whose lifetime came with an event", async () => {
  const kernel = new FakeKernel();
  let end = Infinity;
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  end = performance.now() + 50;
  kernel.answer = endingAt(() => end);
  const payload = routePayload6(2, 2, { expires: 5 });
  kernel.events?.deliver(message(RTM_NEWROUTE, payload, { flags: EXCL_CREATE }));
  await until(() => monitor.table.size === 1 && monitor.health.dumps >= 2);
  const [left] = monitor.table.routes();
  assert.equal(left?.prefix.text, "2001:db8:1::/48");
});

/** The route 2 with these `rta_expires`, one dump after the other, the last one from then on. */
function tellingOf(...expires: readonly number[]): Answer {
  let dumps = 0;
  return (type, request) => {
    if (type !== RTM_GETROUTE) return [done()];
    // A look-up, not a dump: the kernel passes over what has ended.
    if (((request[7] ?? 0) & NLM_F_DUMP >> 8) === 0) {
      return [message(2, Uint8Array.from([256 - 101, 255, 255, 255]))];
    }
    const told = expires[Math.min(dumps++, expires.length - 1)] ?? 0;
    return [message(RTM_NEWROUTE, routePayload6(2, 2, { expires: told })), done()];
  };
}

Deno.test("KernelMonitor drops a route of which the dump at its end says as much as of one that has no end", async () => {
  const kernel = new FakeKernel();
  kernel.answer = tellingOf(3, 0, -4);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  monitor.resync("test");
  await until(() => monitor.table.size === 0);
});

Deno.test("KernelMonitor drops a route that ends while the next table is dumped", async () => {
  const kernel = new FakeKernel();
  let end = 0;
  const first = endingAt(() => end ||= performance.now() + 50);
  let dumps = 0;
  kernel.answer = (type, request) => {
    if (type !== RTM_GETROUTE || dumps++ % 2 === 0) return first(type, request);
    while (performance.now() < end + 50);
    return [done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, tables: [254, 1000] });
  assert.equal(monitor.table.size, 2);
  await until(() => monitor.table.size === 1);
});

Deno.test("KernelMonitor finds a route again that gets a new lifetime after its end, without a word", async () => {
  const kernel = new FakeKernel();
  kernel.answer = tellingOf(2, -5, 100_000);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  await until(() => monitor.table.size === 0);
  await until(() => monitor.table.size === 1);
});

/** A route of two legs whose lifetime, or that of the first leg, has ended. */
function endedOfTwoLegs(...more: readonly Uint8Array<ArrayBuffer>[]): Answer {
  const leg = (host: number): Uint8Array<ArrayBuffer> => {
    const gateway = [0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), host];
    return concat([28, 0, 0, 0], u32(3), attribute(5, gateway));
  };
  const route = concat(
    [10, 48, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0],
    attribute(15, u32(254)),
    attribute(1, [0x20, 0x01, 0x0d, 0xb8, 0, 2, ...new Array(10).fill(0)]),
    attribute(6, u32(1024)),
    attribute(9, concat(leg(2), leg(3))),
    attribute(12, [...u32(0), ...u32(0), ...u32(-5), ...new Array(20).fill(0)]),
    ...more,
  );
  return (type) => type === RTM_GETROUTE ? [message(RTM_NEWROUTE, route), done()] : [done()];
}

Deno.test("KernelMonitor keeps a route of several legs when the lifetime of the first has ended", async () => {
  const kernel = new FakeKernel();
  kernel.answer = endedOfTwoLegs();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const [left] = monitor.table.routes();
  assert.equal(left?.legs.length, 2);
});

Deno.test("KernelMonitor doubts the deletion of a leg of a route whose first leg has ended: the one that stays may have ended, too", async () => {
  const kernel = new FakeKernel();
  kernel.answer = endedOfTwoLegs();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.events?.deliver(message(RTM_DELROUTE, routePayload6(2, 2)));
  await until(() => monitor.health.dumpsByWhy["a route event is ambiguous"] !== undefined);
});

Deno.test("KernelMonitor drops a route by a group of next-hop objects when its lifetime ends, which its legs share", async () => {
  const kernel = new FakeKernel();
  kernel.answer = endedOfTwoLegs(attribute(RTA_NH_ID, u32(8)));
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(monitor.table.size, 0);
});

Deno.test("KernelMonitor doubts events of a key of which the kernel still has a route that has ended", async () => {
  const kernel = new FakeKernel();
  kernel.answer = tellingOf(-5);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(monitor.table.size, 0);
  kernel.events?.deliver(message(RTM_NEWROUTE, routePayload6(2, 3), { flags: APPEND_CREATE }));
  await until(() => monitor.health.dumpsByWhy["a route event is ambiguous"] !== undefined);
});
