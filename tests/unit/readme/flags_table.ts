/** The flags as README.md shows them. */

import { flags } from "../../../src/cli/flags.ts";

/** The flags as rows of a Markdown table, for README.md. */
export function flagsTable(): string {
  const rows = flags.map((flag) => {
    const usage = flag.kind === "boolean"
      ? `-${flag.name}`
      : `-${flag.name} ${flag.value.replaceAll("|", "\\|")}`;
    const fallback = flag.default === "" || flag.kind === "boolean" ? "" : `\`${flag.default}\``;
    const meaning = flag.meaning.replaceAll("|", "\\|") + (flag.kind === "list" ? " (repeatable)" : "");
    return `| \`${usage}\` | ${fallback} | ${meaning} |`;
  });
  return ["| Flag | Default | Meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
