import assert from "node:assert/strict";
import { replaceFile, syncFolder, writeFile } from "../../../src/async/file_replacement.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("replaceFile() puts the text in the place of a longer one, and leaves no file beside it", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(path, "the old text, which is longer");
    await Deno.writeTextFile(`${path}.new`, "what a crash left, which is longer too");
    await replaceFile(path, "new", { mode: 0o600, synced: true });
    await syncFolder(path);
    assert.equal(await Deno.readTextFile(path), "new");
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["file"]);
  });
});

Deno.test("replaceFile() gives a file the permissions that were asked for", async () => {
  await inFolder(async (folder) => {
    await replaceFile(`${folder}/mine`, "", { mode: 0o600, synced: false });
    await replaceFile(`${folder}/shared`, "", { synced: false });
    assert.equal(((await Deno.stat(`${folder}/mine`)).mode ?? 0) & 0o777, 0o600);
    assert.equal(((await Deno.stat(`${folder}/shared`)).mode ?? 0) & 0o600, 0o600);
  });
});

Deno.test("replaceFile() leaves the old file where the new one cannot be written", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(path, "old");
    await Deno.mkdir(`${path}.new`);
    await assert.rejects(replaceFile(path, "new", { synced: true }));
    assert.equal(await Deno.readTextFile(path), "old");
  });
});

Deno.test("replaceFile() leaves nothing of the new file on a full disk", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(path, "old");
    await Deno.symlink("/dev/full", `${path}.new`);
    await assert.rejects(replaceFile(path, "new", { synced: false }), /No space left on device/);
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["file"]);
  });
});

Deno.test("writeFile() adds to what a file has where it is opened to append", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(path, "one ");
    await writeFile(path, "two", { append: true }, true);
    assert.equal(await Deno.readTextFile(path), "one two");
  });
});
