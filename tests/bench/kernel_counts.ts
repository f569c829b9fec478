/**
 * Counts what reading 20,000 routes takes, from a kernel made of scripts, so that it is the same on every machine. Prints one line of
 * JSON. `kernelCounts` runs it with V8's compilers off, which makes what is allocated the same each time.
 */

import { KernelMonitor } from "../../src/kernel/kernel_monitor.ts";
import { done, FakeKernel } from "../fakes/netlink_port.ts";
import { attribute, concat, message, u32 } from "../fakes/netlink_messages.ts";
import { RTM_GETROUTE } from "../../src/kernel/wire/netlink_message.ts";

/** What reading a table takes. */
export interface KernelCounts {
  /** Calls of recv(2) of the whole reading. */
  readonly receives: number;
  /** Bytes of heap and buffers that stay, a route. */
  readonly keptBytesARoute: number;
  /** Bytes that were allocated meanwhile, a route. */
  readonly allocatedBytesARoute: number;
}

const routes = 20_000, routesADatagram = 200, gateways = 50;

function route(index: number): Uint8Array<ArrayBuffer> {
  const payload = concat(
    [2, 24, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0],
    attribute(15, u32(254)),
    attribute(1, [11, index >> 8, index & 255, 0]),
    attribute(6, u32(20)),
    attribute(5, [10, 0, 0, 1 + index % gateways]),
    attribute(4, u32(3)),
  );
  return message(24, payload, { flags: 2 });
}

/** Of V8 with `--expose-gc`. */
function collectGarbage(): void {
  const { gc } = globalThis as { readonly gc?: () => void };
  if (gc === undefined) throw new Error("Cannot count: V8 runs without --expose-gc");
  for (let time = 0; time < 3; time++) gc();
}

function bytesInUse(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

async function count(): Promise<KernelCounts> {
  const datagrams = Array.from(
    { length: routes / routesADatagram },
    (_, at) =>
      concat(...Array.from({ length: routesADatagram }, (_, index) => route(at * routesADatagram + index))),
  );
  const kernel = new FakeKernel();
  kernel.answer = (type) => type === RTM_GETROUTE ? [...datagrams, done()] : [done()];
  let receives = 0;
  const open: typeof kernel.openPort = (options) => {
    const port = kernel.openPort(options);
    const receive = port.receive.bind(port);
    port.receive = (buffer) => {
      receives++;
      return receive(buffer);
    };
    return port;
  };
  const read = (): Promise<KernelMonitor> =>
    KernelMonitor.openWith(open, { tables: [254], families: [4], events: false, redumpMs: 0 });
  // What is made once, by the first reading, is none of a route's.
  await (await read())[Symbol.asyncDispose]();
  collectGarbage();
  receives = 0;
  const before = bytesInUse();
  await using monitor = await read();
  const allocated = bytesInUse() - before;
  collectGarbage();
  const kept = bytesInUse() - before;
  if (monitor.table.size !== routes) throw new Error(`Cannot count: ${monitor.table.size} routes were kept`);
  return { receives, keptBytesARoute: kept / routes, allocatedBytesARoute: allocated / routes };
}

if (import.meta.main) await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(await count()) + "\n"));
