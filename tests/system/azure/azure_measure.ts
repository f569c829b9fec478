/**
 * Measures the executable against the stand-in for Azure's API: `deno run -A tests/system/azure/azure_measure.ts`. By hand, as
 * timings say nothing on a busy machine.
 */

import { addresses, AzureRig, ids } from "../../fakes/azure/rig.ts";
import { binaryPath } from "../binary.ts";
import { until } from "../until.ts";
import { AzureVm } from "./azure_vm.ts";

const rounds = 20;

/** Prints one line. */
async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

await using rig = await AzureRig.start();
await using vm = await AzureVm.create(rig, await binaryPath());

/** The moment at which the PUT that put a prefix there was answered. */
function acceptedAt(prefix: string): number | undefined {
  const text = `"${prefix}"`;
  return rig.arm.writes().find(({ body, status }) => status < 300 && JSON.stringify(body)?.includes(text))
    ?.answeredAt;
}

async function firstRoute(): Promise<number> {
  await vm.reset();
  await vm.announce(["198.51.100.0/24"]);
  const start = performance.now();
  vm.start("-max-withdraw", "100");
  await vm.untilRoutes({ "198.51.100.0/24": addresses.other });
  return (acceptedAt("198.51.100.0/24") ?? NaN) - start;
}

const starts: number[] = [];
for (let round = 0; round < 5; round++) starts.push(await firstRoute());
await say(`first route after the start: ${median(starts).toFixed(0)} ms (median of ${starts.length})`);

// A batch that stays open takes a line at once; a process a change would be measured with it.
const batch = vm.namespace.spawn(["ip", "-batch", "-"], {
  stdin: "piped",
  stdout: "null",
  stderr: "inherit",
});
const writer = batch.stdin.getWriter();
const changes: number[] = [];
for (let round = 0; round < rounds; round++) {
  const prefix = `192.0.2.${round}/32`;
  const start = performance.now();
  await writer.write(new TextEncoder().encode(`route add ${prefix} via ${addresses.other} proto bgp\n`));
  await until(`the PUT of ${prefix}`, () => acceptedAt(prefix) !== undefined);
  changes.push((acceptedAt(prefix) ?? NaN) - start);
  await new Promise((wake) => setTimeout(wake, 700));
}
await say(
  `kernel change to accepted PUT: ${median(changes).toFixed(0)} ms (median of ${rounds}), ` +
    `${Math.min(...changes).toFixed(0)} to ${Math.max(...changes).toFixed(0)} ms`,
);
await say(`resident memory: ${(await vm.residentBytes() / 1e6).toFixed(0)} MB`);

const standing = Object.keys(vm.routes(ids.ownTable)).length;
for (const count of [1, 30, 500]) {
  for (const way of ["add", "del"] as const) {
    rig.arm.calls.length = 0;
    const start = performance.now();
    const lines = Array.from(
      { length: count },
      (_, index) => `route ${way} 198.18.${index >> 8}.${index & 255}/32 via ${addresses.other} proto bgp\n`,
    );
    await writer.write(new TextEncoder().encode(lines.join("")));
    const expected = way === "add" ? standing + count : standing;
    while (Object.keys(vm.routes(ids.ownTable)).length !== expected) {
      await new Promise((wake) => setTimeout(wake, 10));
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const reads = rig.arm.calls.length - rig.arm.writes().length;
    await say(`${way} ${count}: ${rig.arm.writes().length} writes, ${reads} reads; ${seconds} s`);
  }
}
await say(`resident memory after that: ${(await vm.residentBytes() / 1e6).toFixed(0)} MB`);
await writer.close();
await batch.status;
const { code } = await vm.stop();
await say(`ended with ${code}`);
