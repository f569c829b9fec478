/** Which permissions a run needs from the moment its settings are known. */

import { dirname, resolve } from "node:path";
import { getLogger } from "@logtape/logtape";
import { certificateVariables } from "../clouds/kit/certificates.ts";
import { proxyVariables } from "../clouds/kit/proxy_variables.ts";
import { type CloudName, clouds } from "../clouds/registry.ts";
import { serviceAccountFolder } from "../kubernetes/service_account.ts";
import { narrowPermissions } from "./least_power.ts";
import type { CommandContext } from "./context.ts";

const log = getLogger(["cloudroutesync", "power"]);

/**
 * Gives up what the chosen cloud and flags do not need.
 *
 * @param folder the state folder.
 */
export async function narrowToSettings(
  name: CloudName,
  { settings, values }: Pick<CommandContext, "settings" | "values">,
  folder: string,
): Promise<void> {
  const { environment, sys, files, network } = clouds[name].power;
  // The transport that every cloud is given looks for proxies when it is made; certificates are for what makes calls.
  const certificates = network ? certificateVariables : [];
  // The token there is renewed every hour.
  const pod = settings.podNetworks.node === null ? [] : [serviceAccountFolder];
  const folders = [folder, ...(name === "local" ? [dirname(settings.localFile)] : [])];
  const own = [...new Set(folders.map((path) => resolve(path)))];
  const narrowed = await narrowPermissions({
    read: files === "any" ? ["/"] : [
      ...own,
      ...pod,
      ...rereadFiles(values),
      ...filesNamedBy([...files, ...certificates]),
    ],
    write: own,
    net: network || settings.listen !== null || pod.length > 0 || settings.peerProbe?.by === "tcp",
    environment: [...environment, ...proxyVariables, ...certificates],
    sys,
  });
  log.debug("Gave up {revoked}; kept {left}", {
    event: "permissions-given-up",
    revoked: narrowed.revoked.join("; ") || "nothing",
    left: narrowed.left.join("; ") || "nothing more than needed",
  });
}

/** The flags that name a file which SIGHUP reads again. */
const flagsOfRereadFiles = ["config", "listen-token-file"];

/** The files that SIGHUP reads again. A link (Kubernetes' ConfigMaps and Secrets) leads to another file in its folder each time. */
function rereadFiles(values: CommandContext["values"]): readonly string[] {
  return flagsOfRereadFiles.flatMap((name) => {
    const given = values.findLast(({ flag }) => flag === name)?.value;
    if (given === undefined) return [];
    const path = resolve(given);
    return Deno.lstatSync(path).isSymlink ? [path, dirname(path), Deno.realPathSync(path)] : [path];
  });
}

/** Full paths of the files that the variables name; read before the variables that are not needed are given up. */
function filesNamedBy(variables: readonly string[]): readonly string[] {
  return variables.flatMap((name) => {
    const path = Deno.env.get(name) ?? "";
    return path === "" ? [] : [resolve(path)];
  });
}
