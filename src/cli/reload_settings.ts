/** What a run does at SIGHUP: it reads its settings again, takes those that a running service can take, names the others, and compares at once. */

import { getLogger } from "@logtape/logtape";
import type { CloudSession } from "./cloud_session.ts";
import type { CommandContext } from "./context.ts";
import type { RunningService } from "./service/running_service.ts";

const log = getLogger(["cloudroutesync", "run"]);

/** See the head of this file. It never fails: a defect is reported, and the run goes on as it was. */
export async function reloadSettings(
  context: CommandContext,
  { supervisor, kernel }: Pick<CloudSession, "supervisor" | "kernel">,
  service: RunningService,
): Promise<void> {
  try {
    const read = await context.reload();
    if (read.is === "refused") {
      for (const error of read.errors) {
        log.error("SIGHUP: no setting is changed: {error}", { event: "settings-refused", error });
      }
    } else {
      logReload(read.changed, read.left, context);
      await service.leaveSettings();
    }
    const { policy, sync } = context.settings;
    supervisor.reconfigure({ policy, settings: sync });
    // Routes that the former policy had no use for are not in memory.
    if (read.is === "taken" && read.changed.length > 0) kernel.resync("the settings were changed");
  } catch (error) {
    context.unexpected.report("while the settings were read again", error);
  }
}

function logReload(changed: readonly string[], left: readonly string[], { values }: CommandContext): void {
  const file = values.findLast(({ flag }) => flag === "config")?.value;
  const source = file === undefined ? "there is no -config file to read" : `read ${file}`;
  log.info("SIGHUP: {source}; {changed}; comparing with the cloud now", {
    event: "settings-read",
    source,
    changed: changed.length === 0 ? "no setting changed" : `from now on ${changed.join(", ")}`,
  });
  if (left.length === 0) return;
  log.warn("SIGHUP: {left}: a running service cannot change this; systemctl restart cloudroutesync does", {
    event: "settings-left",
    left: left.join(", "),
  });
}
