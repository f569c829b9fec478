/** README's generated parts must be what the code says. `deno run -A tests/unit/readme_test.ts` writes them anew; format after. */

import assert from "node:assert/strict";
import configuration from "../../deno.json" with { type: "json" };
import { commandMeanings } from "../../src/cli/command_names.ts";
import { flags } from "../../src/cli/flags.ts";
import { flagsTable } from "./readme/flags_table.ts";
import { metrics } from "../../src/observe/metrics.ts";
import { recordedMetrics } from "../../src/observe/recorded_metrics.ts";
import { dropReasonMeanings } from "../../src/routes/drop_reason.ts";
import { steps } from "../demo/demo_steps.ts";
import { errorRows, exitRows } from "./readme/behaviour.ts";
import {
  commandRows,
  costRows,
  dumpHead,
  dumpRows,
  herdRows,
  machineRows,
  reactionRows,
} from "./readme/figures.ts";
import { permissionRows } from "./readme/permissions.ts";
import { variableRows, variablesOfSources } from "./readme/variables.ts";

const repository = new URL("../../", import.meta.url);
const readme = new URL("README.md", repository);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const parts: Readonly<Record<string, string>> = {
  commands: table(
    ["Command", "Does"],
    Object.entries(commandMeanings).map(([name, meaning]) => [`\`${name}\``, meaning]),
  ),
  exits: table(["Command", "Exit 0", "1", "2"], exitRows()),
  flags: flagsTable(),
  reasons: table(
    ["Reason", "A route is dropped because"],
    Object.entries(dropReasonMeanings).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
  ),
  permissions: table(["Cloud", "To look", "To write routes", "For a table of its own"], permissionRows()),
  variables: table(["Variable", "Cloud", "Meaning"], variableRows()),
  errors: table(["Kind", "Meaning", "Next try", "What else waits"], errorRows()),
  metrics: table(
    ["Metric", "Type", "Meaning"],
    [...metrics, ...Object.values(recordedMetrics)].map((
      { name, type, help },
    ) => [`\`${name}\``, type, help]),
  ),
  machine: table(["Processor", "Processors", "Linux", "Day", "Load of the machine"], machineRows()),
  costs: table(["What", "Measured"], costRows()),
  commandcosts: table(["Command", "Takes", "÷ C", "Peak MB"], commandRows()),
  dumps: table(dumpHead(), dumpRows()),
  herd: table(
    [
      "Cloud",
      "1,000 routers of one account",
      "Calls ÷ useful",
      "99 % in step",
      "At best",
      "Others keep",
      "At most",
    ],
    herdRows(),
  ),
  reactions: table(["Program", "Changes", "Median", "99 %", "Writes"], reactionRows()),
};

function withParts(text: string): string {
  return Object.entries(parts).reduce((whole, [name, part]) => {
    const start = `<!-- ${name} -->\n`;
    const from = whole.indexOf(start) + start.length;
    const to = whole.indexOf(`<!-- /${name} -->`);
    assert.ok(from >= start.length && to >= from, `README.md has no part ${name}`);
    return `${whole.slice(0, from)}${part}\n${whole.slice(to)}`;
  }, text);
}

/** The formatter aligns tables; that is not what is tested here. */
function withoutPadding(text: string): string {
  return text.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---").replaceAll(/\n{2,}/g, "\n");
}

/** The flags in README's code, where it is this program's: `-event`, `plan -cloud local`, and lines of a shell that call it. */
function shownFlags(text: string): readonly string[] {
  const ours = /`(?:cloudroutesync )?(?:[a-z]+ )?-[a-z][^`\n]*`|^(?:sudo )?cloudroutesync .*$/gm;
  const flag = /(?<=[ `])-([a-z][a-z0-9-]+)/g;
  return [...text.matchAll(ours)].flatMap(([code]) => [...code.matchAll(flag)].map(([, name]) => name ?? ""));
}

if (import.meta.main) {
  await Deno.writeTextFile(readme, withParts(await Deno.readTextFile(readme)));
} else {
  Deno.test("README's tables are what the code says", async () => {
    const text = await Deno.readTextFile(readme);
    assert.equal(withoutPadding(text), withoutPadding(withParts(text)));
  });

  Deno.test("README names every variable that a cloud's code reads", async () => {
    const named = variableRows().map(([name = ""]) => name);
    const missing = (await variablesOfSources(repository)).filter((name) =>
      !named.some((row) => row.includes(`\`${name}\``))
    );
    assert.deepEqual(missing, []);
  });

  Deno.test("README has the dependencies of deno.json, with the licences that they declare", async () => {
    const text = await Deno.readTextFile(readme);
    const table = text.slice(text.indexOf("<!-- dependencies -->"), text.indexOf("<!-- /dependencies -->"));
    const listed = table.split("\n").slice(4).flatMap((line) => {
      const [, names = "", licence = ""] = line.split("|").map((cell) => cell.trim());
      return names === "" ? [] : names.split(", ").map((name) => `${name} ${licence}`);
    });
    const declared = Object.keys(configuration.imports).map(async (name) => {
      const manifest = await Deno.readTextFile(new URL(`node_modules/${name}/package.json`, repository));
      // Each package has been installed, and so has a manifest of this shape.
      return `${name} ${(JSON.parse(manifest) as { license: string }).license}`;
    });
    assert.deepEqual(listed.sort(), (await Promise.all(declared)).sort());
  });

  Deno.test("README shows flags that there are", async () => {
    const text = await Deno.readTextFile(readme);
    // `-flag` stands for any of them.
    const known = new Set([...flags.map(({ name }) => name), "flag"]);
    const shown = shownFlags(text);
    assert.ok(shown.length > 30, `only ${shown.length} flags were found`);
    assert.deepEqual(shown.filter((name) => !known.has(name)), []);
  });

  Deno.test("README's links into the repository and to its own headings lead somewhere", async () => {
    const text = await Deno.readTextFile(readme);
    const headings = [...text.matchAll(/^##+ (.+)$/gm)].map(([, title = ""]) =>
      `#${title.toLowerCase().replaceAll(/[^a-z0-9 -]/g, "").replaceAll(" ", "-")}`
    );
    const targets = [...text.matchAll(/\]\(([^)]+)\)|(?:src|srcset)="([^"]+)"/g)].map(([, link, source]) =>
      link ?? source ?? ""
    );
    for (const target of targets.filter((target) => !target.startsWith("https://"))) {
      if (target.startsWith("#")) assert.ok(headings.includes(target), target);
      else await Deno.stat(new URL(target, repository));
    }
  });

  Deno.test("README's pictures show the demo as it is", async () => {
    for (const theme of ["light", "dark"]) {
      const picture = await Deno.readTextFile(new URL(`tests/demo/picture/${theme}.svg`, repository));
      for (const { who, what, note } of steps) {
        assert.ok(picture.includes(`${who} ${what}`), `${theme}: ${who} ${what}`);
        assert.ok(picture.includes(note), `${theme}: ${note}`);
      }
    }
  });
}
