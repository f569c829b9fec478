/**
 * What nobody catches: a promise of a dependency that is rejected unheard, an exception in a callback. The runtime would end the
 * process; here it is logged with its stack and counted, and the program goes on.
 */

import { getLogger } from "@logtape/logtape";

const log = getLogger(["cloudroutesync", "unexpected"]);
/** An error that comes again is logged with its stack at most this often, in milliseconds; each one is counted. */
const sameAgainAfterMs = 60_000;

/** See the head of this file. */
export class UnexpectedErrors {
  readonly #now: () => number;
  /** When the stacks of the last minute were logged, and how often they came since. */
  readonly #logged = new Map<string, { at: number; since: number }>();
  #count = 0;

  /** @param now milliseconds that never jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many there were since the start. */
  get count(): number {
    return this.#count;
  }

  /**
   * Counts an error and logs it with its stack.
   *
   * @param where what was going on, as a phrase that fits after "Unexpected error": `in a callback`.
   */
  report(where: string, error: unknown): void {
    this.#count++;
    const stack = stackOf(error);
    const now = this.#now();
    const before = this.#logged.get(stack);
    if (before !== undefined && now - before.at < sameAgainAfterMs) {
      before.since++;
      return;
    }
    this.#forgetOld(now);
    this.#logged.set(stack, { at: now, since: 0 });
    const again = before === undefined || before.since === 0
      ? ""
      : ` (${before.since} more of it in between)`;
    log.error("Unexpected error {where}{again}; the program goes on. {stack}", {
      event: "unexpected-error",
      where,
      again,
      stack,
    });
  }

  #forgetOld(now: number): void {
    for (const [stack, { at }] of this.#logged) {
      if (now - at >= sameAgainAfterMs) this.#logged.delete(stack);
    }
  }
}

/** Takes over what the runtime would end the process for, from now on. */
export function catchUnexpected(errors: UnexpectedErrors): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    errors.report("in a promise that nobody waits for", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    errors.report("in a callback", event.error ?? event.message);
  });
}

/** The stack with its causes, or the text of what is no error. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? stack : `${stack}\nCaused by: ${stackOf(error.cause)}`;
}
