/** The completions in the shells themselves: what each offers at a point of a command line. */

import assert from "node:assert/strict";
import { completionFor } from "../../../src/cli/completion/completion.ts";
import type { Shell } from "../../../src/cli/completion/shells.ts";
import { flags } from "../../../src/cli/flags.ts";
import { programMissing, skips } from "../../needs.ts";

/** Runs a script in a shell that has the completion's file as its first argument. @returns the lines printed. */
async function inShell(shell: Shell, options: readonly string[], script: string): Promise<string[]> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, completionFor(shell));
    const { code, stdout, stderr } = await new Deno.Command(shell, {
      args: [...options, "-c", script, ...(shell === "fish" ? [] : [shell]), file],
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(code, 0);
    return new TextDecoder().decode(stdout).trim().split("\n");
  } finally {
    await Deno.remove(file);
  }
}

Deno.test({
  name: "bash completes commands, flags with one dash or two, and values after a space or a sign",
  ignore: skips(programMissing("bash")),
  async fn(): Promise<void> {
    const lines = await inShell(
      "bash",
      ["--norc"],
      `set -eu
       source "$1"
       try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cloudroutesync; echo "$*: \${COMPREPLY[*]}"; }
       try cloudroutesync cl; try cloudroutesync plan ""; try cloudroutesync completion f
       try cloudroutesync -ev; try cloudroutesync --ev; try cloudroutesync -owner x
       try cloudroutesync -cloud a; try cloudroutesync --cloud = a; try cloudroutesync -cloud =`,
    );
    assert.deepEqual(lines, [
      "cloudroutesync cl: cleanup",
      "cloudroutesync plan : ",
      "cloudroutesync completion f: fish",
      "cloudroutesync -ev: -event",
      "cloudroutesync --ev: --event",
      "cloudroutesync -owner x: ",
      "cloudroutesync -cloud a: azure aws",
      "cloudroutesync --cloud = a: azure aws",
      "cloudroutesync -cloud =: azure aws gcp openstack local",
    ]);
  },
});

Deno.test({
  name: "fish completes commands, flags and values",
  ignore: skips(programMissing("fish")),
  async fn(): Promise<void> {
    const lines = await inShell(
      "fish",
      ["--no-config"],
      `source $argv[1]
       for line in "cloudroutesync cl" "cloudroutesync completion " "cloudroutesync -ev" "cloudroutesync -cloud a"
         complete -C $line | string split -f1 \\t
       end`,
    );
    assert.deepEqual(lines, ["cleanup", "bash", "fish", "zsh", "-event", "aws", "azure"]);
  },
});

Deno.test({
  name: "zsh takes the completion, with a well-formed specification for each flag",
  ignore: skips(programMissing("zsh")),
  async fn(): Promise<void> {
    // The function that reads specifications works at a prompt alone, so a stand-in prints them.
    const lines = await inShell(
      "zsh",
      ["--no-rcs"],
      `autoload -U compinit && compinit -D -u
       source "$1"
       print -r -- $_comps[cloudroutesync]
       _arguments() { print -rl -- "$@" }
       _cloudroutesync`,
    );
    assert.equal(lines[0], "_cloudroutesync");
    const specifications = lines.slice(1).filter((line) => /^\*?-/.test(line));
    assert.equal(specifications.length, flags.length);
    for (const line of specifications) {
      assert.match(line, /^\*?-[a-z0-9-]+(=\[(\\.|[^\]\\])+\]:(\\.|[^:\\])+:.+|\[(\\.|[^\]\\])+\])$/);
    }
    assert.ok(
      lines.some((line) => line.startsWith("-cloud=[") && line.endsWith(":(azure aws gcp openstack local)")),
    );
  },
});
