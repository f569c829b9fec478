/** Where the command line's values come from, in a way that still works after permissions were given up. */

import { readKernelFile } from "../../ffi/kernel_file.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { CommandLineSources } from "./command_line.ts";
import { environmentVariable, flags } from "./flags.ts";

/** Takes the variables as they are now: the process's own never change, and may not be read later. */
export function commandLineSources(
  libc: Libc,
  environment: (name: string) => string | undefined,
): CommandLineSources {
  const names = flags.map(({ name }) => environmentVariable(name));
  const values = new Map(names.map((name) => [name, environment(name)]));
  return {
    environment: (name) => values.get(name),
    variables: variableNames(libc),
    readFile: (path) => Deno.readTextFileSync(path),
  };
}

/** Names of the variables that the process was started with. Deno lists them only to those who may read every one. */
function variableNames(libc: Libc): readonly string[] {
  const environment = readKernelFile(libc, "/proc/self/environ") ?? "";
  return environment.split("\0").map((entry) => entry.split("=", 1)[0] ?? "");
}
