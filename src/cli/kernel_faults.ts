/** Logs that the kernel cannot be read, once for each cause, and that it can again. */

import { getLogger } from "@logtape/logtape";
import { durationText } from "../sync/wording.ts";

const log = getLogger(["cloudroutesync", "kernel"]);

/** See the head of this file. */
export class KernelFaults {
  readonly #now: () => number;
  #since: number | null = null;

  /** @param now milliseconds that never jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What keeps the kernel from being read became this; null: nothing does. */
  became(error: Error | null): void {
    if (error === null) return this.#over();
    this.#since ??= this.#now();
    log.warn("failing: {message}; what was read before counts until the kernel can be read again", {
      event: "kernel-failing",
      message: error.message,
    });
  }

  #over(): void {
    if (this.#since === null) return;
    log.info("The kernel is read well again, after {duration}", {
      event: "kernel-failing-over",
      duration: durationText(Math.max(this.#now() - this.#since, 1)),
    });
    this.#since = null;
  }
}
