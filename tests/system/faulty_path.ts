/** A way to a server that breaks on demand, inside a network namespace: where the executable is, so that a RST reaches it. */

import type { Fault } from "../fakes/faulty_relay.ts";
import type { Namespace } from "./namespace.ts";

const script = new URL("../fakes/faulty_relay.ts", import.meta.url).pathname;

/** See the head of this file. */
export class FaultyPath implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #port = 0;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#orders = child.stdin.getWriter();
    this.#answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Makes one to a port of the namespace's loopback. */
  static async start(namespace: Namespace, port: number): Promise<FaultyPath> {
    const args = [Deno.execPath(), "run", "--no-config", "-A", script, `${port}`];
    const path = new FaultyPath(namespace.spawn(args, { stdin: "piped", stdout: "piped" }));
    path.#port = await path.#answer();
    return path;
  }

  /** Where it listens, on the namespace's loopback. */
  get port(): number {
    return this.#port;
  }

  /** Breaks what passes from now on; null: nothing. @returns how many connections there were so far. */
  arm(fault: Fault | null): Promise<number> {
    return this.#order(fault);
  }

  /** Resets every open connection. @returns how many connections there were so far. */
  resetAll(): Promise<number> {
    return this.#order("resetAll");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#answers.cancel();
    await this.#orders.close().catch(() => {});
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async #order(order: Fault | "resetAll" | null): Promise<number> {
    await this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    return await this.#answer();
  }

  async #answer(): Promise<number> {
    const { value } = await this.#answers.read();
    if (value === undefined) throw new Error("Cannot break the path: the relay has ended");
    return Number(value);
  }
}
