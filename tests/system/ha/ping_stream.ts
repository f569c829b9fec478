/** One ping after another, ten a second, whether they are answered or not: how long a way is interrupted shows in those that are lost. */

import type { Namespace } from "../namespace.ts";
import { until } from "../until.ts";

/** Milliseconds between two pings. */
export const pingEveryMs = 100;

/** What became of the pings up to the last one that was answered. */
export interface PingStreamCount {
  readonly sent: number;
  readonly lost: number;
}

/** See the head of this file. */
export class PingStream implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #answered = new Set<number>();
  readonly #read: Promise<void>;
  #isStopped = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#read = this.#readAnswers();
  }

  /** Starts it, and waits for the first answer. */
  static async start(namespace: Namespace, source: string, target: string): Promise<PingStream> {
    const args = ["ping", "-n", "-i", `${pingEveryMs / 1000}`, "-I", source, target];
    const stream = new PingStream(namespace.spawn(args, { stdin: "null", stdout: "piped", stderr: "null" }));
    await stream.#untilAnswered(0);
    return stream;
  }

  /** Waits for one more answer and ends. */
  async stop(): Promise<PingStreamCount> {
    await this.#untilAnswered(this.#last);
    await this[Symbol.asyncDispose]();
    return { sent: this.#last, lost: this.#last - this.#answered.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStopped) this.#child.kill("SIGTERM");
    this.#isStopped = true;
    await this.#read;
    await this.#child.status;
  }

  /** The number of the last ping that was answered; the first one's is 1. */
  get #last(): number {
    return Math.max(0, ...this.#answered);
  }

  async #untilAnswered(after: number): Promise<void> {
    await until("a ping is answered", () => this.#last > after);
  }

  async #readAnswers(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, number] = /bytes from .* icmp_seq=(\d+)/.exec(line) ?? [];
        if (number !== undefined) this.#answered.add(Number(number));
      }
    }
  }
}
