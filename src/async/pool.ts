/** Many jobs, a bounded number at a time. */

/**
 * Runs a job for each item in their order, `limit` at a time. When one fails, those that wait are still run by the other workers;
 * all have ended when it resolves or rejects, so that nothing goes on without the caller's knowledge.
 *
 * @param limit how many jobs run at once, 1 or more; Infinity: all.
 * @throws the first failure, in the order of the workers.
 */
export async function forEachPooled<T>(
  items: readonly T[],
  limit: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await job(item);
  };
  await settleAll(Array.from({ length: Math.min(limit, items.length) }, worker));
}

/** Waits for all, also when one fails, and then throws the first failure. */
export async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  for (const end of await Promise.allSettled(work)) if (end.status === "rejected") throw end.reason;
}
