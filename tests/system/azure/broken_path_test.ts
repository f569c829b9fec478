/** Whatever breaks on the way to Azure, the executable lives on and brings the route to the table. */

import assert from "node:assert/strict";
import type { Fault } from "../../fakes/faulty_relay.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { AzureRig } from "../../fakes/azure/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { FaultyPath } from "../faulty_path.ts";
import { namespacesMissing } from "../namespace.ts";
import { until } from "../until.ts";
import { AzureVm } from "./azure_vm.ts";

const ignore = skips(opensslMissing(), namespacesMissing(), await binaryMissing());

/** Bytes are counted from when the fault is armed, on connections that are open already; a write of the whole table has about 60 kB. */
const faults: Readonly<Record<string, Fault>> = {
  "reset while a write goes out": { count: "request", after: 20_000, how: "reset" },
  "reset before the answer": { count: "answer", after: 0, how: "reset" },
  "reset in the answer": { count: "answer", after: 3_000, how: "reset" },
  "half-closed in the answer": { count: "answer", after: 3_000, how: "end" },
  "silent": { count: "request", after: 0, how: "hang" },
};

/** So many routes more make a write of the whole table. */
const perStep = 30;

Deno.test({ name: "the executable outlives each broken path to Azure", ignore }, async () => {
  await using rig = await AzureRig.start();
  await using vm = await AzureVm.create(
    rig,
    Deno.env.get("CLOUDROUTESYNC_TEST_BINARY") ?? await binaryPath(),
  );
  await using path = await FaultyPath.start(vm.namespace, rig.arm.port);
  const url = `https://127.0.0.1:${path.port}`;
  vm.with({ CLOUDROUTESYNC_AZURE_ENDPOINT: url });
  await vm.reset();
  rig.arm.namedUrl = url;
  let [count, round] = [0, 0];
  const announce = async (more: number): Promise<void> => {
    await vm.announce(Array.from({ length: more }, (_, index) => `198.18.${round}.${index}/32`));
    count += more;
    round++;
  };
  await announce(150);
  const run = vm.start();
  /** Waits, unless the executable ends. */
  const wait = async (name: string, condition: () => boolean): Promise<void> => {
    const ended = run.ended.then(({ code }) => Promise.reject(new Error(`${name}: it ended with ${code}`)));
    await vm.telling(() => Promise.race([ended, until(name, condition)]));
  };
  const inStep = (): boolean => Object.keys(vm.routes()).length === count;
  await wait("the first routes", inStep);
  for (const [name, fault] of Object.entries(faults)) {
    await path.arm(fault);
    const logged = run.log.length;
    await announce(perStep);
    await wait(`${name}: it says so`, () => /Cannot .*127\.0\.0\.1/.test(run.log.slice(logged)));
    await path.arm(null);
    await wait(`${name}: the routes`, inStep);
  }
  await path.resetAll();
  await announce(perStep);
  await wait("reset between two calls: the routes", inStep);
  assert.equal((await vm.stop()).code, 0);
});
