/** What a run says when it starts: at once that it does, and all that tells it from others once the cloud has answered. */

import { getLogger } from "@logtape/logtape";
import type { Cloud, CloudIdentity } from "../clouds/cloud.ts";
import { commit, version } from "./build_information.ts";
import { textOf } from "./listen_address.ts";
import type { Settings } from "./settings.ts";

const log = getLogger(["cloudroutesync", "run"]);

/** Before the cloud is asked for anything. */
export function logStart({ event }: Pick<Settings, "event">, cloud: string): void {
  log.info("Keeping {cloud} in step with the kernel ({mode} mode), version {version}", {
    event: "started",
    cloud,
    mode: event ? "event" : "periodic",
    version: `${version} (${commit})`,
  });
}

/** Version, cloud, table, owner, this VM and where the run listens, in one line. */
export function logTables(
  { owner, listen }: Pick<Settings, "owner" | "listen">,
  cloud: Pick<Cloud, "name" | "describe">,
  tables: readonly string[],
  { instance, self }: Pick<CloudIdentity, "instance" | "self">,
): void {
  // One interface may carry both families.
  const hops = [...new Set([self[4], self[6]])].filter((id) => id !== null).map((id) => cloud.describe(id));
  log.info(
    "Keeping {cloud} table {tables} of owner {owner}: version {version}; this VM is {instance}, next hop {self}; {listening}",
    {
      event: "tables",
      cloud: cloud.name,
      tables: tables.join(", "),
      owner,
      version: `${version} (${commit})`,
      instance,
      self: hops.join(", "),
      listening: listen === null ? "no -listen" : `-listen ${textOf(listen)}`,
    },
  );
}
