/** README's generated parts must be what the code says. `deno run -A tests/unit/readme_test.ts` writes them anew; format after. */

import assert from "node:assert/strict";
import { commandMeanings } from "../../src/cli/command_names.ts";
import { flagsTable } from "../../src/cli/flags.ts";
import { metrics } from "../../src/observe/metrics.ts";
import { dropReasonMeanings } from "../../src/routes/drop_reason.ts";

const readme = new URL("../../README.md", import.meta.url);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const parts: Readonly<Record<string, string>> = {
  commands: table(
    ["Command", "Does"],
    Object.entries(commandMeanings).map(([name, meaning]) => [`\`${name}\``, meaning]),
  ),
  flags: flagsTable(),
  reasons: table(
    ["Reason", "A route is dropped because"],
    Object.entries(dropReasonMeanings).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
  ),
  metrics: table(
    ["Metric", "Type", "Meaning"],
    metrics.map(({ name, type, help }) => [`\`${name}\``, type, help]),
  ),
};

function withParts(text: string): string {
  return Object.entries(parts).reduce((whole, [name, part]) => {
    const start = `<!-- ${name} -->\n`;
    const from = whole.indexOf(start) + start.length;
    const to = whole.indexOf(`<!-- /${name} -->`);
    return `${whole.slice(0, from)}${part}\n${whole.slice(to)}`;
  }, text);
}

/** The formatter aligns tables; that is not what is tested here. */
function withoutPadding(text: string): string {
  return text.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---").replaceAll(/\n{2,}/g, "\n");
}

if (import.meta.main) {
  await Deno.writeTextFile(readme, withParts(await Deno.readTextFile(readme)));
} else {
  Deno.test("README has the commands, flags, reasons and metrics that the code has", async () => {
    const text = await Deno.readTextFile(readme);
    assert.equal(withoutPadding(text), withoutPadding(withParts(text)));
  });
}
