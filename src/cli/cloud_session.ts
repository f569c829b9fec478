/** Kernel and cloud together: what every command that needs a cloud opens first. */

import type { Cloud } from "../clouds/cloud.ts";
import { followLinks } from "../clouds/local/follow_links.ts";
import type { KernelMonitor } from "../kernel/kernel_monitor.ts";
import { Supervisor } from "../sync/supervisor.ts";
import { systemClock } from "../sync/system_clock.ts";
import {
  adjustIdentity,
  cloudName,
  type CommandContext,
  type KernelScope,
  openCloudOf,
  openKernel,
} from "./context.ts";
import { narrowToSettings } from "./narrow.ts";
import { stateFolder, TableKeeper } from "./state_folder.ts";

/** The user's configuration cannot work; the message says why. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** See the head of this file. */
export class CloudSession implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly kernel: KernelMonitor;
  readonly keeper: TableKeeper;
  readonly supervisor: Supervisor;

  private constructor(context: CommandContext, cloud: Cloud, kernel: KernelMonitor, keeper: TableKeeper) {
    const { settings } = context;
    this.cloud = cloud;
    this.kernel = kernel;
    this.keeper = keeper;
    this.supervisor = new Supervisor({
      cloud,
      kernel: kernel.table,
      policy: settings.policy,
      owner: settings.owner,
      settings: settings.sync,
      clock: systemClock,
      openTable: (table) => keeper.open(table),
      adjustIdentity: (identity) => adjustIdentity(settings, identity),
    });
  }

  /**
   * Reads the kernel, gives up the permissions that the chosen cloud does not need, and opens the cloud.
   *
   * @throws {UsageError} if no cloud is named and DMI tells none.
   */
  static async open(given: CommandContext, scope: KernelScope): Promise<CloudSession> {
    const { libc, environment } = given;
    const name = cloudName(given.settings, libc);
    if (name === null) {
      throw new UsageError(
        "Cannot tell which cloud this VM runs in: name it with -cloud azure|aws|gcp|openstack|local",
      );
    }
    const context = name === "local" ? await onRealFile(given) : given;
    const { settings } = context;
    const folder = stateFolder(settings, environment);
    await narrowToSettings(name, settings, folder);
    const kernel = await openKernel(context, scope);
    const cloud = await openCloudOf(name, context, kernel.table);
    return new CloudSession(context, cloud, kernel, new TableKeeper(libc, cloud, settings, folder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keeper[Symbol.dispose]();
    await this.kernel[Symbol.asyncDispose]();
  }
}

/** The embedded cloud's file is found once: whatever becomes of a link later, what is locked stays what is written. */
async function onRealFile(context: CommandContext): Promise<CommandContext> {
  const { settings } = context;
  return { ...context, settings: { ...settings, localFile: await followLinks(settings.localFile) } };
}
