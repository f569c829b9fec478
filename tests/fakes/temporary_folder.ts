/** Folders that last as long as a test. */

/** Runs a test in a folder of its own and removes it afterwards, whatever the outcome. */
export async function inTemporaryFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-test-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
