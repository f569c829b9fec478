/** Gives up on work that does not look at a signal itself. */

/**
 * Waits for work, or for the signal, whichever comes first. The AWS SDK heeds a signal only while a request is under way, not
 * while it fetches credentials.
 *
 * @throws the signal's reason once it is aborted; the work goes on unheeded.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
