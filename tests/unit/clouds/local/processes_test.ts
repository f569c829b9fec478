/** Several processes on one file of the embedded cloud. */

import assert from "node:assert/strict";
import { inTemporaryFolder } from "../../../fakes/temporary_folder.ts";

const writer = new URL("../../../fakes/local/writer.ts", import.meta.url);

/** Adds routes in a process of its own. */
async function write(file: string, owner: string, first: number, count: number): Promise<void> {
  const args = ["run", "-A", "--no-check", writer.pathname, file, owner, `${first}`, `${count}`];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test("two processes that write to the local cloud at once lose nothing", async () => {
  await inTemporaryFolder(async (folder) => {
    const file = `${folder}/cloud.json`;
    await Promise.all([write(file, "one", 0, 60), write(file, "two", 100, 60)]);
    const { version, routes } = JSON.parse(await Deno.readTextFile(file));
    assert.equal(version, 120);
    const count = (owner: string): number =>
      routes.filter((route: { owner: string }) => route.owner === owner).length;
    assert.deepEqual([routes.length, count("one"), count("two")], [120, 60, 60]);
  });
});
