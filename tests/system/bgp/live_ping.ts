/** Pings that go on while things happen. */

import type { Namespace } from "../namespace.ts";

/** How many pings one command sends, and how many seconds lie between them. */
const batch = 5;
const gapSeconds = 0.1;

/** What became of the pings. */
export interface PingCount {
  readonly sent: number;
  readonly lost: number;
}

/**
 * Ten pings a second from `source` to `target`, in a namespace, until stopped or disposed of. Each is waited for, so the last ones
 * count too.
 */
export class LivePing implements AsyncDisposable {
  readonly #counted: Promise<PingCount>;
  #stopping = false;

  constructor(namespace: Namespace, source: string, target: string) {
    this.#counted = this.#pingOn(namespace, source, target);
  }

  /** Ends it. @returns what became of all pings. */
  async stop(): Promise<PingCount> {
    this.#stopping = true;
    return await this.#counted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #pingOn(namespace: Namespace, source: string, target: string): Promise<PingCount> {
    const args = ["-n", "-c", `${batch}`, "-i", `${gapSeconds}`, "-W", "1", "-I", source, target];
    let sent = 0;
    let received = 0;
    do {
      const { stdout, stderr } = await namespace.run(["ping", ...args]);
      const counts = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
      if (counts === null) throw new Error(`Cannot ping ${target}: ${stderr}${stdout}`);
      sent += Number(counts[1]);
      received += Number(counts[2]);
    } while (!this.#stopping);
    return { sent, lost: sent - received };
  }
}
