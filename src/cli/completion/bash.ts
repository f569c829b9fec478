/** The completion of bash. */

import { commandMeanings } from "../command_names.ts";
import { type Flag, flags } from "../flags.ts";
import { type Shell, shellNames, valuesOf } from "./shells.ts";

const shell: Shell = "bash";

/**
 * A script for bash 4 or newer, with or without the package bash-completion. Bash parts words at `=`, so `-cloud=a` arrives as
 * three; the script looks two words back then.
 */
export function bashCompletion(): string {
  return `# Completion of ${shell} for cloudroutesync: cloudroutesync completion ${shell}
_cloudroutesync() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} word command=
  if [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $current == = ]]; then current=; fi
  COMPREPLY=()
  case \${previous/#--/-} in
${flags.flatMap(valueCase).join("\n")}
    completion) COMPREPLY=($(compgen -W "${shellNames.join(" ")}" -- "$current")); return ;;
  esac
  if [[ $current == --* ]]; then
    COMPREPLY=($(compgen -W "${flags.map(({ name }) => `--${name}`).join(" ")} --help" -- "$current"))
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "${flags.map(({ name }) => `-${name}`).join(" ")} -help" -- "$current"))
  else
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
      case $word in ${Object.keys(commandMeanings).join("|")}) command=$word ;; esac
    done
    [[ -n $command ]] || COMPREPLY=($(compgen -W "${Object.keys(commandMeanings).join(" ")}" -- "$current"))
  fi
}
complete -F _cloudroutesync cloudroutesync
`;
}

/** The line that completes a flag's value; none for a flag without one. */
function valueCase(flag: Flag): string[] {
  const values = valuesOf(flag);
  switch (values) {
    case "none":
      return [];
    case "unknown":
      return [`    -${flag.name}) return ;;`];
    case "file":
      return [`    -${flag.name}) COMPREPLY=($(compgen -f -- "$current")); return ;;`];
    case "folder":
      return [`    -${flag.name}) COMPREPLY=($(compgen -d -- "$current")); return ;;`];
    default:
      return [
        `    -${flag.name}) COMPREPLY=($(compgen -W "${values.words.join(" ")}" -- "$current")); return ;;`,
      ];
  }
}
