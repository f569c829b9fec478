/**
 * Counts the executable's calls to Compute for 1, 30 and 200 routes that come at once and go again, an operation taking a second, and its
 * resident memory: `deno run -A tests/system/gcp/measure.ts`. By hand; the seconds say nothing on a busy machine.
 */

import { GcpRig } from "../../fakes/gcp/rig.ts";
import { binaryPath } from "../binary.ts";
import { numbered } from "../router_vm.ts";
import { GcpVm } from "./gcp_vm.ts";

/** Prints one line. */
async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

await using rig = GcpRig.start({ operationMs: 1_000 });
rig.net.staticLimit = 1_000;

/** `POST routes 30, POST wait 30`. */
function callsText(): string {
  const counts = new Map<string, number>();
  for (const { method, path } of rig.compute.calls) {
    const [last = "", above = ""] = path.split("/").reverse();
    const call = `${method} ${above === "routes" ? above : last}`;
    counts.set(call, (counts.get(call) ?? 0) + 1);
  }
  return [...counts].map(([call, count]) => `${call} ${count}`).sort().join(", ");
}

async function untilCount(expected: number): Promise<void> {
  while (rig.routes.length !== expected) await new Promise((wake) => setTimeout(wake, 20));
}

await using vm = await GcpVm.create(rig, await binaryPath());
vm.start("-max-withdraw", "100");
await vm.announce(["198.51.100.0/24"]);
await untilCount(1);
await say(`resident memory with one route: ${(await vm.residentBytes() / 1e6).toFixed(0)} MB`);
for (const count of [1, 30, 200]) {
  const prefixes = numbered(count);
  for (const way of ["announce", "withdraw"] as const) {
    rig.compute.calls.length = 0;
    const start = performance.now();
    await vm[way](prefixes);
    await untilCount(way === "announce" ? count + 1 : 1);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    // The reading back comes after the last route.
    await new Promise((wake) => setTimeout(wake, 2_000));
    await say(`${way} ${count}: ${callsText()}; ${seconds} s`);
  }
}
await say(`resident memory after that: ${(await vm.residentBytes() / 1e6).toFixed(0)} MB`);
await vm.stop();
