/** How the executable starts, and what it weighs. Needs python3. */

import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { costsOf } from "./cost.ts";
import { type Spread, spreadOf } from "./figure.ts";

/** Start and weight. MB are 10^6 bytes. */
export interface StartFigures {
  /** `version` from start to end, milliseconds. */
  readonly versionMs: Spread;
  readonly versionPeakMb: number;
  /** `routes -count` of an empty namespace, milliseconds: all that a command loads. */
  readonly commandMs: Spread;
  readonly fileMb: number;
}

/** Measures them. */
export async function startFigures(rounds: number): Promise<StartFigures> {
  const binary = await binaryPath();
  await using namespace = await Namespace.create();
  const [version, command] = await costsOf(
    namespace,
    [[binary, "version"], [binary, "routes", "-count"]],
    rounds,
  );
  if (version === undefined || command === undefined) {
    throw new Error("Cannot measure: the script printed nothing");
  }
  return {
    versionMs: spreadOf(version.ms),
    versionPeakMb: version.peakMb,
    commandMs: spreadOf(command.ms),
    fileMb: (await Deno.stat(binary)).size / 1e6,
  };
}
