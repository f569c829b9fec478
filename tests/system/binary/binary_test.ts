/** The executable as a stranger's machine meets it: its size, what it links to, how it starts. */

import assert from "node:assert/strict";
import configuration from "../../../deno.json" with { type: "json" };
import { programMissing, skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";

/** Largest executable, in bytes. */
const largest = 98e6;
/** Newest glibc that the executable may need: Ubuntu 18.04's, and that of Deno itself. */
const newestGlibc = [2, 27] as const;

const ignore = skips(await binaryMissing());

/** What a process wrote and how it ended. */
async function output(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const result = await new Deno.Command(command, { args: [...args], clearEnv: true }).output();
  const decoder = new TextDecoder();
  return { code: result.code, stdout: decoder.decode(result.stdout), stderr: decoder.decode(result.stderr) };
}

function binaryTest(
  name: string,
  run: (binary: string) => Promise<void>,
  ...needs: readonly (string | null)[]
): void {
  Deno.test({ name, ignore: ignore || skips(...needs), fn: async () => await run(await binaryPath()) });
}

binaryTest("the executable is at most 98 MB", async (binary) => {
  const { size } = await Deno.stat(binary);
  assert.ok(size <= largest, `${size} bytes`);
});

binaryTest(
  "the executable needs no glibc newer than 2.27, and no library but glibc's and gcc's",
  async (binary) => {
    const { stdout, code } = await output("objdump", ["-T", "-p", binary]);
    assert.equal(code, 0);
    const versions = [...stdout.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map((
      match,
    ) => [Number(match[1]), Number(match[2])]);
    assert.ok(versions.length > 0);
    const tooNew = versions.filter(([major = 0, minor = 0]) =>
      major > newestGlibc[0] || (major === newestGlibc[0] && minor > newestGlibc[1])
    );
    assert.deepEqual(tooNew, []);
    const libraries = [...stdout.matchAll(/NEEDED\s+(\S+)/g)].map((match) => match[1] ?? "");
    const known = /^(libc|libm|libdl|librt|libpthread|libgcc_s|ld-linux-\w+|ld-linux-x86-64)\.so\.\d+$/;
    assert.deepEqual(libraries.filter((library) => !known.test(library)), []);
    assert.ok(libraries.includes("libc.so.6"));
  },
  programMissing("objdump", "binutils"),
);

binaryTest("`version` prints version, Deno and commit in an empty environment", async (binary) => {
  const { code, stdout, stderr } = await output(binary, ["version"]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(stdout, /^cloudroutesync (\S+) \(deno \d+\.\d+\.\d+, commit ([0-9a-f]{12}\+?|unknown)\)\n$/);
  assert.ok(stdout.startsWith(`cloudroutesync ${configuration.version} `));
});

binaryTest("the executable needs no home, no current folder and no terminal", async (binary) => {
  const shell = `cd /proc/self && exec ${binary} version </dev/null`;
  const { code, stdout } = await output("/bin/sh", ["-c", shell]);
  assert.equal(code, 0);
  assert.match(stdout, /^cloudroutesync /);
});

binaryTest("a bad flag ends the executable with exit code 2 and one sentence", async (binary) => {
  const { code, stdout, stderr } = await output(binary, ["run", "-no-such-flag"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /no-such-flag/);
});
