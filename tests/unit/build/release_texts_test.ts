/** The texts of a release that are made of the program's tables. */

import assert from "node:assert/strict";
import { defaultsFile } from "../../../.ci/release/defaults_file.ts";
import { manPage } from "../../../.ci/release/man_page.ts";
import { commandMeanings } from "../../../src/cli/command_names.ts";
import { environmentVariable, flags } from "../../../src/cli/flags.ts";
import { settingsOf } from "../../fakes/command_lines.ts";

/** The variables of the file, as systemd reads it. @param commented take those that are commented out. */
function variables(commented: boolean): Record<string, string> {
  const line = commented ? /^#(CLOUDROUTESYNC_\w+)="(.*)"$/gm : /^(CLOUDROUTESYNC_\w+)="(.*)"$/gm;
  return Object.fromEntries([...defaultsFile().matchAll(line)].map(([, name, value]) => [name, value]));
}

Deno.test("defaultsFile() has a variable for each flag that a service can use", () => {
  const there = { ...variables(true), ...variables(false) };
  const known = flags.map(({ name }) => environmentVariable(name));
  assert.deepEqual(Object.keys(there).filter((name) => !known.includes(name)), []);
  for (const name of ["CLOUD", "EVENT", "ROUTE_TABLE", "LISTEN", "LOCAL_FILE"]) {
    assert.ok(`CLOUDROUTESYNC_${name}` in there, name);
  }
  for (const name of ["CLEANUP", "COUNT", "OUTPUT"]) assert.ok(!(`CLOUDROUTESYNC_${name}` in there), name);
});

Deno.test("defaultsFile() sets event mode and nothing else, and all its values are taken by the program", () => {
  assert.deepEqual(variables(false), { CLOUDROUTESYNC_EVENT: "true" });
  assert.equal(settingsOf("", { environment: variables(false) }).event, true);
  assert.deepEqual(
    settingsOf("", { environment: { ...variables(true), CLOUDROUTESYNC_LOCAL_FILE: "" } }).sync,
    settingsOf("").sync,
  );
});

Deno.test("manPage() names every command and flag, with dashes that can be searched for", () => {
  const page = manPage({ version: "1.2.3", date: "2026-11-28" });
  for (const name of Object.keys(commandMeanings)) assert.ok(page.includes(`\n\\fB${name}\\fR\n`), name);
  for (const { name } of flags) assert.ok(page.includes(`\\fB\\-${name.replaceAll("-", "\\-")}\\fR`), name);
  assert.match(page, /^\.TH CLOUDROUTESYNC 8 "2026-11-28" "cloudroutesync 1\.2\.3"/);
});
