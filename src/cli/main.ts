/**
 * The entry. Libc is opened first and FFI given up right after, before any dependency is loaded: nothing that comes later can
 * open a library. That is why only this file and what it imports at its head run with that power.
 */

import { type Libc, libcPaths, openLibc } from "../../ffi/libc.ts";
import { revokeForeignFunctions } from "./least_power.ts";

/** The command, and the flag that people try first. */
const versionWords: readonly string[] = ["version", "-version", "--version"];

/**
 * Runs the program and ends the process with its exit code.
 *
 * @param args the command line without the program's name.
 */
export async function main(args: readonly string[]): Promise<never> {
  const libc = openedLibc();
  await revokeForeignFunctions(libcPaths);
  const { whilePrinting } = await import("./standard_output.ts");
  if (args.length === 1 && versionWords.includes(args[0] ?? "")) Deno.exit(await whilePrinting(printVersion));
  const { runProgram } = await import("./program.ts");
  Deno.exit(await whilePrinting(() => runProgram(args, libc)));
}

/** Ends the process with a sentence where there is no C library that this program can use. */
function openedLibc(): Libc {
  try {
    return openLibc();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`cloudroutesync: ${why}\n`));
    Deno.exit(1);
  }
}

/** Tells the version also where the configuration is broken: that is when people ask. */
async function printVersion(): Promise<number> {
  const { version } = await import("./commands/version.ts");
  const { print } = await import("./standard_output.ts");
  return version({ print });
}
