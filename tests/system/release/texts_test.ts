/** The shell scripts and the manual page, held against the tools that read them. */

import assert from "node:assert/strict";
import { manPage } from "../../../.ci/release/man_page.ts";
import { repository } from "../../../.ci/compile.ts";
import { run, tryRun } from "../../../.ci/shell.ts";
import { programMissing, skips } from "../../needs.ts";

Deno.test({
  name: "shellcheck finds nothing in any shell script",
  ignore: skips(programMissing("shellcheck"), programMissing("git")),
  async fn(): Promise<void> {
    const patterns = ["*.sh", ".ci/run", ".ci/release/debian/*", ".github/hooks/*"];
    const list = [
      "git",
      "-C",
      repository,
      "ls-files",
      "--cached",
      "--others",
      "--exclude-standard",
      ...patterns,
    ];
    const scripts = (await run(list)).split("\n");
    assert.ok(scripts.includes(".ci/release/install.sh"));
    const { success, output } = await tryRun(["shellcheck", ...scripts], { folder: repository });
    assert.ok(success, output);
  },
});

/** Letters are not struck twice for bold, nor over a line. */
const noAttributes = ["-P-c", "-P-b", "-P-o", "-P-u"];

Deno.test({
  name: "groff formats the manual page without a warning",
  ignore: skips(programMissing("groff", "groff-base")),
  async fn(): Promise<void> {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, manPage({ version: "1.2.3", date: "2026-11-28" }));
      const { success, output, errors } = await tryRun([
        "groff",
        "-man",
        "-ww",
        "-Tascii",
        ...noAttributes,
        file,
      ]);
      assert.equal(errors, "");
      assert.ok(success);
      assert.match(output, /-route-table ID/);
      assert.match(output, /EXIT STATUS/);
    } finally {
      await Deno.remove(file);
    }
  },
});
