/** The completion of zsh. */

import { commandMeanings } from "../command_names.ts";
import { type Flag, flags } from "../flags.ts";
import { shellNames, valuesOf } from "./shells.ts";

/** A file for zsh's `fpath`, named `_cloudroutesync`; to source it works as well. */
export function zshCompletion(): string {
  const commands = Object.entries(commandMeanings).map(([name, meaning]) =>
    `    ${quoted(`${name}:${meaning.replaceAll(":", "\\:")}`)}`
  );
  return `#compdef cloudroutesync
# Completion of zsh for cloudroutesync: cloudroutesync completion zsh
_cloudroutesync() {
  local state
  local -a commands=(
${commands.join("\n")}
  )
  _arguments \\
${flags.map((flag) => `    ${argument(flag)} \\`).join("\n")}
    '(- *)-help[print usage, commands and flags]' \\
    '1: :->command' \\
    '2: :->argument'
  case $state in
    command) _describe command commands ;;
    argument) [[ $words[(r)completion] == completion ]] && _values shell ${shellNames.join(" ")} ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _cloudroutesync "$@"; else compdef _cloudroutesync cloudroutesync; fi
`;
}

/** One specification of `_arguments`: `=` lets the value follow as the next word or behind a sign. */
function argument(flag: Flag): string {
  const repeat = flag.kind === "list" ? "*" : "";
  const meaning = flag.meaning.replaceAll(/[[\]:\\]/g, "\\$&");
  const values = valuesOf(flag);
  if (values === "none") return quoted(`-${flag.name}[${meaning}]`);
  const head = `${repeat}-${flag.name}=[${meaning}]:${flag.value.replaceAll(":", "\\:")}:`;
  switch (values) {
    case "file":
      return quoted(`${head}_files`);
    case "folder":
      return quoted(`${head}_files -/`);
    case "unknown":
      return quoted(`${head} `);
    default:
      return quoted(`${head}(${values.words.join(" ")})`);
  }
}

/** A word in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
