/** Kernel and cloud together: what every command that needs a cloud opens first. */

import { dirname } from "node:path";
import { readKernelFile } from "../../ffi/kernel_file.ts";
import type { Cloud, CloudIdentity } from "../clouds/cloud.ts";
import { cloudNames } from "../clouds/registry.ts";
import type { ApiCall } from "../clouds/kit/api_call.ts";
import { followLinks } from "../clouds/local/follow_links.ts";
import type { KernelTable } from "../kernel/kernel_table.ts";
import type { PodNetworks } from "../kubernetes/pod_networks.ts";
import type { KernelMonitor } from "../kernel/kernel_monitor.ts";
import { CloudCalls } from "../observe/cloud_calls.ts";
import { observedCloud } from "../observe/observed_cloud.ts";
import type { ChangeRecord } from "../sync/change_history.ts";
import type { PeerProbe } from "../sync/peer_probes.ts";
import { Supervisor } from "../sync/supervisor.ts";
import { systemClock } from "../async/system_clock.ts";
import {
  cloudName,
  type CommandContext,
  familiesOf,
  type KernelScope,
  openCloudOf,
  openKernel,
} from "./context.ts";
import { kernelForwarding, routingDevices } from "./kernel_forwarding.ts";
import { narrowToSettings } from "./narrow.ts";
import { openPeerProbe } from "./peer_probe.ts";
import { openPodNetworks, withPodNetworks } from "./pod_networks.ts";
import { isBesideFile, stateFolder, TableKeeper } from "./state_folder.ts";
import { UsageError } from "./usage_error.ts";

/** Whom a session calls back: with each call to the cloud, each change, the tables that it keeps, and when a status may have changed. */
export interface SessionObserver {
  readonly onApiCall: (call: ApiCall) => void;
  readonly cloudCalls: CloudCalls;
  readonly onChange?: (table: string, change: ChangeRecord) => void;
  readonly onTables?: (cloud: Cloud, tables: readonly string[], identity: CloudIdentity) => void;
  readonly onNews?: () => void;
}

const noObserver: SessionObserver = { onApiCall: () => {}, cloudCalls: new CloudCalls() };

/** What a session joins. */
interface SessionParts {
  readonly cloud: Cloud;
  readonly kernel: KernelMonitor;
  readonly podNetworks: PodNetworks | null;
  readonly keeper: TableKeeper;
  readonly observer: Pick<SessionObserver, "onChange" | "onTables" | "onNews">;
  readonly peerProbe: PeerProbe | null;
}

/** See the head of this file. */
export class CloudSession implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly kernel: KernelMonitor;
  /** What the kernel has, and the networks of the node's pods. */
  readonly table: KernelTable;
  /** Null without `-pod-cidr`. */
  readonly podNetworks: PodNetworks | null;
  readonly keeper: TableKeeper;
  readonly supervisor: Supervisor;

  private constructor(context: CommandContext, parts: SessionParts) {
    const { cloud, kernel, podNetworks, keeper, peerProbe, observer: { onChange, onTables, onNews } } = parts;
    const { settings } = context;
    this.cloud = cloud;
    this.kernel = kernel;
    this.podNetworks = podNetworks;
    this.table = withPodNetworks(kernel.table, podNetworks, context);
    this.keeper = keeper;
    this.supervisor = new Supervisor({
      cloud,
      kernel: this.table,
      policy: settings.policy,
      owner: settings.owner,
      settings: settings.sync,
      clock: systemClock,
      peerProbe,
      onChange,
      onTables: (tables, identity) => onTables?.(cloud, tables, identity),
      onNews,
      kernelForwarding: (identity) =>
        kernelForwarding(
          (path) => readKernelFile(context.libc, path),
          familiesOf(context.settings),
          routingDevices(this.table, context.settings.policy, identity),
        ),
      openTable: (table) => keeper.open(table),
      peekTable: (table) => keeper.peek(table),
      unexpected: (where, error) => context.unexpected.report(where, error),
    });
  }

  /**
   * Reads the kernel, gives up the permissions that the chosen cloud does not need, and opens the cloud.
   *
   * @param observer is called with each call; absent: nobody does.
   * @throws {UsageError} if no cloud is named and DMI tells none.
   */
  static async open(
    given: CommandContext,
    scope: KernelScope,
    observer: SessionObserver = noObserver,
  ): Promise<CloudSession> {
    const { libc, environment } = given;
    const name = cloudName(given.settings, libc);
    if (name === null) {
      throw new UsageError(
        `Cannot tell which cloud this VM runs in: name it with -cloud ${cloudNames.join("|")}`,
      );
    }
    const context = name === "local" ? await onRealFile(given) : given;
    const { settings } = context;
    const folder = isBesideFile(name, settings)
      ? dirname(settings.localFile)
      : stateFolder(settings, environment);
    const podNetworks = openPodNetworks(context);
    await narrowToSettings(name, context, folder);
    if (!scope.follow) await podNetworks?.readOnce();
    const kernel = await openKernel(context, scope, () => given.settings.policy);
    const opened = await openCloudOf(name, context, kernel.table, observer.onApiCall);
    const cloud = observedCloud(opened, observer.cloudCalls);
    return new CloudSession(context, {
      cloud,
      kernel,
      podNetworks,
      keeper: new TableKeeper(libc, cloud, settings, folder),
      observer,
      // Only what goes on has time to wait for answers.
      peerProbe: scope.follow ? openPeerProbe(settings.peerProbe, libc) : null,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keeper[Symbol.dispose]();
    await this.kernel[Symbol.asyncDispose]();
  }
}

/** The embedded cloud's file is found once: whatever becomes of a link later, what is locked stays what is written. */
async function onRealFile(context: CommandContext): Promise<CommandContext> {
  const { settings } = context;
  const localFile = await followLinks(settings.localFile);
  return {
    ...context,
    settings: { ...settings, localFile, cloudFlags: { ...settings.cloudFlags, localFile } },
  };
}
