/** What running a program costs: time from start to end, CPU time, and peak memory, its children's included. Needs python3. */

import type { Namespace } from "../system/namespace.ts";

/** What several runs of a program cost. */
export interface Costs {
  /** From start to end, milliseconds, of each run. */
  readonly ms: readonly number[];
  /** User and system time, milliseconds, of each run. */
  readonly cpuMs: readonly number[];
  /** The most resident memory of all runs, MB (10^6 bytes). */
  readonly peakMb: number;
}

/**
 * Deno does not tell a child's peak memory, Python does (wait4(2)). Standard output is read and thrown away. The programs, one JSON array
 * of words each, take turns: a machine is not the same from minute to minute.
 */
const measureScript = `
import json, os, sys, time
programs = [json.loads(text) for text in sys.argv[2:]]
costs = [{"ms": [], "cpuMs": [], "peakMb": 0} for _ in programs]
for _ in range(int(sys.argv[1])):
    for program, cost in zip(programs, costs):
        read, write = os.pipe()
        start = time.monotonic()
        child = os.posix_spawnp(program[0], program, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
        os.close(write)
        while os.read(read, 1 << 20): pass
        os.close(read)
        _, status, use = os.wait4(child, 0)
        cost["ms"].append((time.monotonic() - start) * 1000)
        cost["cpuMs"].append((use.ru_utime + use.ru_stime) * 1000)
        cost["peakMb"] = max(cost["peakMb"], use.ru_maxrss * 1024 / 1e6)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 2): sys.exit("%s ended with status %d" % (" ".join(program), code))
print(json.dumps(costs))
`;

/**
 * Runs programs in turns inside a namespace.
 *
 * @returns what each cost, in the order given.
 * @throws {Error} if one ends with another exit code than 0 and 2.
 */
export async function costsOf(
  namespace: Namespace,
  programs: readonly (readonly string[])[],
  rounds: number,
): Promise<readonly Costs[]> {
  const words = programs.map((program) => JSON.stringify(program));
  return JSON.parse(await namespace.must(["python3", "-c", measureScript, `${rounds}`, ...words])) as Costs[];
}
