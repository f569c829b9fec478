/**
 * Waits for a promise until a signal gives up; what the promise stands for goes on unheard.
 *
 * @throws the signal's reason.
 */
export async function abandonable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: abandoned, reject } = Promise.withResolvers<never>();
  const abandon = (): void => reject(signal.reason);
  if (signal.aborted) abandon();
  signal.addEventListener("abort", abandon, { once: true });
  try {
    return await Promise.race([promise, abandoned]);
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}
