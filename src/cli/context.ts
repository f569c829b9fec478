/** What every command gets: settings, libc, the ways to read the kernel and to open the cloud. */

import { getLogger } from "@logtape/logtape";
import type { Libc } from "../../ffi/libc.ts";
import { readKernelFile } from "../../ffi/kernel_file.ts";
import type { Cloud, CloudIdentity, CloudName } from "../clouds/cloud.ts";
import type { CloudOptions } from "../clouds/cloud_options.ts";
import { localIdentity } from "../clouds/local/identity.ts";
import type { ApiCall } from "../clouds/kit/api_call.ts";
import { certificateVariables, readCertificates } from "../clouds/kit/certificates.ts";
import { Transport } from "../clouds/kit/transport.ts";
import { clouds, detectCloud, openCloud } from "../clouds/registry.ts";
import type { KernelTable } from "../kernel/kernel_table.ts";
import { KernelMonitor } from "../kernel/kernel_monitor.ts";
import { mainTable } from "../kernel/protocol_names.ts";
import { type OwnAddress, ownAddress } from "../routes/own_address.ts";
import { keepPrefix, type Policy } from "../routes/policy.ts";
import type { Family } from "../routes/prefix.ts";
import type { GivenValue } from "./command_line.ts";
import type { Reload } from "./reload.ts";
import type { Settings } from "./settings.ts";
import type { UnexpectedErrors } from "./unexpected_errors.ts";

const log = getLogger(["cloudroutesync", "kernel"]);

/** See the head of this file. */
export interface CommandContext {
  readonly settings: Settings;
  readonly libc: Libc;
  /** The words behind the command: the prefix of `explain`, the prefixes of `routes`, the shell of `completion`. */
  readonly words: readonly string[];
  /** What was given, without what has its default. */
  readonly values: readonly GivenValue[];
  /** Reads command line and configuration file again; from then on {@linkcode settings} and {@linkcode values} are what was taken. */
  readonly reload: () => Promise<Reload>;
  readonly environment: (name: string) => string | undefined;
  /** Writes to standard output. @returns false: the reader went away. */
  readonly print: (text: string) => boolean;
  readonly unexpected: UnexpectedErrors;
  /** The last lines of the log. */
  readonly logLines: () => readonly string[];
}

/** The cloud that `-cloud` names or the VM's DMI strings tell; null if neither does. */
export function cloudName(settings: Settings, libc: Libc): CloudName | null {
  return settings.cloud ?? detectCloud((name) => readKernelFile(libc, `/sys/class/dmi/id/${name}`));
}

/** The families that the settings ask for. */
export function familiesOf(settings: Settings): readonly Family[] {
  return settings.policy.ipv6 ? [4, 6] : [4];
}

const bothFamilies: readonly Family[] = [4, 6];

/** How much of the kernel to read. */
export interface KernelScope {
  /** Every table and family and all prefixes: for commands that account for each route. */
  readonly everything: boolean;
  /**
   * Prefixes that `-include` and `-exclude` drop, and routes for some source addresses only, too: for what counts or lists them. A run
   * must not: a table may have millions.
   */
  readonly unfiltered?: boolean;
  /** Keep following it. */
  readonly follow: boolean;
}

/**
 * Reads the kernel's tables, and follows them if asked to.
 *
 * @param livePolicy the current policy, which SIGHUP may change.
 */
export async function openKernel(
  context: CommandContext,
  scope: KernelScope,
  livePolicy: () => Policy = () => context.settings.policy,
): Promise<KernelMonitor> {
  const { settings, libc } = context;
  const { policy } = settings;
  const families = scope.everything ? bothFamilies : familiesOf(settings);
  const kernel = await KernelMonitor.open(libc, {
    tables: scope.everything ? policy.tables : withMain(policy.tables),
    allTables: scope.everything,
    families,
    events: scope.follow && settings.event,
    redumpMs: scope.follow ? settings.redumpMs : 0,
    isNamed: (device) => livePolicy().interfaces.has(device),
    onNotice: (text) => log.warn("{text}", { event: "kernel", text }),
    sourceSpecific: scope.everything || scope.unfiltered === true,
    ...(scope.everything || scope.unfiltered
      ? {}
      : { keepPrefix: (family, words, length) => keepPrefix(livePolicy(), family, words, length) }),
  });
  const { lastError } = kernel.health;
  // What follows the kernel tells it with its health.
  if (!scope.follow && lastError !== null) {
    log.warn("{error}", { event: "kernel", error: lastError.message });
  }
  return kernel;
}

/** Main is read in any case: its default route tells which interface the VM's own address is on. */
function withMain(tables: readonly number[]): readonly number[] {
  return [...new Set([...tables, mainTable])];
}

/** This VM's address of a family: what `-self` gives, else what the kernel says. */
function ownAddressOf(settings: Settings, kernel: KernelTable): (family: Family) => OwnAddress | null {
  return (family) => settings.self.find((own) => own.address.family === family) ?? ownAddress(family, kernel);
}

/** Who this VM is as far as the kernel can tell: for `routes`, which needs no cloud. */
export function kernelIdentity(context: CommandContext, kernel: KernelTable): CloudIdentity {
  const own = ownAddressOf(context.settings, kernel);
  const facts = clouds[cloudName(context.settings, context.libc) ?? "local"].networkFacts;
  return localIdentity([own(4), own(6)].filter((address) => address !== null), facts);
}

/** Opens a cloud with the settings. */
export async function openCloudOf(
  name: CloudName,
  context: CommandContext,
  kernel: KernelTable,
  onApiCall: (call: ApiCall) => void,
): Promise<Cloud> {
  const { settings, environment } = context;
  const source = { environment, readFile: (path: string): string => Deno.readTextFileSync(path) };
  const options: CloudOptions = {
    ...settings,
    families: familiesOf(settings),
    ownAddress: ownAddressOf(settings, kernel),
    // The embedded cloud makes no call, and has given up reading files elsewhere.
    transport: new Transport(
      clouds[name].power.network ? readCertificates(certificateVariables, source) : [],
      onApiCall,
      null,
      clouds[name].apiWords,
    ),
    environment,
  };
  return await openCloud(name, options, settings.cloudFlags);
}
