/** Files that tests wait for. */

/** Whether there is a file, folder or socket of this path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
