/** The machine that figures come from. */

import { repository } from "../../.ci/compile.ts";
import { tryRun } from "../../.ci/shell.ts";

/** What a reader needs to judge the figures. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  /** GB (10^9 bytes). */
  readonly memoryGb: number;
  /** Of the kernel. */
  readonly kernel: string;
}

/** Load of the last minute, when the bench began and after each part: on a quiet machine about 1, the bench itself. */
export type Loads = Record<string, number>;

/** This machine. */
export async function thisMachine(): Promise<Machine> {
  const processors = await Deno.readTextFile("/proc/cpuinfo");
  return {
    processor: /^model name\s*: (.*)$/m.exec(processors)?.[1] ?? Deno.build.arch,
    processors: navigator.hardwareConcurrency,
    memoryGb: Math.round(Deno.systemMemoryInfo().total / 1e9),
    kernel: Deno.osRelease(),
  };
}

/** The average load of the last minute. */
export function loadNow(): number {
  return Deno.loadavg()[0] ?? NaN;
}

/** The commit checked out, without saying whether files differ from it: the result is one of them. */
export async function commitNow(): Promise<string> {
  const { output } = await tryRun(["git", "-C", repository, "rev-parse", "--short=12", "HEAD"]);
  return output.trim() || "unknown";
}
