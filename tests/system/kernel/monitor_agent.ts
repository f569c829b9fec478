/**
 * Runs a KernelMonitor inside a namespace for a test outside it: options as JSON in the first argument, then a command a
 * line on standard input, one line of JSON for each on standard output.
 *
 * | command | answer |
 * | --- | --- |
 * | `table` | the routes as lines, see {@linkcode routeLine} |
 * | `health` | the monitor's health, and the changes told so far |
 * | `addresses` | the addresses, as `10.0.0.1/24 of a0` |
 * | `fresh MODE` | routes and addresses of another monitor, opened for this question: MODE is `events` or `periodic` |
 * | `resync` | dumps anew; answers when it is done |
 * | `cpu` | milliseconds of CPU that the process has used |
 * | `sleep MS` | stands still for that long, so that events pile up |
 * | `end` | closes the monitor |
 */

import { TextLineStream } from "./text_lines.ts";
import process from "node:process";
import { type Libc, openLibc } from "../../../ffi/libc.ts";
import { readKernelFileAside } from "../../../ffi/kernel_file.ts";
import { NetlinkSocket } from "../../../ffi/netlink_socket.ts";
import { KernelMonitor, type KernelMonitorOptions } from "../../../src/kernel/kernel_monitor.ts";
import type { KernelRoute, KernelTable, Leg } from "../../../src/kernel/kernel_table.ts";

/** What the test asks for. */
export interface AgentOptions
  extends Pick<KernelMonitorOptions, "tables" | "families" | "events" | "redumpMs"> {
  /** Caps the receive buffer, bytes, to provoke overruns. */
  readonly receiveBuffer?: number;
}

/** One route as text that can also be made from what `ip -j -N route` prints. */
function routeLine(route: KernelRoute): string {
  const texts = route.legs.map(legText);
  const legs = (route.prefix.family === 6 ? texts.sort() : texts).join(" ");
  const { table, prefix, protocol, type, metric, tos, preferredSource } = route;
  const source = preferredSource === null ? "" : ` src ${preferredSource.text}`;
  return `${table} ${prefix.text} type ${type} proto ${protocol} metric ${metric} tos ${tos}${source} ${legs}`
    .trim();
}

function legText({ gateway, interfaceName, weight, dead, linkDown, encapsulation }: Leg): string {
  const tunnel = encapsulation === null ? "" : `!${encapsulation}`;
  const flags = `${dead ? "!dead" : ""}${linkDown ? "!linkdown" : ""}${tunnel}`;
  return `${gateway?.text ?? "-"}@${interfaceName}*${weight}${flags}`;
}

function tableLines(table: KernelTable): string[] {
  return Array.from(table.routes(), routeLine);
}

function addressLines(table: KernelTable): string[] {
  const names = new Map(table.links().map(({ index, name }) => [index, name]));
  return table.addresses().map(({ address, subnet, interfaceIndex }) =>
    `${address.text}/${subnet.length} of ${names.get(interfaceIndex)}`
  ).sort();
}

/** What a monitor sees that has only just been opened. */
async function fresh(options: KernelMonitorOptions, libc: Libc, mode: string | undefined): Promise<unknown> {
  await using monitor = await KernelMonitor.open(libc, { ...options, events: mode === "events" });
  return { table: tableLines(monitor.table), addresses: addressLines(monitor.table) };
}

async function resync(monitor: KernelMonitor): Promise<string> {
  const { dumps } = monitor.health;
  monitor.resync("test");
  while (monitor.health.dumps === dumps) await new Promise((resolve) => setTimeout(resolve, 1));
  return "dumped";
}

const encoder = new TextEncoder();

async function say(value: unknown): Promise<void> {
  await Deno.stdout.write(encoder.encode(JSON.stringify(value) + "\n"));
}

async function main(options: AgentOptions): Promise<void> {
  const errors: string[] = [];
  const libc = openLibc();
  const { receiveBuffer } = options;
  await using monitor = await KernelMonitor.openWith(
    (socket) =>
      NetlinkSocket.open(
        libc,
        receiveBuffer !== undefined && socket.receiveBuffer !== undefined ? { receiveBuffer } : socket,
      ),
    {
      ...options,
      readText: (path) => readKernelFileAside(libc, path),
      onError: (error) => errors.push(error.message),
    },
  );
  let changes = 0;
  monitor.onChange = () => changes++;
  await say("ready");
  for await (
    const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
  ) {
    const [command, argument] = line.split(" ");
    if (command === "table") await say(tableLines(monitor.table));
    else if (command === "addresses") await say(addressLines(monitor.table));
    else if (command === "fresh") await say(await fresh(options, libc, argument));
    else if (command === "resync") await say(await resync(monitor));
    else if (command === "cpu") {
      const { user, system } = process.cpuUsage();
      await say((user + system) / 1000);
    } else if (command === "health") {
      await say({ ...monitor.health, lastError: monitor.health.lastError?.message ?? null, changes, errors });
    } else if (command === "sleep") {
      const end = performance.now() + Number(argument);
      while (performance.now() < end);
      await say("slept");
    } else if (command === "end") break;
  }
}

if (import.meta.main) await main(JSON.parse(Deno.args[0] ?? ""));
