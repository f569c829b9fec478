/** Gives up on work that does not look at a signal itself. */

/**
 * Waits for work, or for the signal, whichever comes first. The work itself goes on, and what becomes of it is ignored.
 *
 * @throws the signal's reason as soon as it is aborted.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    // An aborted signal wins over work that has ended, as it does for fetch().
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
