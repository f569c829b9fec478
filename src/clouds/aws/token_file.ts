/** Files in which Kubernetes keeps tokens for others to read. */

import { CredentialsError } from "./credentials_error.ts";

/**
 * The text of a token file; read anew each time, because such tokens are renewed.
 *
 * @param origin what names the file.
 * @throws {CredentialsError} if it cannot be read.
 */
export async function readTokenFile(path: string, origin: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CredentialsError("unavailable", `"${path}", which ${origin} names, cannot be read: ${why}`, {
      cause,
    });
  }
}
