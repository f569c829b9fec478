/**
 * Measures the executable against the real Neutron, for the numbers in the documentation; no test.
 * `deno run --allow-all tests/system/openstack/measure.ts`
 */

import { type OpenstackRig, startOpenstack } from "../../fakes/openstack/rig.ts";
import type { ProxiedCall } from "../../fakes/openstack/proxy.ts";
import { binaryPath } from "../binary.ts";
import { until } from "../until.ts";
import { OpenstackVm } from "./openstack_vm.ts";

const repetitions = 20;

await using rig = await startOpenstack();
await using vm = await OpenstackVm.create(rig, Deno.args[0] ?? await binaryPath());
await vm.reset();
await rig.setRouteQuota(300);
vm.start("-max-withdraw", "100");
await firstRoute();
const latencies = await measureLatency();
const bursts: string[] = [];
for (const count of [1, 30, 200]) bursts.push(...await measureBurst(count));
const resident = await vm.residentBytes();
const lines = [
  `kernel change to route in Neutron, median of ${repetitions}: ${
    median(latencies.map(({ whole }) => whole))
  } ms`,
  `  of which until Neutron is called: ${median(latencies.map(({ own }) => own))} ms`,
  ...bursts,
  `resident memory: ${Math.round(resident / 1e6)} MB`,
];
await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));

/** Logs in, and whatever else happens but once. */
async function firstRoute(): Promise<void> {
  await vm.announce(["192.0.2.0/24"]);
  await until("the first route", () => added(rig).length === 1);
}

/** From just before `ip route add` is started to Neutron's answer, in milliseconds. */
async function measureLatency(): Promise<{ readonly whole: number; readonly own: number }[]> {
  const latencies: { readonly whole: number; readonly own: number }[] = [];
  for (let index = 0; index < repetitions; index++) {
    await new Promise((wake) => setTimeout(wake, 1000));
    rig.proxy.clear();
    const startedAt = performance.now();
    await vm.announce([`198.51.${index}.0/24`]);
    await until("a route", () => added(rig).length === 1);
    const [call] = added(rig);
    if (call === undefined) throw new Error("Cannot find the call that was waited for");
    latencies.push({ whole: call.answeredAt - startedAt, own: call.arrivedAt - startedAt });
  }
  return latencies;
}

/** So many routes that come at once, and go at once. */
async function measureBurst(count: number): Promise<readonly string[]> {
  const prefixes = Array.from({ length: count }, (_, index) => `198.18.${index}.0/24`);
  const standing = (await rig.routes()).length;
  const coming = await measured(`${count} come`, () => vm.announce(prefixes), standing + count);
  const going = await measured(`${count} go`, () => vm.withdraw(prefixes), standing);
  return [coming, going];
}

/** From before the kernel's change until Neutron has so many routes: the seconds, and the calls. */
async function measured(what: string, change: () => Promise<void>, expected: number): Promise<string> {
  rig.proxy.clear();
  const startedAt = performance.now();
  await change();
  await until(what, async () => (await rig.routes()).length === expected);
  const seconds = (performance.now() - startedAt) / 1000;
  const calls = rig.proxy.calls.map(({ method, path }) =>
    `${method} ${path.replace(/\?.*/, "").replace(/^.*\//, "")}`
  );
  return `${what}: ${seconds.toFixed(1)} s, ${calls.join(", ")}`;
}

function added(from: OpenstackRig): readonly ProxiedCall[] {
  return from.proxy.callsTo(/PUT .*\/add_extraroutes/);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? NaN);
}
