/**
 * Measures a KernelMonitor from inside a namespace; prints one line of JSON.
 *
 * `dump N` times N dumps, `stall N` what they keep the event loop from; `once` one, for the whole process; `latency N` N route changes of its own from before
 * the request to the callback, `other N PROGRAM` those of another process from when the kernel had begun and ended them; `idle SECONDS` the CPU time of doing nothing; `flap` waits for a line on standard input and reports the CPU time since.
 */

import { cpuUsage } from "node:process";
import { openLibc } from "../../ffi/libc.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { KernelMonitor } from "../../src/kernel/kernel_monitor.ts";
import { attribute, concat, message, u32 } from "../fakes/netlink_messages.ts";

/** V8 collects garbage once more 20 to 35 s after a program has got idle, which takes 10 to 30 ms; then it sleeps. */
const untilIdleMs = 45_000;

const libc = openLibc();
const [mode = "once", argument = "1", program = ""] = Deno.args;
await using monitor = await KernelMonitor.open(libc, {
  tables: [254],
  families: [4],
  events: true,
  redumpMs: 0,
});

/** User and system time of this process, milliseconds. */
function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

function rssMb(): number {
  return Math.round(Deno.memoryUsage().rss / 1048576);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Dumps, and meanwhile the longest time that a timer of 1 ms came late, milliseconds. */
async function longestStall(count: number): Promise<number> {
  let longest = 0, last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  await dumps(count);
  clearInterval(timer);
  return longest;
}

async function dumps(count: number): Promise<number[]> {
  const times = [monitor.health.lastDumpMs];
  for (let round = 1; round < count; round++) {
    const { dumps } = monitor.health;
    monitor.resync("bench");
    while (monitor.health.dumps === dumps) await pause(5);
    times.push(monitor.health.lastDumpMs);
  }
  return times;
}

/** `ip route replace 11.0.0.0/24 via 10.0.0.HOST`, without the process that would blur the time. */
function replaceRoute(host: number): Uint8Array<ArrayBuffer> {
  const route = concat(
    [2, 24, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0],
    attribute(1, [250, 0, 0, 0]),
    attribute(5, [10, 0, 0, host]),
    attribute(6, u32(7)),
  );
  return message(24, route, { flags: 0x1 | 0x100 | 0x400, sequence: 1 });
}

async function latencies(count: number): Promise<number[]> {
  using socket = NetlinkSocket.open(libc);
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const heard = Promise.withResolvers<number>();
    monitor.onChange = () => heard.resolve(performance.now());
    const request = replaceRoute(2 + round % 200);
    const sentAt = performance.now();
    socket.send(request);
    times.push((await heard.promise - sentAt) * 1000);
    await pause(2);
  }
  return times;
}

/** What `kernel_latency.c` prints when it only sends. */
interface Requests {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** As {@linkcode latencies}, of changes that another process makes, as a routing daemon is one. */
async function othersLatencies(count: number, attempts = 5): Promise<unknown> {
  const heard: number[] = [];
  monitor.onChange = () => heard.push((performance.timeOrigin + performance.now()) * 1000);
  const { stdout } = await new Deno.Command(program, { args: [`${count}`, "send"] }).output();
  await pause(100);
  if (heard.length !== count) {
    // On a busy machine two changes may come together; then none can be told from the next.
    if (attempts > 1) return await othersLatencies(count, attempts - 1);
    throw new Error(`Heard of ${heard.length} changes instead of ${count}: is the machine busy?`);
  }
  const { before, after } = JSON.parse(new TextDecoder().decode(stdout)) as Requests;
  const since = (starts: readonly number[]): number[] => heard.map((at, round) => at - (starts[round] ?? 0));
  return { before: since(before), after: since(after) };
}

async function measure(): Promise<unknown> {
  const amount = Number(argument);
  if (mode === "dump") return { ms: await dumps(amount), size: monitor.table.size, rssMb: rssMb() };
  if (mode === "stall") return { ms: await longestStall(amount) };
  if (mode === "latency") return { us: await latencies(amount) };
  if (mode === "other") return await othersLatencies(amount);
  if (mode === "idle") {
    await pause(untilIdleMs);
    const before = cpuMs();
    await pause(amount * 1000);
    return { cpuMs: cpuMs() - before, seconds: amount };
  }
  if (mode === "flap") {
    const before = { cpu: cpuMs(), events: monitor.health.events };
    await Deno.stdin.read(new Uint8Array(1));
    await pause(500);
    const { events, dumps, overruns } = monitor.health;
    return { cpuMs: cpuMs() - before.cpu, events: events - before.events, dumps, overruns };
  }
  return { size: monitor.table.size };
}

await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(await measure()) + "\n"));
