/**
 * `deno task test [PATH…] [OPTION…]`: the whole suite, in parts side by side, or the tests of the files and folders that are named. A
 * task cannot do so itself: what is given to it is appended to its command.
 */

import { join, resolve } from "node:path";
import { runParts } from "./test_parts.ts";

const repository = resolve(import.meta.dirname ?? ".", "..");

/**
 * Whether files or folders are named.
 *
 * @param given what follows `deno task test`; options of `deno test` may stand among the paths.
 * @param isPath whether there is such a file or folder.
 */
export function namesTests(given: readonly string[], isPath: (text: string) => boolean): boolean {
  const own = given.includes("--") ? given.slice(0, given.indexOf("--")) : given;
  return own.some((text) => !text.startsWith("-") && isPath(text));
}

/** How many parts run side by side: one more than there are processors, since tests wait more than they work. */
function jobs(): number {
  return Number(Deno.env.get("CLOUDROUTESYNC_TEST_JOBS")) || navigator.hardwareConcurrency + 1;
}

async function runNamed(given: readonly string[]): Promise<boolean> {
  const args = ["test", "--allow-all", ...given];
  return (await new Deno.Command(Deno.execPath(), { args, cwd: repository }).spawn().status).success;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(join(repository, path));
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const whole = !namesTests(Deno.args, isThere);
  const success = whole ? await runParts(repository, Deno.args, jobs()) : await runNamed(Deno.args);
  Deno.exit(success ? 0 : 1);
}
