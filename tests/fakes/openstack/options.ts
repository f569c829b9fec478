/** Cloud options for tests of OpenStack: what a command line without flags says, and the given variables. */

import type { AnyCloudOptions } from "../cloud_options.ts";
import { cloudOptions } from "../cloud_options.ts";

/** Options whose environment is exactly the given variables. */
export function openstackOptions(
  environment: Readonly<Record<string, string>>,
  changes: Partial<AnyCloudOptions> = {},
): AnyCloudOptions {
  return cloudOptions({
    owner: "test",
    families: [4, 6],
    priority: 100,
    imdsEndpoint: environment.CLOUDROUTESYNC_IMDS_ENDPOINT ?? null,
    environment: (name) => environment[name],
    ...changes,
  });
}
