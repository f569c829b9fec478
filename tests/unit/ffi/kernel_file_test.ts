import assert from "node:assert/strict";
import { readKernelFile } from "../../../ffi/kernel_file.ts";
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

Deno.test("readKernelFile() reads an empty file as empty, and one page at most", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/empty`, "");
    await Deno.writeTextFile(`${folder}/long`, "x".repeat(10_000));
    assert.equal(readKernelFile(libc, `${folder}/empty`), "");
    assert.equal(readKernelFile(libc, `${folder}/long`)?.length, 4096);
  });
});

Deno.test("readKernelFile() leaves no descriptor open", async () => {
  const count = async (): Promise<number> => (await Array.fromAsync(Deno.readDir("/proc/self/fd"))).length;
  const before = await count();
  for (let turn = 0; turn < 100; turn++) readKernelFile(libc, "/proc/sys/kernel/ostype");
  assert.equal(await count(), before);
});
