/**
 * What tests need besides Deno. Where it is missing a test is skipped, and a line says what would let it run; with `CI` set the
 * file fails with that sentence instead.
 */

const said = new Set<string>();

/**
 * For a test's `ignore`.
 *
 * @param reasons sentences about what is missing, null for what is there.
 * @returns whether to skip the test.
 * @throws {Error} with `CI` set, where everything must be there.
 */
export function skips(...reasons: readonly (string | null)[]): boolean {
  const missing = reasons.filter((reason) => reason !== null);
  if (missing.length === 0) return false;
  const why = missing.join("; ");
  if (Deno.env.has("CI")) throw new Error(`Cannot run the tests of ${Deno.mainModule}: ${why}`);
  if (!said.has(why)) say(`Skips tests of ${fileName()}: ${why}`);
  said.add(why);
  return true;
}

/**
 * Looks for a program in `PATH`.
 *
 * @param debianPackage the package that has it.
 * @returns why it cannot be run; null if it can.
 */
export function programMissing(program: string, debianPackage: string = program): string | null {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  if (folders.some((folder) => isThere(`${folder}/${program}`))) return null;
  return `the program ${program} is missing (Debian's package ${debianPackage})`;
}

/** @returns why a file cannot be used, with the remedy; null if it is there. */
export function fileMissing(path: string, what: string, remedy: string): string | null {
  return isThere(path) ? null : `${what} is not installed: ${remedy}`;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The test file, from the repository's folder on. */
function fileName(): string {
  const root = new URL("../", import.meta.url).href;
  return Deno.mainModule.startsWith(root) ? Deno.mainModule.slice(root.length) : Deno.mainModule;
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
