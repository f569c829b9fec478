/** How much of the machine the process takes, from what the kernel says of it (proc(5)), and how late its event loop is. */

/** What the process takes of the machine. */
export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly threads: number;
}

/** USER_HZ, in which `/proc/PID/stat` counts: 100 on x86-64 and aarch64 (asm-generic/param.h). */
const ticksPerSecond = 100;

/**
 * Reads the figures.
 *
 * @param stat `/proc/self/stat`; null where it cannot be read.
 * @param status `/proc/self/status`, which tells memory in kB whatever the size of a page.
 */
export function processFigures(stat: string | null, status: string | null): ProcessFigures | null {
  // The name, in brackets, may hold anything; field 3 comes after its last bracket.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? "")?.[1]);
  const threads = Number(fields[17]);
  if (![user, system, resident, threads].every(Number.isFinite)) return null;
  return { cpuSeconds: (user + system) / ticksPerSecond, residentBytes: resident * 1024, threads };
}

/** How often the delay of the event loop is measured, in milliseconds. */
const everyMs = 1_000;

/**
 * Measures how late the event loop is, until it is disposed of: what keeps it busy keeps the kernel's events waiting.
 *
 * @param onDelay is called with each delay, in seconds.
 */
export function watchEventLoop(onDelay: (seconds: number) => void): Disposable {
  let dueAt = performance.now() + everyMs;
  const timer = setInterval(() => {
    const now = performance.now();
    onDelay(Math.max(0, now - dueAt) / 1000);
    dueAt = now + everyMs;
  }, everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
