/** A lock that dies with its holder. */

import assert from "node:assert/strict";
import { openLibc } from "../../../ffi/libc.ts";
import { LockFile } from "../../../ffi/lock_file.ts";
import { SystemError } from "../../../ffi/system_error.ts";
import { inTemporaryFolder } from "../../fakes/temporary_folder.ts";
import { programMissing, skips } from "../../needs.ts";

const libc = openLibc();

Deno.test("LockFile.take() creates the file with the process's number in it", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.lock`;
    using lock = LockFile.take(libc, path, 4242) as LockFile; // A number would fail the next line.
    assert.ok(lock instanceof LockFile);
    assert.equal(await Deno.readTextFile(path), "4242\n");
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  });
});

Deno.test("LockFile.take() of a held lock tells who holds it, and leaves its number there", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.lock`;
    using lock = LockFile.take(libc, path, 4242) as LockFile; // A number would fail the next line.
    assert.ok(lock instanceof LockFile);
    assert.equal(LockFile.take(libc, path, 1), 4242);
    assert.equal(await Deno.readTextFile(path), "4242\n");
  });
});

Deno.test("LockFile.take() succeeds after the holder has let go", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.lock`;
    const first = LockFile.take(libc, path, 1234567);
    assert.ok(first instanceof LockFile);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    using second = LockFile.take(libc, path, 9) as LockFile; // A number would fail the next line.
    assert.ok(second instanceof LockFile);
    assert.equal(await Deno.readTextFile(path), "9\n");
  });
});

Deno.test({
  name: "LockFile.take() is free again when the holder is killed",
  ignore: skips(programMissing("flock", "util-linux")),
  fn: async () => {
    await inTemporaryFolder(async (folder) => {
      const path = `${folder}/x.lock`;
      // Without a fork the one process that is killed below is the only one that holds the lock.
      const args = ["--no-fork", path, "sh", "-c", "echo held; exec sleep 60"];
      const holder = new Deno.Command("flock", { args, stdout: "piped" }).spawn();
      const reader = holder.stdout.getReader();
      await reader.read();
      assert.equal(LockFile.take(libc, path, 1), 0, "flock(1) writes no number");
      holder.kill("SIGKILL");
      await holder.status;
      await reader.cancel();
      using lock = LockFile.take(libc, path, 1) as LockFile; // A number would fail the next line.
      assert.ok(lock instanceof LockFile);
    });
  },
});

Deno.test("LockFile.take() says why a lock cannot be had", async () => {
  await inTemporaryFolder((folder) => {
    const path = `${folder}/absent/x.lock`;
    assert.throws(() => LockFile.take(libc, path, 1), (error: unknown) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.message, `Cannot open lock file ${path}: ENOENT`);
      return true;
    });
    return Promise.resolve();
  });
});
