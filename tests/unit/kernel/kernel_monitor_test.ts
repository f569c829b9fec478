import assert from "node:assert/strict";
import { KernelMonitor, type KernelMonitorOptions } from "../../../src/kernel/kernel_monitor.ts";
import type { KernelChange } from "../../../src/kernel/kernel_table.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { addressPayload, linkPayload, message, routePayload } from "../../fakes/netlink_messages.ts";
import { type Answer, done, FakeKernel } from "../../fakes/netlink_port.ts";

const RTM_GETROUTE = 26, RTM_NEWROUTE = 24, RTM_DELROUTE = 25;
const RTM_NEWLINK = 16, RTM_GETLINK = 18, RTM_NEWADDR = 20, RTM_GETADDR = 22;
/** IFF_UP, IFF_RUNNING and IFF_LOWER_UP. */
const up = 0x10041;
const EXCL_CREATE = 0x600, REPLACE = 0x100, DUMP_INTR = 0x10;

const options: KernelMonitorOptions = { tables: [254], families: [4], events: true, redumpMs: 0 };

/** An answer of these routes, each `10.0.N.0/24`; everything else is empty. */
function routes(...numbers: readonly number[]): Answer {
  return (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    return [...numbers.map((n) => message(RTM_NEWROUTE, routePayload(n, 2))), done()];
  };
}

function prefixes(monitor: KernelMonitor): string[] {
  return Array.from(monitor.table.routes(), (route) => route.prefix.text).sort();
}

/** Waits until something holds; the test's own limit ends a wait in vain. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("KernelMonitor.open() resolves with what the first dump says", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1, 2);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24"]);
  assert.equal(monitor.health.dumps, 1);
  assert.deepEqual(kernel.groups, [1, 5, 7, 32]);
});

Deno.test("KernelMonitor closes all its sockets when it is disposed of", async () => {
  const kernel = new FakeKernel();
  const monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(kernel.open, 1);
  await monitor[Symbol.asyncDispose]();
  assert.equal(kernel.open, 0);
});

Deno.test("KernelMonitor.open() rejects and closes its sockets when the kernel refuses the dump", async () => {
  const kernel = new FakeKernel();
  kernel.answer = () => [message(2, Uint8Array.of(255, 255, 255, 255))];
  await assert.rejects(KernelMonitor.openWith(kernel.openPort, options), {
    message: "Cannot dump links: EPERM",
  });
  assert.equal(kernel.open, 0);
});

Deno.test("KernelMonitor.open() takes a table that does not exist for empty", async () => {
  const kernel = new FakeKernel();
  const ENOENT = Uint8Array.of(254, 255, 255, 255);
  kernel.answer = (type) => type === RTM_GETROUTE ? [message(2, ENOENT)] : [done()];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(monitor.table.size, 0);
});

Deno.test("KernelMonitor dumps again when a dump was interrupted", async () => {
  const kernel = new FakeKernel();
  let attempts = 0;
  kernel.answer = (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    const flags = ++attempts === 1 ? DUMP_INTR : 0;
    return [message(RTM_NEWROUTE, routePayload(attempts, 2), { flags }), done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(attempts, 2);
  assert.deepEqual(prefixes(monitor), ["10.0.2.0/24"]);
});

Deno.test("KernelMonitor dumps again when a datagram of a dump was cut off", async () => {
  const kernel = new FakeKernel();
  let attempts = 0;
  kernel.answer = (type) => {
    if (type !== RTM_GETROUTE) return [done()];
    const long = message(RTM_NEWROUTE, new Uint8Array(70_000));
    return ++attempts === 1 ? [long, done()] : [message(RTM_NEWROUTE, routePayload(1, 2)), done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  assert.equal(attempts, 2);
  assert.equal(monitor.table.size, 1);
});

Deno.test("KernelMonitor keeps the old table and tells the error when a later dump fails", async () => {
  const kernel = new FakeKernel();
  const errors: string[] = [];
  kernel.answer = routes(1, 2);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, {
    ...options,
    onError: (error) => errors.push(error.message),
  });
  kernel.answer = (type) =>
    type === RTM_GETROUTE
      ? [message(RTM_NEWROUTE, routePayload(3, 2)), message(2, Uint8Array.of(244, 255, 255, 255))]
      : [done()];
  monitor.resync("test");
  await until(() => monitor.health.failedDumps > 0);
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24", "10.0.2.0/24"]);
  assert.equal(errors[0], "Cannot dump IPv4 routes of table 254: ENOMEM");
  kernel.answer = routes(4);
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(prefixes(monitor), ["10.0.4.0/24"]);
  assert.equal(monitor.health.lastError, null);
});

Deno.test("KernelMonitor tells once that the kernel cannot be read, and once that it can again", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, { ...options, redumpMs: 1 });
  const faults: (string | null)[] = [];
  monitor.onFault = (error) => faults.push(error?.message ?? null);
  kernel.answer = () => [message(2, Uint8Array.of(244, 255, 255, 255))];
  monitor.resync("test");
  await until(() => monitor.health.failedDumps > 1);
  kernel.answer = routes(1);
  await until(() => monitor.health.dumps > 3);
  assert.deepEqual(faults, ["Cannot dump links: ENOMEM", null]);
});

Deno.test("KernelMonitor keeps the old table when a dump holds a message that cannot be decoded", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.answer = (type) =>
    type === RTM_GETROUTE ? [message(RTM_NEWROUTE, new Uint8Array(4)), done()] : [done()];
  monitor.resync("test");
  await until(() => monitor.health.failedDumps > 0);
  assert.equal(monitor.health.lastError?.name, "DecodeError");
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24"]);
});

Deno.test("KernelMonitor tells the first event at once, the rest in one batch, and needs no dump for them", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const changes: KernelChange[] = [];
  monitor.onChange = (change) => changes.push(change);
  kernel.events?.deliver(
    message(RTM_NEWROUTE, routePayload(2, 2), { flags: EXCL_CREATE }),
    message(RTM_NEWROUTE, routePayload(1, 9), { flags: REPLACE }),
    message(RTM_DELROUTE, routePayload(2, 2)),
  );
  await until(() => changes.length > 1);
  assert.deepEqual(
    changes.map((change) => change.prefixes === "all" ? [] : change.prefixes.map(({ text }) => text)),
    [["10.0.2.0/24"], ["10.0.1.0/24", "10.0.2.0/24"]],
  );
  assert.ok(changes.every(({ interfacesChanged }) => !interfacesChanged));
  const [route] = monitor.table.routesOf(parsePrefix("10.0.1.0/24"));
  assert.equal(route?.legs[0]?.gateway?.text, "10.0.0.9");
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24"]);
  assert.equal(monitor.health.dumps, 1);
});

Deno.test("KernelMonitor tells when the state of an address or a name of a link changes, and needs no dump", async () => {
  const kernel = new FakeKernel();
  kernel.answer = (type) => {
    if (type === RTM_GETADDR) return [message(RTM_NEWADDR, addressPayload(1, 0x40)), done()];
    return type === RTM_GETLINK ? [message(RTM_NEWLINK, linkPayload("a0", up)), done()] : [done()];
  };
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const changes: KernelChange[] = [];
  monitor.onChange = (change) => changes.push(change);
  const told = async (news: Uint8Array<ArrayBuffer>): Promise<void> => {
    const before = changes.length;
    kernel.events?.deliver(news);
    await until(() => changes.length > before);
    assert.deepEqual(changes.at(-1)?.prefixes, []);
    assert.equal(changes.at(-1)?.interfacesChanged, true);
  };
  await told(message(RTM_NEWADDR, addressPayload(1, 0x80)));
  assert.deepEqual(monitor.table.addresses().map(({ flags }) => flags.tentative), [false]);
  kernel.events?.deliver(message(RTM_NEWADDR, addressPayload(1, 0x80)));
  await told(message(RTM_NEWADDR, addressPayload(1, 0x20)));
  await told(message(RTM_NEWLINK, linkPayload("a0", up, { altName: "enp1s0" })));
  assert.deepEqual(monitor.table.links().map(({ altNames }) => altNames), [["enp1s0"]]);
  assert.equal(changes.length, 3);
  assert.equal(monitor.health.dumps, 1);
});

Deno.test("KernelMonitor dumps anew and tells the difference when events were lost", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1, 2);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  const changes: KernelChange[] = [];
  monitor.onChange = (change) => changes.push(change);
  kernel.answer = routes(2, 3);
  kernel.events?.deliver("overrun");
  await until(() => monitor.health.dumps === 2);
  assert.equal(monitor.health.overruns, 1);
  assert.deepEqual(prefixes(monitor), ["10.0.2.0/24", "10.0.3.0/24"]);
  assert.deepEqual(
    changes.map((change) => change.prefixes === "all" ? [] : change.prefixes.map((p) => p.text)),
    [
      ["10.0.1.0/24", "10.0.3.0/24"],
    ],
  );
});

Deno.test("KernelMonitor follows events by another socket when theirs fails, and reads what it missed", async () => {
  const kernel = new FakeKernel();
  const errors: string[] = [];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, {
    ...options,
    onError: (error) => errors.push(error.message),
  });
  const failed = kernel.events;
  kernel.answer = routes(1);
  kernel.refusals = 1;
  failed?.deliver(new Error("Cannot receive from a netlink socket: ENOMEM"));
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(prefixes(monitor), ["10.0.1.0/24"]);
  assert.notEqual(kernel.events, failed);
  assert.equal(kernel.open, 1, "the socket that failed is closed");
  kernel.events?.deliver(message(RTM_NEWROUTE, routePayload(2, 2), { flags: EXCL_CREATE }));
  await until(() => monitor.table.size === 2);
  assert.equal(monitor.health.dumps, 2);
  assert.deepEqual(errors, [
    "Cannot receive from a netlink socket: ENOMEM",
    "Cannot open a routing netlink socket: EMFILE",
  ]);
});

Deno.test("KernelMonitor can be disposed of while it waits to open another socket", async () => {
  const kernel = new FakeKernel();
  const monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.refusals = Infinity;
  kernel.events?.deliver(new Error("Cannot receive from a netlink socket: ENOMEM"));
  await until(() => monitor.health.lastError !== null);
  await monitor[Symbol.asyncDispose]();
  assert.equal(kernel.open, 0);
});

Deno.test("KernelMonitor polls and says so once where the kernel has no events for it", async () => {
  for (const group of [1, 7]) {
    const kernel = new FakeKernel();
    kernel.refusedGroups.add(group);
    kernel.answer = routes(1);
    const notices: string[] = [];
    await using monitor = await KernelMonitor.openWith(kernel.openPort, {
      ...options,
      redumpMs: 5,
      onNotice: (text) => notices.push(text),
    });
    kernel.answer = routes(2);
    await until(() => monitor.health.dumps > 2);
    assert.deepEqual(prefixes(monitor), ["10.0.2.0/24"]);
    assert.equal(monitor.health.lastError, null);
    assert.deepEqual(notices, [
      `Cannot follow the kernel's events: Cannot join netlink group ${group}: ENOPROTOOPT; ` +
      "its tables are read every 0.005 s instead",
    ]);
  }
});

Deno.test("KernelMonitor polls when a new event socket is refused what the old one had", async () => {
  const kernel = new FakeKernel();
  const notices: string[] = [];
  await using monitor = await KernelMonitor.openWith(kernel.openPort, {
    ...options,
    redumpMs: 1e9,
    onNotice: (text) => notices.push(text),
  });
  kernel.refusedGroups.add(7);
  kernel.answer = routes(3);
  kernel.events?.deliver(new Error("Cannot receive from a netlink socket: ENOMEM"));
  await until(() => monitor.table.size === 1);
  assert.equal(notices.length, 1);
});

Deno.test("KernelMonitor says nothing when a dump finds nothing new", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1, 2);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  let changes = 0;
  monitor.onChange = () => changes++;
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.equal(changes, 0);
});

Deno.test("KernelMonitor applies events that come during a dump to what the dump brings", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1, 2);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  kernel.answer = (type, request) => {
    // The kernel has read out both routes when one goes and another comes.
    if (type === RTM_GETROUTE) {
      kernel.events?.deliver(
        message(RTM_DELROUTE, routePayload(1, 2)),
        message(RTM_NEWROUTE, routePayload(7, 2), { flags: EXCL_CREATE }),
      );
    }
    return routes(1, 2)(type, request);
  };
  monitor.resync("test");
  await until(() => monitor.health.dumps === 2);
  assert.deepEqual(prefixes(monitor), ["10.0.2.0/24", "10.0.7.0/24"]);
});

Deno.test("KernelMonitor does not bring a route back whose withdrawal was lost during a dump", async () => {
  const kernel = new FakeKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, options);
  let dumps = 0;
  kernel.answer = (type) => {
    if (type === RTM_GETROUTE && dumps++ === 0) {
      kernel.events?.deliver(message(RTM_NEWROUTE, routePayload(1, 2), { flags: EXCL_CREATE }), "overrun");
    }
    return [done()];
  };
  monitor.resync("test");
  await until(() => monitor.health.dumps === 3);
  assert.deepEqual(prefixes(monitor), []);
});

Deno.test("KernelMonitor keeps only prefixes that are wanted, from dumps and events", async () => {
  const kernel = new FakeKernel();
  kernel.answer = routes(1, 2, 3);
  await using monitor = await KernelMonitor.openWith(kernel.openPort, {
    ...options,
    keepPrefix: (_, words) => ((words[0] >>> 8) & 1) === 0,
  });
  let changed = false;
  monitor.onChange = () => changed = true;
  kernel.events?.deliver(
    message(RTM_NEWROUTE, routePayload(5, 2), { flags: EXCL_CREATE }),
    message(RTM_NEWROUTE, routePayload(4, 2), { flags: EXCL_CREATE }),
  );
  await until(() => changed);
  assert.deepEqual(prefixes(monitor), ["10.0.2.0/24", "10.0.4.0/24"]);
});

/** Two tables besides main and local. */
const triestat = ["Main", "Local", "Id 7", "Id 9"].map((name) => `${name}:\n\tPrefixes:       1\n`).join("");

for (const [how, text] of [["names", triestat], ["does not name", null]] as const) {
  Deno.test(`KernelMonitor reads all tables where the kernel ${how} them, the preferred tables first`, async () => {
    const kernel = new FakeKernel();
    const routes = [[1, 2, 255], [1, 2, 7], [2, 2, 7], [1, 3, 254]] as const;
    const asked: (number | null)[] = [];
    kernel.answer = (type, request) => {
      if (type !== RTM_GETROUTE) return [done()];
      // `struct nlmsghdr`, `struct rtmsg` and RTA_TABLE, whose value comes last.
      const only = request.length < 36 ? null : new DataView(request.buffer).getUint32(32, true);
      asked.push(only);
      return [
        ...routes.filter(([, , table]) => only === null || only === table)
          .map(([prefix, gateway, table]) => message(RTM_NEWROUTE, routePayload(prefix, gateway, { table }))),
        done(),
      ];
    };
    await using monitor = await KernelMonitor.openWith(kernel.openPort, {
      ...options,
      allTables: true,
      readText: () => Promise.resolve(text),
    });
    assert.deepEqual(asked, text === null ? [254, null] : [254, 255, 7, 9]);
    assert.deepEqual(
      Array.from(
        monitor.table.prefixes(),
        (group) => group.map(({ prefix, table }) => `${prefix.text} ${table}`),
      ),
      [["10.0.1.0/24 254", "10.0.1.0/24 7", "10.0.1.0/24 255"], ["10.0.2.0/24 7"]],
    );
  });
}

Deno.test("KernelMonitor stops when its signal is aborted", async () => {
  const kernel = new FakeKernel();
  const abort = new AbortController();
  await KernelMonitor.openWith(kernel.openPort, { ...options, signal: abort.signal });
  abort.abort();
  await until(() => kernel.open === 0);
  assert.equal(kernel.open, 0);
});

Deno.test("KernelMonitor follows no events between its periodic dumps without events", async () => {
  const kernel = new FakeKernel();
  await using monitor = await KernelMonitor.openWith(kernel.openPort, {
    ...options,
    events: false,
    redumpMs: 1,
  });
  await until(() => monitor.health.dumps >= 3);
  // Only for a dump's own time is it known what changes under it.
  assert.equal(monitor.health.events, 0);
  assert.equal(kernel.groups.length % 4, 0);
  assert.ok(kernel.open <= 2);
});
