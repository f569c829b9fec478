/** The settings of a running service, as a file: other commands take them where nobody gave others. */

import * as v from "valibot";
import { replaceFile } from "../../async/file_replacement.ts";
import type { GivenValue } from "../command_line.ts";

const schema = v.object({
  format: v.literal(2),
  pid: v.number(),
  values: v.array(v.object({ flag: v.string(), value: v.string(), source: v.string() })),
});

/** The settings of a service. */
export interface ServiceSettings {
  readonly pid: number;
  /** The flags that were given, with the place each came from; flags left out have their default. */
  readonly values: readonly GivenValue[];
}

/** Leaves the settings; a failure to do so is of no consequence for the service. */
export async function leaveSettings(path: string, settings: ServiceSettings): Promise<void> {
  try {
    const text = `${JSON.stringify({ format: 2, ...settings })}\n`;
    await replaceFile(path, text, { mode: 0o600, synced: false });
  } catch {
    // The other commands then know the defaults alone.
  }
}

/** The settings that a service left; null where there are none that make sense; `denied` where this user may not read them. */
export function readSettingsFile(path: string): ServiceSettings | null | "denied" {
  try {
    const parsed = v.safeParse(schema, JSON.parse(Deno.readTextFileSync(path)));
    return parsed.success ? parsed.output : null;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied ? "denied" : null;
  }
}
