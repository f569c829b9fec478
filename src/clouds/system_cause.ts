/** Why the system refused something, in words for people. */

/**
 * The cause alone: Deno says `Is a directory (os error 21): open '/srv'`, where number, call and path are nobody's business or said
 * already.
 */
export function systemCause(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) return "this program is not allowed to use it";
  const said = error instanceof Error ? error.message : String(error);
  const words = said.replace(/ \(os error \d+\).*$/s, "");
  return words.charAt(0).toLowerCase() + words.slice(1);
}
