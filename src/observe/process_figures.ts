/** How much of the machine the process takes, from what the kernel says of it (proc(5)). Pure. */

/** See the head of this file. */
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
