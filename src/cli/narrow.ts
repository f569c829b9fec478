/** Which permissions a run needs from the moment its settings are known. */

import { dirname, resolve } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { CloudName } from "../clouds/cloud.ts";
import { narrowPermissions, type Needs, proxyVariables } from "./least_power.ts";
import type { Settings } from "./settings.ts";

const log = getLogger(["cloudroutesync", "power"]);

/** What each cloud reads of the environment and of files. */
const needsOfClouds: Readonly<
  Record<CloudName, Pick<Needs, "environment" | "sys"> & { readonly files: boolean }>
> = {
  local: { environment: [], sys: [], files: false },
  // The SDKs tell their service the kernel's release, and ask for a proxy when they connect first.
  aws: { environment: ["AWS_*", "HOME", ...proxyVariables], sys: ["osRelease"], files: true },
  azure: { environment: ["AZURE_*", ...proxyVariables], sys: ["osRelease"], files: false },
  gcp: { environment: ["GCE_METADATA_HOST"], sys: [], files: false },
  openstack: { environment: ["OS_*", "HOME", "XDG_CONFIG_HOME"], sys: [], files: true },
};

/**
 * Gives up what the chosen cloud and flags do not need.
 *
 * @param folder the state folder.
 */
export async function narrowToSettings(name: CloudName, settings: Settings, folder: string): Promise<void> {
  const { environment, sys, files } = needsOfClouds[name];
  const own = resolve(name === "local" ? dirname(settings.localFile) : folder);
  const narrowed = await narrowPermissions({
    // Credentials and configuration of AWS and OpenStack may lie anywhere (AWS_SHARED_CREDENTIALS_FILE, OS_CACERT, …).
    read: files ? ["/"] : [own],
    write: [own],
    net: name !== "local" || settings.listen !== null,
    environment,
    sys,
  });
  log.debug("Gave up {revoked}; kept {left}", {
    revoked: narrowed.revoked.join("; ") || "nothing",
    left: narrowed.left.join("; ") || "nothing more than needed",
  });
}
