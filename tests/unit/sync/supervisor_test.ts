/** All tables of a run together: how it withdraws, what it does when a table goes away, and what it tells meanwhile. */

import assert from "node:assert/strict";
import { captureLog } from "../../fakes/captured_log.ts";
import { cloudRoute } from "../../fakes/cloud_routes.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { interfaceAddress, kernelRoute, link } from "../../fakes/kernel_routes.ts";
import { failure, Rig } from "./supervisor_rig.ts";

const prefixes = Array.from({ length: 5 }, (_, index) => `198.51.${index}.0/24`);

const newsOfTheKernel: Readonly<Record<string, (rig: Rig) => void>> = {
  "nothing": () => {},
  "that a link changed": (rig) => rig.interfacesChanged(),
  "that this VM's address changed": (rig) => {
    rig.kernel.setInterfaces([], [interfaceAddress("eth0", "10.0.0.5/24")]);
    rig.interfacesChanged();
  },
  "that a daemon moved a route": (rig) => rig.announce(prefixes.slice(0, 1), "192.0.2.7"),
  "of a new route": (rig) => rig.announce(["203.0.113.0/24"]),
};

for (const [news, tell] of Object.entries(newsOfTheKernel)) {
  Deno.test(`Supervisor.withdrawAll() leaves nothing though the kernel tells ${news} meanwhile`, async () => {
    using _log = captureLog();
    const rig = new Rig();
    rig.announce(prefixes);
    await rig.start();
    assert.deepEqual(rig.cloud.prefixes(), prefixes);
    await rig.end();
    const answer = rig.withdrawAll();
    await rig.clock.advance(500);
    assert.equal(answer.gone, null, "it is under way");
    tell(rig);
    await rig.clock.advance(70_000);
    assert.equal(answer.gone, true);
    assert.deepEqual(rig.cloud.prefixes(), []);
  });
}

Deno.test("Supervisor.withdrawAll() leaves nothing though the cloud says only then who this VM is now", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.announce(prefixes);
  await rig.start();
  rig.cloud.identifyMs = 1_500;
  rig.cloud.identity = { ...rig.cloud.identity, instance: "renamed" };
  newsOfTheKernel["that this VM's address changed"]?.(rig);
  await rig.end();
  const answer = rig.withdrawAll();
  await rig.clock.advance(70_000);
  assert.equal(rig.supervisor.identity?.instance, "renamed", "it was told");
  assert.equal(answer.gone, true);
  assert.deepEqual(rig.cloud.prefixes(), []);
});

Deno.test("Supervisor.withdrawAll() does not call gone what it never looked at", async () => {
  using _log = captureLog();
  const rig = new Rig();
  const [prefix = ""] = prefixes;
  rig.cloud.routes.set("rtb-1", new Map([[prefix, cloudRoute(prefix, "10.0.0.4")]]));
  rig.cloud.fail = (call) => {
    if (call === "prepare") throw failure("unavailable", "Cannot reach the cloud: connection refused");
  };
  await rig.start();
  await rig.end();
  const answer = rig.withdrawAll();
  await rig.clock.advance(70_000);
  assert.equal(answer.gone, false);
  assert.deepEqual(rig.cloud.prefixes(), [prefix]);
});

Deno.test("Supervisor.cleanUp() is done where there is no table", async () => {
  const rig = new Rig();
  rig.cloud.tables = [];
  const clean = rig.supervisor.cleanUp(new AbortController().signal, 60_000);
  await rig.clock.advance(1_000);
  assert.equal(await clean, true);
});

/** A run of two tables that were handed over, of which the second is deleted. */
async function oneOfTwoDeleted(): Promise<Rig> {
  const rig = new Rig();
  rig.cloud.tables = ["rtb-1", "rtb-2"].map((id) => ({ id, name: id, ours: false }));
  rig.announce(prefixes);
  await rig.start();
  rig.cloud.routes.delete("rtb-2");
  rig.cloud.fail = (call, table) => {
    if (call === "prepare") throw failure("gone", "Cannot find the route tables rtb-1, rtb-2");
    if (table === "rtb-2") throw failure("gone", "Cannot read route table rtb-2: it does not exist");
  };
  await rig.clock.advance(310_000);
  return rig;
}

Deno.test("Supervisor goes on with a table when the other is deleted, and tells that it is missing", async () => {
  using _log = captureLog();
  const rig = await oneOfTwoDeleted();
  const added = "203.0.113.0/24";
  rig.announce([added]);
  await rig.clock.advance(1_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-1"), [...prefixes, added]);
  const told = rig.supervisor.statuses.map((
    { table, inStep, errors },
  ) => [table, inStep, ...[...errors.values()].map(({ message }) => message)]);
  assert.deepEqual(told, [
    ["rtb-1", true],
    ["rtb-2", false, "Cannot read route table rtb-2: it does not exist"],
  ]);
  await rig.end();
});

Deno.test("Supervisor looks for a deleted table with back-off, and finds it within seconds", async () => {
  using _log = captureLog();
  const rig = await oneOfTwoDeleted();
  const { fail } = rig.cloud;
  const reads = { "rtb-1": 0, "rtb-2": 0 };
  rig.cloud.fail = (call, table) => {
    if (call === "read") reads[table as keyof typeof reads]++;
    fail(call, table);
  };
  await rig.clock.advance(600_000);
  assert.ok(
    reads["rtb-1"] <= 2,
    `the table that is there is read ${reads["rtb-1"]} times: no more than for audits`,
  );
  assert.ok(
    reads["rtb-2"] >= 60 && reads["rtb-2"] <= 130,
    `looked for ${reads["rtb-2"]} times in 10 minutes`,
  );
  rig.cloud.fail = () => {};
  await rig.clock.advance(11_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-2"), prefixes);
  assert.ok(rig.supervisor.statuses.every(({ inStep, errors }) => inStep && errors.size === 0));
  await rig.end();
});

Deno.test("Supervisor goes on when the cloud lists only the table that is there", async () => {
  using _log = captureLog();
  const rig = await oneOfTwoDeleted();
  const { fail, tables } = rig.cloud;
  rig.cloud.fail = (call, table) => call === "prepare" || fail(call, table);
  rig.cloud.tables = tables.slice(0, 1);
  await rig.clock.advance(700_000);
  assert.deepEqual(rig.supervisor.statuses.map(({ table, inStep }) => [table, inStep]), [
    ["rtb-1", true],
    ["rtb-2", false],
  ]);
  await rig.end();
});

Deno.test("Supervisor has its only table prepared anew when it is deleted", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.announce(prefixes);
  await rig.start();
  rig.cloud.tables = [{ id: "rtb-9", name: "rtb-9", ours: true }];
  rig.cloud.fail = (_call, table) => {
    if (table === "rtb-1") throw failure("gone", "Cannot read route table rtb-1: it does not exist");
  };
  await rig.clock.advance(310_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-9"), prefixes);
  assert.deepEqual(rig.supervisor.statuses.map(({ table, inStep }) => [table, inStep]), [["rtb-9", true]]);
  await rig.end();
});

Deno.test("Supervisor logs once that its only table is gone, however often it is prepared until it is there", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.announce(prefixes);
  await rig.start();
  const writes = rig.supervisor.statuses[0]?.writes.add;
  rig.cloud.fail = (call) => {
    if (call === "read") throw failure("gone", "Cannot read route table rtb-1: it does not exist");
  };
  await rig.clock.advance(320_000);
  assert.deepEqual(log.lines.filter((line) => line.includes("does not exist")), [
    "warning: Cannot read route table rtb-1: it does not exist; waiting until it is there again (-route-table names another one)",
  ]);
  rig.cloud.fail = () => {};
  await rig.clock.advance(60_000);
  assert.ok(log.lines.some((line) => line.startsWith("info: rtb-1: can be used again, after ")));
  assert.equal(rig.supervisor.statuses[0]?.writes.add, writes, "what was done before still counts");
  await rig.end();
});

Deno.test("Supervisor ends at once though it waits for a deleted table", async () => {
  using _log = captureLog();
  const rig = await oneOfTwoDeleted();
  await rig.end();
});

/** In a function of its own: the type checker takes a property for what it was asserted to be before. */
function openingMessage({ supervisor }: Rig): string | undefined {
  return supervisor.openingError?.message;
}

for (const denied of ["identify", "prepare"] as const) {
  Deno.test(`Supervisor tells why it cannot open the tables while ${denied} is refused`, async () => {
    using _log = captureLog();
    const rig = new Rig();
    assert.equal(rig.supervisor.openingError, null, "nobody was asked yet");
    rig.cloud.fail = (call) => {
      if (call === denied) throw failure("denied", `Cannot ${denied}: no permission`);
    };
    await rig.start();
    assert.equal(openingMessage(rig), `Cannot ${denied}: no permission`);
    rig.cloud.fail = () => {};
    await rig.clock.advance(60_000);
    assert.equal(rig.supervisor.openingError, null);
    assert.equal(rig.supervisor.statuses.length, 1);
    await rig.end();
  });
}

/** This VM's address becomes another, and the cloud knows it. */
function moveTo(rig: Rig, address: string): void {
  rig.kernel.setInterfaces([], [interfaceAddress("eth0", `${address}/24`)]);
  rig.cloud.identity = { ...rig.cloud.identity, instance: address };
  rig.interfacesChanged();
}

Deno.test("Supervisor asks once more who this VM is when its address changes while it asks", async () => {
  using _log = captureLog();
  const rig = new Rig();
  await rig.start();
  const before = rig.cloud.identified;
  rig.cloud.identifyMs = 500;
  moveTo(rig, "10.0.0.5");
  await rig.clock.advance(100);
  moveTo(rig, "10.0.0.6");
  rig.interfacesChanged();
  await rig.clock.advance(10_000);
  assert.equal(rig.supervisor.identity?.instance, "10.0.0.6");
  assert.equal(rig.cloud.identified - before, 2);
  await rig.end();
});

Deno.test("Supervisor asks once more when the address changes while it asks for the first time", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.cloud.identifyMs = 500;
  const started = rig.start();
  moveTo(rig, "10.0.0.5");
  await started;
  assert.equal(rig.supervisor.identity?.instance, "10.0.0.5");
  assert.equal(rig.cloud.identified, 2);
  await rig.end();
});

Deno.test("Supervisor does not ask once more when the try that worked began after the address changed", async () => {
  using _log = captureLog();
  const rig = new Rig();
  await rig.start();
  const before = rig.cloud.identified;
  rig.cloud.fail = (call) => {
    if (call === "identify") throw failure("denied", "Cannot describe this VM: no permission");
  };
  moveTo(rig, "10.0.0.5");
  await rig.clock.advance(1_000);
  moveTo(rig, "10.0.0.6");
  rig.cloud.fail = () => {};
  await rig.clock.advance(120_000);
  assert.equal(rig.supervisor.identity?.instance, "10.0.0.6");
  assert.equal(rig.cloud.identified - before, 2);
  await rig.end();
});

Deno.test("Supervisor asks who this VM is when the default route leaves by another interface", async () => {
  using _log = captureLog();
  const rig = new Rig();
  const links = ["eth0", "eth1"].map((name) => link(name));
  const addresses = [interfaceAddress("eth0", "10.0.0.4/24"), interfaceAddress("eth1", "10.0.1.4/24")];
  rig.kernel.setInterfaces(links, addresses);
  await rig.start();
  const before = rig.cloud.identified;
  rig.cloud.identity = { ...rig.cloud.identity, instance: "by eth1" };
  rig.announce(["198.51.100.0/24"]);
  await rig.clock.advance(1_000);
  assert.equal(rig.cloud.identified, before, "other routes say nothing of it");
  rig.kernel.set("0.0.0.0/0", kernelRoute("0.0.0.0/0", { via: "10.0.1.1", dev: "eth1" }));
  rig.supervisor.kernelChanged({
    prefixes: [parsePrefix("0.0.0.0/0")],
    receivedAt: 0,
    interfacesChanged: false,
  });
  await rig.clock.advance(1_000);
  assert.equal(rig.supervisor.identity?.instance, "by eth1");
  await rig.end();
});

Deno.test("Supervisor.preview() asks once who this VM is, compares as a sync would, and writes nothing", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.announce(["198.51.100.0/24"]);
  const previewing = rig.supervisor.preview(new AbortController().signal, 10_000);
  await rig.clock.advance(5_000);
  const [only, ...others] = await previewing;
  assert.equal(others.length, 0);
  assert.deepEqual(
    only?.comparison.fitted.waves.flat().map(({ action, prefix }) => `${action} ${prefix.text}`),
    [
      "add 198.51.100.0/24",
    ],
  );
  assert.equal(rig.cloud.identified, 1);
  assert.deepEqual(rig.cloud.prefixes(), []);
  assert.equal(rig.supervisor.identity?.instance, "vm");
});

Deno.test("Supervisor.preview() shows an empty table where its own is not made yet", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.cloud.tables = [];
  const previewing = rig.supervisor.preview(new AbortController().signal, 10_000);
  await rig.clock.advance(5_000);
  assert.deepEqual((await previewing).map(({ table }) => table.name), ["(none yet: run or apply makes one)"]);
});

Deno.test("Supervisor.preview() shows the others where one of several tables cannot be read, and says why", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.cloud.tables = ["rtb-1", "rtb-2", "rtb-3"].map((id) => ({ id, name: id, ours: false }));
  rig.cloud.fail = (call, table) => {
    if (call === "read" && table === "rtb-2") {
      throw failure("gone", "Cannot read route table rtb-2: it is gone");
    }
  };
  const previewing = rig.supervisor.preview(new AbortController().signal, 10_000);
  await rig.clock.advance(15_000);
  assert.deepEqual((await previewing).map(({ table }) => table.name), ["rtb-1", "rtb-3"]);
  assert.deepEqual(rig.supervisor.unread.map(({ message }) => message), [
    "Cannot read route table rtb-2: it is gone",
  ]);
  rig.cloud.fail = (call) => {
    if (call === "read") throw failure("gone", "Cannot read any");
  };
  const failing = assert.rejects(
    rig.supervisor.preview(new AbortController().signal, 30_000),
    /Cannot read any/,
  );
  await rig.clock.advance(20_000);
  await failing;
});

Deno.test("Supervisor looks now and then whether its network has grown, and withdraws what lies in it then", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.announce(prefixes);
  await rig.start();
  rig.cloud.identity = {
    ...rig.cloud.identity,
    networks: [parsePrefix("198.51.0.0/24"), parsePrefix("198.51.1.0/24")],
  };
  await rig.clock.advance(290_000);
  assert.deepEqual(rig.cloud.prefixes(), prefixes, "not before the audit");
  await rig.clock.advance(15_000);
  assert.deepEqual(rig.cloud.prefixes(), prefixes.slice(2));
  rig.cloud.identity = { ...rig.cloud.identity, networks: [] };
  await rig.clock.advance(305_000);
  assert.deepEqual(rig.cloud.prefixes().toSorted(), prefixes);
  await rig.end();
});

Deno.test("Supervisor looks after its tables though the cloud does not say who this VM is", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.announce(prefixes);
  await rig.start();
  let prepared = 0;
  rig.cloud.fail = (call) => {
    if (call === "prepare") prepared++;
    if (call === "identify") throw failure("unavailable", "Cannot read the metadata: timed out");
  };
  await rig.clock.advance(1_000_000);
  assert.equal(prepared, 3);
  assert.deepEqual(rig.cloud.prefixes(), prefixes);
  const told = log.lines.filter((line) => /network changed: Cannot read the metadata/.test(line));
  assert.equal(told.length, 1, "it is told once");
  await rig.end();
});

Deno.test("a table is in step since it came to be so, until something had to be written or it could not be read", async () => {
  using _log = captureLog();
  const realNow = Date.now;
  const rig = new Rig();
  Date.now = () => 1_700_000_000_000 + rig.clock.now();
  try {
    const since = (): number | null | undefined => rig.supervisor.statuses[0]?.inStepSince;
    rig.announce(prefixes);
    await rig.start();
    const first = since() ?? 0;
    assert.ok(first > 1_700_000_000_000 && first < Date.now() - 5_000, `${first}`);
    await rig.clock.advance(700_000);
    assert.equal(since(), first, "audits that find nothing");
    const lost = prefixes[0] ?? "";
    rig.cloud.routes.get("rtb-1")?.delete(lost);
    await rig.clock.advance(310_000);
    const second = since() ?? 0;
    assert.ok(second > first, "drift was put right");
    rig.cloud.fail = (call) => {
      if (call === "read") throw failure("unavailable", "no answer");
    };
    await rig.clock.advance(310_000);
    assert.equal(since(), null, "nobody knows");
    rig.cloud.fail = () => {};
    await rig.clock.advance(20_000);
    assert.ok((since() ?? 0) > second, "it could be read again");
    await rig.end();
  } finally {
    Date.now = realNow;
  }
});

Deno.test("a change is told when it is done, and pending counts those that are not yet", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.announce(prefixes);
  const seen = new Set<string>();
  rig.cloud.fail = (call) => {
    if (call !== "write") return;
    const [table] = rig.supervisor.statuses;
    const told = log.lines.filter((line) => line.includes(": add ")).length;
    seen.add(`${table?.writes.add} done, ${told} told, ${table?.pending} pending`);
  };
  await rig.start();
  assert.deepEqual([...seen], [
    "0 done, 0 told, 5 pending",
    "1 done, 1 told, 4 pending",
    "2 done, 2 told, 3 pending",
    "3 done, 3 told, 2 pending",
    "4 done, 4 told, 1 pending",
  ]);
  assert.equal(rig.supervisor.statuses[0]?.pending, 0);
  await rig.end();
});
