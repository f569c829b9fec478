/** Whatever breaks on the way to EC2, the executable lives on and brings the route to the table. */

import assert from "node:assert/strict";
import { motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import type { Fault } from "../../fakes/faulty_relay.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { FaultyPath } from "../faulty_path.ts";
import { namespacesMissing } from "../namespace.ts";
import { numbered } from "../router_vm.ts";
import { until } from "../until.ts";
import { AwsVm } from "./aws_vm.ts";

const ignore = skips(motoMissing(), namespacesMissing(), await binaryMissing());

/** Bytes are counted from when the fault is armed, on connections that are open already. */
const faults: Readonly<Record<string, Fault>> = {
  "reset while a request goes out": { count: "request", after: 100, how: "reset" },
  "reset before the answer": { count: "answer", after: 0, how: "reset" },
  "reset in the answer's head": { count: "answer", after: 20, how: "reset" },
  "reset in the answer's body": { count: "answer", after: 250, how: "reset" },
  "half-closed in the answer's body": { count: "answer", after: 250, how: "end" },
  "silent": { count: "request", after: 0, how: "hang" },
};

Deno.test({
  name: "the executable outlives each broken path to EC2",
  ignore,
  // The rig's relay ends connections that the executable still holds open.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using rig = await AwsRig.start();
    await using vm = await AwsVm.create(rig, await binaryPath());
    await using path = await FaultyPath.start(vm.namespace, rig.front.port);
    vm.with({ AWS_ENDPOINT_URL: `http://127.0.0.1:${path.port}` });
    const prefixes = numbered(Object.keys(faults).length + 2);
    const expected: string[] = [];
    const run = vm.start();
    /** Waits, unless the executable ends. */
    const wait = async (name: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
      const ended = run.ended.then(({ code }) => Promise.reject(new Error(`${name}: it ended with ${code}`)));
      await vm.telling(() => Promise.race([ended, until(name, condition)]));
    };
    const announce = async (): Promise<void> => {
      const prefix = prefixes[expected.length] ?? "";
      expected.push(`${prefix} router`);
      await vm.announce([prefix]);
    };
    const inStep = async (): Promise<boolean> => `${await vm.summary()}` === `${expected.toSorted()}`;
    await announce();
    await wait("the first route", inStep);
    for (const [name, fault] of Object.entries(faults)) {
      const logged = run.log.length;
      await path.arm(fault);
      await announce();
      await wait(`${name}: it says so`, () => /Cannot .*route/.test(run.log.slice(logged)));
      await path.arm(null);
      await wait(`${name}: the route`, inStep);
    }
    await path.resetAll();
    await announce();
    await wait("reset between two calls: the route", inStep);
    assert.equal((await vm.stop()).code, 0);
  },
});
