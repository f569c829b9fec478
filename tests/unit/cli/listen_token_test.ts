/** The token of -listen-token-file. */

import assert from "node:assert/strict";
import { ListenToken } from "../../../src/cli/listen_token.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

/** A file with a token, in a folder that is removed. */
async function withFile(content: string, body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/token`;
    await Deno.writeTextFile(path, content, { mode: 0o600 });
    await body(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ListenToken.read() takes the one word of the file, and none where no file is named", async () => {
  assert.equal((await ListenToken.read(null)).text, null);
  await withFile("0123456789abcdef\n", async (path) => {
    assert.equal((await ListenToken.read(path)).text, "0123456789abcdef");
  });
});

Deno.test("ListenToken.read() refuses what is no token, by the flag's name, and tells nothing of it", async () => {
  for (
    const content of ["", "\n", "too short\n", "0123456789abcde", "two words of a token", "0123456789abcdé€"]
  ) {
    await withFile(content, async (path) => {
      await assert.rejects(ListenToken.read(path), (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(
          error.message,
          `Cannot use the token in ${path} (-listen-token-file): it must be one word of at least 16 visible ASCII characters`,
        );
        return true;
      });
    });
  }
});

Deno.test("ListenToken.read() says why a file cannot be read", async () => {
  await assert.rejects(ListenToken.read("/nowhere/token"), {
    name: "UsageError",
    message: "Cannot read the token of /nowhere/token (-listen-token-file): there is no such file",
  });
  await assert.rejects(
    ListenToken.read("/"),
    /\(-listen-token-file\): a folder stands where a file should be$/,
  );
});

Deno.test("ListenToken.reread() takes a new token, and keeps the old one where there is none to take", async () => {
  await withFile("the first token 1".replaceAll(" ", "-"), async (path) => {
    const token = await ListenToken.read(path);
    await Deno.writeTextFile(path, "the-second-token");
    await token.reread();
    assert.equal(token.text, "the-second-token");
    await Deno.writeTextFile(path, "");
    await token.reread();
    assert.equal(token.text, "the-second-token");
    await Deno.remove(path);
    await token.reread();
    assert.equal(token.text, "the-second-token");
  });
});
