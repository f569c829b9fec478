/** A symbolic link as the embedded cloud's file: what is locked and written is what it points at. */

import assert from "node:assert/strict";
import { followLinks } from "../../../../src/clouds/local/follow_links.ts";
import { inTemporaryFolder } from "../../../fakes/temporary_folder.ts";

Deno.test("followLinks() leaves alone what is no link", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    for (
      const path of ["./cloudroutesync.local.json", `${folder}/file`, `${folder}/none`, folder, "/dev/full"]
    ) {
      assert.equal(await followLinks(path), path);
    }
  });
});

Deno.test("followLinks() goes from link to link to a file that is there or will be", async () => {
  await inTemporaryFolder(async (given) => {
    const folder = await Deno.realPath(given);
    await Deno.mkdir(`${folder}/deep/er`, { recursive: true });
    await Deno.symlink("deep/first", `${folder}/link`);
    await Deno.symlink("er/second", `${folder}/deep/first`);
    await Deno.symlink(`${folder}/table.json`, `${folder}/deep/er/second`);
    assert.equal(await followLinks(`${folder}/link`), `${folder}/table.json`);
    await Deno.writeTextFile(`${folder}/table.json`, "");
    assert.equal(await followLinks(`${folder}/link`), `${folder}/table.json`);
  });
});

Deno.test("followLinks() takes .. for the parent of where a folder really is", async () => {
  await inTemporaryFolder(async (given) => {
    const folder = await Deno.realPath(given);
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    await Deno.symlink("a/b", `${folder}/short`);
    await Deno.symlink("../table.json", `${folder}/a/b/link`);
    assert.equal(await followLinks(`${folder}/short/link`), `${folder}/a/table.json`);
  });
});

Deno.test("followLinks() leaves a loop to whoever opens it", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.symlink("right", `${folder}/left`);
    await Deno.symlink("left", `${folder}/right`);
    assert.equal(await followLinks(`${folder}/left`), `${folder}/left`);
  });
});
