/** Waiting for what a test expects. */

import { setTimeout as sleep } from "node:timers/promises";

/** How long anything may take before a test gives it up, in milliseconds. */
export const patienceMs = 60_000;

/** Short against what is waited for, long against what a look costs. */
const defaultEveryMs = 50;

/**
 * Waits until a look gives true.
 *
 * @param what for the error's sentence; as a function it says what there is at the end.
 * @param withinMs how long it may take, in milliseconds.
 * @param everyMs the pause between two looks, in milliseconds.
 */
export async function until(
  what: string | (() => string),
  look: () => boolean | Promise<boolean>,
  withinMs: number = patienceMs,
  everyMs: number = defaultEveryMs,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!await look()) {
    if (performance.now() > deadline) {
      const said = typeof what === "string" ? what : what();
      throw new Error(`Waited ${withinMs / 1000} s in vain: ${said}`);
    }
    await sleep(everyMs);
  }
}

/** Waits until a table's routes are just these, whatever their order. @throws what there is instead. */
export async function untilSame(
  expected: readonly string[],
  read: () => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  const wanted = listed(expected);
  let last = "";
  await until(() => `there should be ${wanted}, and there is ${last}`, async () => {
    last = listed(await read());
    return last === wanted;
  });
}

function listed(routes: readonly string[]): string {
  return routes.toSorted().join(", ") || "no route";
}
