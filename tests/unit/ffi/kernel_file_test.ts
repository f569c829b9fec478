import assert from "node:assert/strict";
import { readKernelFile, readKernelFileAside } from "../../../ffi/kernel_file.ts";
import { openLibc } from "../../../ffi/libc.ts";
import { inTemporaryFolder } from "../../fakes/temporary_folder.ts";

const libc = openLibc();

Deno.test("readKernelFile() reads a value of /proc without the white space at its ends", async () => {
  const expected = (await Deno.readTextFile("/proc/sys/kernel/ostype")).trim();
  assert.equal(readKernelFile(libc, "/proc/sys/kernel/ostype"), expected);
  assert.equal(expected, "Linux");
});

Deno.test("readKernelFile() is null where there is no file", () => {
  assert.equal(readKernelFile(libc, "/proc/sys/kernel/no-such-value"), null);
});

Deno.test("readKernelFile() throws where there is something that cannot be read", () => {
  assert.throws(() => readKernelFile(libc, "/proc/sys"), {
    name: "SystemError",
    message: /^Cannot read \/proc\/sys: /,
  });
});

Deno.test("readKernelFile() reads an empty file as empty, and one of several pages whole", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/empty`, "");
    await Deno.writeTextFile(`${folder}/long`, "x".repeat(10_000));
    assert.equal(readKernelFile(libc, `${folder}/empty`), "");
    assert.equal(readKernelFile(libc, `${folder}/long`)?.length, 10_000);
  });
});

Deno.test("readKernelFile() leaves no descriptor open", async () => {
  const path = "/proc/sys/kernel/ostype";
  for (let turn = 0; turn < 100; turn++) readKernelFile(libc, path);
  const open: string[] = [];
  // Other tests of the same process open and close files meanwhile, so only this one's are looked for.
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    try {
      open.push(await Deno.readLink(`/proc/self/fd/${name}`));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  assert.deepEqual(open.filter((target) => target === path), []);
});

Deno.test("readKernelFileAside() reads the same, also a file of several pages, and is null where nothing can be read", async () => {
  assert.equal(await readKernelFileAside(libc, "/proc/sys/kernel/ostype"), "Linux");
  assert.equal(await readKernelFileAside(libc, "/proc/sys/kernel/no-such-value"), null);
  assert.equal(await readKernelFileAside(libc, "/proc/sys"), null);
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/long`, "x".repeat(10_000));
    assert.equal((await readKernelFileAside(libc, `${folder}/long`))?.length, 10_000);
  });
});
