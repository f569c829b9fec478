/** The file /etc/default/cloudroutesync as it is installed: one variable for each flag of the service. */

import { environmentVariable, type Flag, flags } from "../../src/cli/flags.ts";

/** What the service is started with unless the administrator says otherwise. */
const preset: Readonly<Record<string, string>> = { event: "true" };

/** Flags that make no sense for a service: they belong to other commands, to a terminal or to tests. */
const notForServices: readonly string[] = ["cleanup", "output", "local-latency", "local-faults"];

const head =
  `# Settings of cloudroutesync.service: one variable for each flag, and the cloud's own (AWS_*, AZURE_*, OS_*).
# After a change: systemctl restart cloudroutesync. All flags: man cloudroutesync.
# Several values are separated by commas. A value that is commented out is the default.
`;

/** The file, in systemd's form for `EnvironmentFile=`. */
export function defaultsFile(): string {
  const served = flags.filter(({ name, group }) => group !== "Commands" && !notForServices.includes(name));
  return `${head}\n${served.map(paragraph).join("\n")}`;
}

function paragraph(flag: Flag): string {
  const given = preset[flag.name];
  const mark = given === undefined ? "#" : "";
  return `# ${flag.meaning}\n${mark}${environmentVariable(flag.name)}="${given ?? literal(flag.default)}"\n`;
}

/** A default that is a value; some are said in words (`$STATE_DIRECTORY, else …`). */
function literal(text: string): string {
  return text.includes(" ") ? "" : text;
}
