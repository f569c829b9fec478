/**
 * The entry. Libc is opened first and FFI given up right after, before any dependency is loaded: nothing that comes later can
 * open a library. That is why only this file and what it imports at its head run with that power.
 */

import { libcPaths, openLibc } from "../../ffi/libc.ts";
import { revokeForeignFunctions } from "./least_power.ts";

/**
 * Runs the program and ends the process with its exit code.
 *
 * @param args the command line without the program's name.
 */
export async function main(args: readonly string[]): Promise<never> {
  const libc = openLibc();
  await revokeForeignFunctions(libcPaths);
  const { whilePrinting } = await import("./standard_output.ts");
  if (args.length === 1 && args[0] === "version") Deno.exit(await whilePrinting(printVersion));
  const { runProgram } = await import("./program.ts");
  Deno.exit(await whilePrinting(() => runProgram(args, libc)));
}

/** Tells the version also where the configuration is broken: that is when people ask. */
async function printVersion(): Promise<number> {
  const { version } = await import("./commands/version.ts");
  const { print } = await import("./standard_output.ts");
  return version({ print });
}
