/** Options to open a cloud with, as the command line's defaults make them. */

import type { CloudOptions } from "../../src/clouds/cloud_options.ts";
import { parseInterfaceAddress } from "../../src/routes/prefix.ts";

/** The defaults, on a VM without an address and without variables, but for what is changed. */
export function cloudOptions(changed: Partial<CloudOptions> = {}): CloudOptions {
  return {
    owner: "cloudroutesync",
    routeTables: [],
    families: [4],
    noAssociate: false,
    noEcmp: false,
    router: null,
    osCloud: null,
    priority: 1000,
    instanceTags: [],
    nextHopIlb: null,
    localFile: "",
    localLatencyMs: 0,
    localFaults: 0,
    azureEndpoint: null,
    gcpEndpoint: null,
    imdsEndpoint: null,
    ownAddress: () => null,
    environment: () => undefined,
    ...changed,
  };
}

/** The same for the embedded cloud in this file, with this VM at 10.0.0.4/24. */
export function localOptions(localFile: string, changed: Partial<CloudOptions> = {}): CloudOptions {
  const ownAddress: CloudOptions["ownAddress"] = (family) =>
    family === 4 ? parseInterfaceAddress("10.0.0.4/24") : null;
  return cloudOptions({ localFile, ownAddress, ...changed });
}
