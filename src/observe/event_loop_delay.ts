/** How late the event loop is: what keeps it busy keeps the kernel's events waiting. */

/** How often it is measured, in milliseconds. */
const everyMs = 1_000;

/** Measures until it is disposed of. @param onDelay hears of each delay, in seconds. */
export function watchEventLoop(onDelay: (seconds: number) => void): Disposable {
  let dueAt = performance.now() + everyMs;
  const timer = setInterval(() => {
    const now = performance.now();
    onDelay(Math.max(0, now - dueAt) / 1000);
    dueAt = now + everyMs;
  }, everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
