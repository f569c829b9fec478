/** src/README.md, the guide to the architecture, must name what there is. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { repositoryFolder } from "./module_graph.ts";

const guide = await Deno.readTextFile(join(repositoryFolder, "src/README.md"));

async function filesBelow(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    found.push(name);
    if (isDirectory) found.push(...(await filesBelow(join(folder, name))).map((below) => `${name}/${below}`));
  }
  return found;
}

Deno.test("the guide to the source names only files and folders that there are", async () => {
  const libraries = (await filesBelow(join(repositoryFolder, "ffi"))).map((name) => `ffi/${name}`);
  const files = [...await filesBelow(join(repositoryFolder, "src")), ".ci/compile.ts", "ffi", ...libraries];
  const named = [...guide.matchAll(/`([a-z_/]+(?:\.ts|\/))`/g)].map(([, name = ""]) =>
    name.replace(/\/$/, "")
  );
  assert.ok(named.length > 40);
  const isThere = (name: string): boolean => files.some((file) => file === name || file.endsWith(`/${name}`));
  const ofTests = (name: string): boolean => name.startsWith("tests/") || name === "NAME";
  assert.deepEqual(named.filter((name) => !isThere(name) && !ofTests(name)), []);
});

Deno.test("the guide to the source names every folder of it", async () => {
  for await (const { name, isDirectory } of Deno.readDir(join(repositoryFolder, "src"))) {
    if (isDirectory) assert.ok(guide.includes(`| \`${name}/\``), `src/README.md does not name ${name}/`);
  }
});
