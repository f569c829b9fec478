/**
 * A program that makes calls through the transport, one for each line of JSON on standard input, and prints what came of each. Compiled
 * as cloudroutesync is, so that the runtime is the one that the executable carries.
 */

import { Transport } from "../../../src/clouds/kit/transport.ts";
import { TransportError } from "../../../src/clouds/kit/transport_error.ts";

/** A call for the probe to make. */
export interface Order {
  readonly method: string;
  readonly url: string;
  /** Bytes of the request's body. */
  readonly bytes: number;
  readonly timeoutMs: number;
  /** When the caller gives up, in milliseconds; null: never. */
  readonly giveUpAfterMs: number | null;
  readonly direct: boolean;
}

/** What came of it: the status, or the error. */
export interface Outcome {
  readonly status?: number;
  readonly error?: string;
  readonly message?: string;
  readonly timedOut?: boolean;
}

const transport = new Transport(Deno.args);

async function carryOut({ method, url, bytes, timeoutMs, giveUpAfterMs, direct }: Order): Promise<Outcome> {
  const caller = new AbortController();
  const timer = giveUpAfterMs === null
    ? undefined
    : setTimeout(() => caller.abort(new Error("told to stop")), giveUpAfterMs);
  const body = bytes === 0 ? undefined : new Uint8Array(bytes);
  try {
    const { signal } = caller;
    const { status } = await transport.send({ method, url, headers: {}, body, timeoutMs, direct, signal });
    return { status };
  } catch (error) {
    if (error instanceof TransportError) {
      return { error: error.name, message: error.message, timedOut: error.timedOut };
    }
    return error instanceof Error ? { error: error.name, message: error.message } : { error: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const text of lines) {
  const whole = (rest + text).split("\n");
  rest = whole.pop() ?? "";
  for (const line of whole) {
    // The test that compiled this program writes its own orders.
    const outcome = await carryOut(JSON.parse(line) as Order);
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(outcome)}\n`));
  }
}
