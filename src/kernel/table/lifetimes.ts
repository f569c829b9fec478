/**
 * When the lifetimes of routes end (RTA_CACHEINFO), so that the kernel must be read again.
 *
 * The kernel passes over a route whose lifetime has ended, but lists it up to 30 s longer and tells only then that it is gone
 * (fib6_run_gc in net/ipv6/ip6_fib.c). Meanwhile a router advertisement, or an `ip -6 route append` that fails with EEXIST, gives it a
 * new lifetime without a word, or none (fib6_add_rt2node; `ip route add` is refused before that). And within a hundredth of a second
 * around its end a dump tells nothing of the lifetime (`rta_expires` 0), as of a route that has none.
 */

/** The unit of `rta_expires` on all machines that Deno runs on (USER_HZ is 100), milliseconds. */
const tickMs = 10;

/** Ends are rounded up to this, so that many routes make few dumps. Milliseconds. */
const stepMs = 50;

/** A dump that begins so long after the end of a lifetime shows it for sure; a little later it is made. Milliseconds. */
const settledMs = 50;
const lookMs = 60;

/** By so much an event or a datagram of a dump may have waited before its lifetime was noted, milliseconds. */
const mostLateMs = 1_000;

/** Routes that have ended and are still listed are read again after so long, and so many times what a dump takes. Milliseconds. */
const lapsedMs = 1_000;
const lapsedDumps = 20;

/** The ends that are ahead. Times are `performance.now` milliseconds. */
export class Lifetimes {
  readonly #ends = new Set<number>();
  #first = Infinity;

  /** Whether the dump listed a route whose lifetime had ended, and which may come back. */
  hasLapsed = false;

  /** Looks at a route. @param expires {@linkcode RouteDecoder.expires} */
  note(expires: number): void {
    if (expires > 0) this.#add(performance.now() + (expires + 1) * tickMs);
  }

  /** When to read the kernel next; Infinity for never. */
  get nextLookAt(): number {
    return this.#first + lookMs;
  }

  /**
   * Ends the dump that has filled this: takes over the ends that it cannot have seen for sure.
   *
   * @param before of the table before it.
   */
  endDump(before: Lifetimes, startedAt: number, endedAt: number): void {
    for (const end of before.#ends) {
      if (end <= endedAt + mostLateMs && startedAt < end + settledMs) this.#add(end);
    }
    if (this.hasLapsed) this.#add(endedAt + Math.max(lapsedMs, lapsedDumps * (endedAt - startedAt)));
  }

  #add(end: number): void {
    const rounded = Math.ceil(end / stepMs) * stepMs;
    this.#ends.add(rounded);
    this.#first = Math.min(this.#first, rounded);
  }
}
