/** Cloud options for tests of OpenStack: what a command line without flags says, and the given variables. */

import type { CloudOptions } from "../../src/clouds/cloud_options.ts";

/** Options whose environment is exactly the given variables. */
export function openstackOptions(
  environment: Readonly<Record<string, string>>,
  changes: Partial<CloudOptions> = {},
): CloudOptions {
  return {
    owner: "test",
    routeTables: [],
    families: [4, 6],
    noAssociate: false,
    noEcmp: false,
    router: null,
    osCloud: null,
    priority: 100,
    instanceTags: [],
    nextHopIlb: null,
    ownAddress: () => null,
    localFile: "",
    localLatencyMs: 0,
    localFaults: 0,
    azureEndpoint: null,
    gcpEndpoint: null,
    imdsEndpoint: environment.CLOUDROUTESYNC_IMDS_ENDPOINT ?? null,
    environment: (name) => environment[name],
    ...changes,
  };
}
