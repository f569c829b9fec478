/** A cloud that is never called sooner than it asked for, whoever calls: all tables and all errands of a run share one wait. */

import type { Cloud } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import type { Clock } from "./clock.ts";

/**
 * Wraps a cloud: after an answer with Retry-After every further call waits until that has passed.
 *
 * @param cloud the cloud to spare.
 */
export function politeCloud(cloud: Cloud, clock: Clock): Cloud {
  let notBefore = 0;
  const politely = async <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    while (clock.now() < notBefore) {
      await clock.sleep(notBefore - clock.now(), signal);
      signal.throwIfAborted();
    }
    try {
      return await call();
    } catch (error) {
      if (error instanceof CloudError && error.retryAfterMs !== undefined) {
        notBefore = Math.max(notBefore, clock.now() + error.retryAfterMs);
      }
      throw error;
    }
  };
  return {
    name: cloud.name,
    traits: cloud.traits,
    identify: (signal) => politely(signal, () => cloud.identify(signal)),
    locate: (signal) => politely(signal, () => cloud.locate(signal)),
    prepare: (signal) => politely(signal, () => cloud.prepare(signal)),
    resolve: (gateways, signal) => politely(signal, () => cloud.resolve(gateways, signal)),
    read: (table, signal) => politely(signal, () => cloud.read(table, signal)),
    write: (table, changes, state, signal) =>
      politely(signal, () => cloud.write(table, changes, state, signal)),
    remove: (signal) => politely(signal, () => cloud.remove(signal)),
    check: (options, signal) => cloud.check(options, signal),
    policy: () => cloud.policy(),
    describe: (nextHop) => cloud.describe(nextHop),
  };
}
