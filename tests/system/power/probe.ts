/**
 * A program that gives up its power as cloudroutesync does, then loads code that tries to use more than is left.
 * Prints one JSON document: what was given up, what the later code achieved, and whether libc still answers.
 */

import { libcPaths, openLibc } from "../../../ffi/libc.ts";
import { narrowPermissions, revokeForeignFunctions } from "../../../src/cli/least_power.ts";

const [stateFolder = "", outside = "", server = ""] = Deno.args;

const libc = openLibc();
const libraries = await revokeForeignFunctions(libcPaths);
const narrowed = await narrowPermissions({
  read: [stateFolder],
  write: [stateFolder],
  net: server !== "",
  environment: ["CLOUDROUTESYNC_*", "AWS_*"],
  sys: [],
});
const { tryEverything } = await import("./later.ts");
const outcomes = await tryEverything({ library: libc.path, stateFolder, outside, server });
const libcAnswers = libc.symbols.close(-1) === -1;
const report = JSON.stringify({ libraries, narrowed, outcomes, libcAnswers });
await Deno.stdout.write(new TextEncoder().encode(`${report}\n`));
