/** SIGHUP: which of the settings that the configuration file has now are taken while the service runs. Pure. */

import type { CommandLine, GivenValue } from "./command_line.ts";
import { readSettings, type Settings } from "./settings.ts";

/** Flags whose new value counts at once: what is wanted, how fast and how carefully it is written, and what is logged. */
const liveFlags: ReadonlySet<string> = new Set([
  "protocol",
  "include",
  "exclude",
  "interface",
  "blackhole",
  "allow-default",
  "allow-local",
  "max-withdraw",
  "hold",
  "withdraw-delay",
  "coalesce",
  "audit",
  "sync",
  "adopt",
  "withdraw-on-exit",
  "debug",
  "log-format",
]);

/** What came of reading the settings again. */
export type Reload =
  | { readonly is: "refused"; readonly errors: readonly string[] }
  | {
    readonly is: "taken";
    readonly settings: Settings;
    readonly values: readonly GivenValue[];
    /** Flags with their new values, as people write them: `-hold 30s`; a flag that is left out now: `-hold (its default)`. */
    readonly changed: readonly string[];
    /** Flags that only another start can change, likewise. */
    readonly left: readonly string[];
  };

/**
 * Compares what is given now with what was given.
 *
 * @param now the command line as read again; what is wrong with it refuses all of it.
 */
export function reload(before: readonly GivenValue[], now: CommandLine): Reload {
  const { errors } = readSettings(now);
  if (errors.length > 0) return { is: "refused", errors };
  const names = [...new Set([...before, ...now.values].map(({ flag }) => flag))];
  const differing = names.filter((flag) => textsOf(flag, before).join() !== textsOf(flag, now.values).join());
  // In the order of the flags that are there now: that of -include and -exclude counts.
  const values = [
    ...now.values.filter(({ flag }) => liveFlags.has(flag)),
    ...before.filter(({ flag }) => !liveFlags.has(flag)),
  ];
  const merged = readSettings({ ...now, values });
  if (merged.settings === null) return { is: "refused", errors: merged.errors };
  const described = (flag: string): string => {
    const texts = now.values.filter((given) => given.flag === flag).map(({ value }) => value);
    return `-${flag} ${texts.join(", ") || "(its default)"}`;
  };
  return {
    is: "taken",
    settings: merged.settings,
    values,
    changed: differing.filter((flag) => liveFlags.has(flag)).map(described),
    left: differing.filter((flag) => !liveFlags.has(flag)).map(described),
  };
}

/** -include and -exclude are two flags, but count in the order in which they are given among one another. */
function textsOf(flag: string, values: readonly GivenValue[]): readonly string[] {
  const filter = ["include", "exclude"];
  if (!filter.includes(flag)) return values.filter((given) => given.flag === flag).map(({ value }) => value);
  const rules = values.filter((given) => filter.includes(given.flag));
  return rules.flatMap((given, place) => given.flag === flag ? [`${place}: ${given.value}`] : []);
}
