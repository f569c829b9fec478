/**
 * Measures the kernel side by itself, a probe in the place of the executable, against a C program that does the same and `ip -j route`.
 * Needs gcc, iproute2 and namespaces.
 */

import { v8Flags } from "../../.ci/compile.ts";
import { Namespace } from "../system/namespace.ts";
import type { Figure } from "./figure.ts";
import { cDump, cLatency } from "./peers.ts";

const rounds = 7;

function here(name: string): string {
  return new URL(name, import.meta.url).pathname;
}

/** The probe, compiled by V8 as the executable is. */
const probeCommand: readonly string[] = [
  Deno.execPath(),
  "run",
  "--allow-all",
  "--no-check",
  `--v8-flags=${v8Flags.join(",")}`,
  here("kernel_probe.ts"),
];

function routeLines(action: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const destination = `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`;
    return `route ${action} ${destination} via 10.0.${(index % 300) >> 8}.${
      2 + index % 200
    } proto bgp metric 20`;
  });
}

async function probe(namespace: Namespace, args: readonly string[]): Promise<string> {
  return await namespace.must([...probeCommand, ...args]);
}

/** Runs something several times; the least of its milliseconds. */
async function leastMs(run: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

async function measureDumps(namespace: Namespace, program: string): Promise<Figure[]> {
  let c = Infinity;
  const cWhole = await leastMs(async () => {
    c = Math.min(c, (JSON.parse(await namespace.must([program])) as { readonly ms: number }).ms);
  });
  const { ms, rssMb } = JSON.parse(await probe(namespace, ["dump", "12"])) as {
    readonly ms: readonly number[];
    readonly rssMb: number;
  };
  const least = Math.min(...ms);
  const stall = JSON.parse(await probe(namespace, ["stall", "6"])) as { readonly ms: number };
  const whole = await leastMs(() => probe(namespace, ["once"]));
  const ip = await leastMs(() => namespace.must(["sh", "-c", "ip -j route > /dev/null"]));
  return [
    { what: "C program, dump", value: `${c.toFixed(0)} ms`, limit: "" },
    { what: "monitor, dump", value: `${least.toFixed(0)} ms, ${(least / c).toFixed(2)} x`, limit: "1.25 x" },
    { what: "C program, whole process", value: `${cWhole.toFixed(0)} ms`, limit: "" },
    {
      what: "monitor, whole process",
      value: `${whole.toFixed(0)} ms, ${(whole / cWhole).toFixed(2)} x`,
      limit: "1.6 x",
    },
    { what: "ip -j route", value: `${ip.toFixed(0)} ms, ${(ip / cWhole).toFixed(2)} x`, limit: "" },
    { what: "event loop held up by dumps", value: `${stall.ms.toFixed(0)} ms at most`, limit: "16 ms" },
    { what: "memory after 12 dumps", value: `${rssMb} MB`, limit: "150 MB" },
  ];
}

/** What a latency run prints: microseconds of each event. */
function latencyText(output: string): string {
  return microsecondsText((JSON.parse(output) as { readonly us: number[] }).us);
}

/** What the run with another process prints: from before its requests, and from when the kernel had done them. */
function othersText(output: string): string {
  const { before, after } = JSON.parse(output) as Record<"before" | "after", number[]>;
  return `${microsecondsText(after)}; with the kernel's work ${microsecondsText(before)}`;
}

function microsecondsText(us: readonly number[]): string {
  const sorted = us.toSorted((left, right) => left - right);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
  return `median ${at(0.5)} us, 95 % ${at(0.95)} us`;
}

async function measureEvents(namespace: Namespace, program: string, idleSeconds: number): Promise<Figure[]> {
  const c = latencyText(await namespace.must([program, "500"]));
  const monitor = latencyText(await probe(namespace, ["latency", "500"]));
  const other = othersText(await probe(namespace, ["other", "500", program]));
  const flap = await measureFlap(namespace);
  const idle = JSON.parse(await probe(namespace, ["idle", `${idleSeconds}`])) as { readonly cpuMs: number };
  return [
    { what: "C program, event", value: c, limit: "" },
    { what: "event, request to callback", value: monitor, limit: "150 us" },
    { what: "event of another process", value: other, limit: "150 us" },
    ...flap,
    {
      what: `idle CPU over ${idleSeconds} s`,
      value: `${(idle.cpuMs / idleSeconds / 10).toFixed(3)} %`,
      limit: "0.0 %",
    },
  ];
}

async function measureFlap(namespace: Namespace): Promise<Figure[]> {
  const count = 100_000;
  const child = namespace.spawn(
    [...probeCommand, "flap"],
    { stdin: "piped", stdout: "piped" },
  );
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await namespace.batch(routeLines("add", count));
  await namespace.batch(routeLines("del", count));
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("\n"));
  await writer.close();
  const { stdout } = await child.output();
  const result = JSON.parse(new TextDecoder().decode(stdout)) as Record<
    "cpuMs" | "events" | "dumps" | "overruns",
    number
  >;
  const { cpuMs, events, dumps, overruns } = result;
  return [{
    what: `flap of ${count} routes`,
    value: `${
      (cpuMs * 1000 / events).toFixed(1)
    } us CPU an event (${events} events, ${dumps} dumps, ${overruns} overruns)`,
    limit: "",
  }];
}

/** All of it. @param idleSeconds how long idle CPU time is measured. */
export async function kernelFigures(routes: number, idleSeconds: number): Promise<readonly Figure[]> {
  const [dump = ""] = await cDump();
  await using namespace = await Namespace.create();
  await namespace.veth("a0", "a1", "10.0.0.1/16");
  const events = await measureEvents(namespace, await cLatency(), idleSeconds);
  await namespace.batch(routeLines("add", routes));
  return [...await measureDumps(namespace, dump), ...events];
}
