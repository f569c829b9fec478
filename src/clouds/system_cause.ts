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

/** The name of errno(3) that an error of Deno's carries, such as `ENOSPC`; undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What a person can do where the system refused to write, by the name of errno(3), as the beginning of a sentence. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "free space there",
  EDQUOT: "free space there, or raise the disk quota",
  EROFS: "mount it writable",
  EACCES: "let this user write there",
  EPERM: "let this user write there",
};

/**
 * What to do about a file that cannot be written.
 *
 * @param code the name of errno(3), see {@linkcode systemCode}.
 * @param otherwise the other way out, such as `name another folder with -state`.
 */
export function writeRemedy(code: string | undefined, otherwise: string): string {
  const first = remedies[code ?? ""];
  return first === undefined ? otherwise : `${first}, or ${otherwise}`;
}
