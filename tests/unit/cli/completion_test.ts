/** `completion`: what it prints for each shell, and what it says to a shell that it does not know. */

import assert from "node:assert/strict";
import { UsageError } from "../../../src/cli/usage_error.ts";
import { commandMeanings } from "../../../src/cli/command_names.ts";
import { completion } from "../../../src/cli/commands/completion.ts";
import { completionFor } from "../../../src/cli/completion/completion.ts";
import { shellNames, valuesOf } from "../../../src/cli/completion/shells.ts";
import { flags } from "../../../src/cli/flags.ts";
import { commandLine, errorsOf } from "../../fakes/command_lines.ts";

Deno.test("completionFor() names every command and flag, whatever the shell", () => {
  for (const shell of shellNames) {
    const script = completionFor(shell);
    for (const name of [...Object.keys(commandMeanings), ...flags.map((flag) => flag.name)]) {
      assert.ok(script.includes(name), `${shell} lacks ${name}`);
    }
  }
});

Deno.test("completion prints the script of the shell named and exits with 0", () => {
  let printed = "";
  const code = completion({ words: ["fish"], print: (text) => (printed += text) !== "" });
  assert.equal(code, 0);
  assert.equal(printed, completionFor("fish"));
});

Deno.test("completion names the shells that it knows", () => {
  assert.throws(
    () => completion({ words: ["tcsh"], print: () => true }),
    new UsageError('Cannot complete for "tcsh": known shells are bash, zsh, fish'),
  );
  assert.match(
    errorsOf("completion")[0] ?? "",
    /^Command completion needs a shell: cloudroutesync completion /,
  );
  assert.deepEqual(errorsOf("completion bash zsh"), ['Command completion takes no argument "zsh"']);
  assert.equal(commandLine("completion zsh").words[0], "zsh");
});

Deno.test("valuesOf() offers the words that settings take, paths where the value is one, else nothing", () => {
  const named = (name: string): unknown => {
    const flag = flags.find((known) => known.name === name);
    return flag === undefined ? undefined : valuesOf(flag);
  };
  assert.deepEqual(named("cloud"), { words: ["azure", "aws", "gcp", "openstack", "local"] });
  assert.deepEqual(named("log-format"), { words: ["text", "json"] });
  assert.equal(named("config"), "file");
  assert.equal(named("state"), "folder");
  assert.equal(named("owner"), "unknown");
  assert.equal(named("event"), "none");
});
