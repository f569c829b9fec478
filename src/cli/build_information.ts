/** What `version` prints of the build. */

import configuration from "../../deno.json" with { type: "json" };

/** Replaced by the bundler (`.ci/bundle.ts`); in a plain `deno run` there is no such name. */
declare const BUILD_COMMIT: string;

/** Version of the program, as deno.json has it. */
export const version: string = configuration.version;

/**
 * The git commit that the executable was compiled from, with a `+` if files differed from it; `unknown` when the program
 * runs from its sources.
 */
export const commit: string = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "unknown";
