/**
 * Counts the executable's calls to EC2 for 1, 30 and 500 routes that come at once and go again, and its resident memory:
 * `deno run -A tests/system/aws/measure.ts [COUNT…]`. By hand; the seconds of few routes say nothing on a busy machine. Those of many are
 * the limits' of EC2, whose buckets the front keeps: beside them stands the least time in which anybody could do it.
 */

import { AwsRig } from "../../fakes/aws/rig.ts";
import { Moto } from "../../fakes/aws/moto.ts";
import { binaryPath } from "../binary.ts";
import { numbered } from "../router_vm.ts";
import { AwsVm } from "./aws_vm.ts";

/** Prints one line. */
async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

/** `CreateRoute 30, DescribeRouteTables 1`. */
function callsText(calls: readonly { readonly action: string }[]): string {
  const counts = new Map<string, number>();
  for (const { action } of calls) counts.set(action, (counts.get(action) ?? 0) + 1);
  return [...counts].map(([action, count]) => `${action} ${count}`).sort().join(", ");
}

await using moto = await Moto.start();
await using rig = await AwsRig.start(moto);
rig.front.rules.limit = 1_000;
rig.front.faults.bucketed = true;
await using vm = await AwsVm.create(rig, await binaryPath());
vm.start("-max-withdraw", "100");
await vm.announce(["198.51.100.0/24"]);
await vm.untilRoutes(["198.51.100.0/24 router"]);
await say(`resident memory with one route: ${(await vm.residentBytes() / 1e6).toFixed(0)} MB`);

/** EC2's bucket of each action that changes routes. */
const [burst, perSecond] = [50, 5];
const counts = Deno.args.length > 0 ? Deno.args.map(Number) : [1, 30, 500];
for (const count of counts) {
  const prefixes = numbered(count);
  for (const way of ["announce", "withdraw"] as const) {
    rig.front.calls.length = 0;
    const start = performance.now();
    await vm[way](prefixes);
    const expected = way === "announce" ? count + 1 : 1;
    // EC2's own rate makes hundreds of routes take minutes.
    while ((await vm.summary()).length !== expected) await new Promise((wake) => setTimeout(wake, 50));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const floor = Math.max(0, (count - burst) / perSecond);
    const share = floor === 0 ? "" : `, ${(Number(seconds) / floor).toFixed(2)} of the least, ${floor} s`;
    await say(`${way} ${count}: ${callsText(rig.front.calls)}; ${seconds} s${share}`);
  }
}
await say(`resident memory after that: ${(await vm.residentBytes() / 1e6).toFixed(0)} MB`);
await vm.stop();
