/** All tables of a run together: how it withdraws, what it does when a table goes away, and what it tells meanwhile. */

import assert from "node:assert/strict";
import { captureLog } from "../../fakes/captured_log.ts";
import { cloudRoute } from "../../fakes/cloud_routes.ts";
import { interfaceAddress } from "../../fakes/kernel_routes.ts";
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
