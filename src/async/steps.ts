/**
 * Long computing in steps: between two of them the event loop may turn. Who cares for the outcome alone has all steps made at once; a
 * service makes them in slices of time (see slices.ts), so that it goes on to handle events and calls.
 */

/** A computation that pauses now and then, and its outcome. */
export type Steps<T> = Generator<void, T, void>;

/**
 * After so many items a computation pauses. A pause that is not used costs some nanoseconds, and so many items take about a
 * millisecond.
 */
export const itemsAStep = 1_024;

/** Makes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Whether something holds for one of many items: the first for which it does is the last that is looked at. */
export function* someOf<T>(items: Iterable<T>, holds: (item: T) => boolean): Steps<boolean> {
  let looked = 0;
  for (const item of items) {
    if (holds(item)) return true;
    if (++looked % itemsAStep === 0) yield;
  }
  return false;
}

/** Does something with each of many items. */
export function* eachOf<T>(items: Iterable<T>, act: (item: T) => void): Steps<void> {
  let done = 0;
  for (const item of items) {
    act(item);
    if (++done % itemsAStep === 0) yield;
  }
}
