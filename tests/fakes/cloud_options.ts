/** Options to open a cloud with, as the command line's defaults make them. */

import { Transport } from "../../src/clouds/kit/transport.ts";
import type { AzureOptions } from "../../src/clouds/azure/flags.ts";
import type { GcpOptions } from "../../src/clouds/gcp/flags.ts";
import type { LocalOptions } from "../../src/clouds/local/flags.ts";
import type { OpenstackOptions } from "../../src/clouds/openstack/flags.ts";
import { clouds } from "../../src/clouds/registry.ts";
import { parseInterfaceAddress } from "../../src/routes/prefix.ts";

/** A transport for all tests of a file, whatever their cloud; opened before the first of them, so that none has to close it. */
export const testTransport = new Transport([], undefined, null, {
  paths: Object.values(clouds).flatMap(({ apiWords }) => apiWords.paths),
  requestIds: Object.values(clouds).flatMap(({ apiWords }) => apiWords.requestIds),
});

/** What any of the clouds can be opened with. */
export type AnyCloudOptions = AzureOptions & GcpOptions & LocalOptions & OpenstackOptions;

/** The defaults, on a VM without an address and without variables, but for what is changed. */
export function cloudOptions(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
  return {
    owner: "cloudroutesync",
    sharedOwner: true,
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
    self: [],
    ownAddress: () => null,
    transport: testTransport,
    environment: () => undefined,
    ...changed,
  };
}

/** The same for the embedded cloud in this file, with this VM at 10.0.0.4/24. */
export function localOptions(localFile: string, changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
  const ownAddress: AnyCloudOptions["ownAddress"] = (family) =>
    family === 4 ? parseInterfaceAddress("10.0.0.4/24") : null;
  return cloudOptions({ localFile, ownAddress, ...changed });
}
