import assert from "node:assert/strict";
import { fallbackVersion } from "../../../.ci/denort.ts";

const readme = new URL("../../../README.md", import.meta.url);

Deno.test("README names the runtime that the executable carries where Deno's download site cannot be reached", async () => {
  const text = (await Deno.readTextFile(readme)).replaceAll(/\s+/g, " ");
  assert.ok(text.includes(`Deno ${fallbackVersion}'s`), `README does not name ${fallbackVersion}`);
});
