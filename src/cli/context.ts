/** What every command gets: settings, libc, the ways to read the kernel and to open the cloud. */

import type { Libc } from "../../ffi/libc.ts";
import { readKernelFile } from "../../ffi/kernel_file.ts";
import type { Cloud, CloudIdentity, CloudName } from "../clouds/cloud.ts";
import type { CloudOptions } from "../clouds/cloud_options.ts";
import { localIdentity } from "../clouds/local/local_identity.ts";
import { detectCloud, openCloud } from "../clouds/registry.ts";
import type { KernelTable } from "../kernel/kernel_table.ts";
import { KernelMonitor } from "../kernel/kernel_monitor.ts";
import { mainTable } from "../kernel/protocol_names.ts";
import { listTables } from "../kernel/table_list.ts";
import { type OwnAddress, ownAddress } from "../routes/own_address.ts";
import { keepPrefix } from "../routes/policy.ts";
import type { Family } from "../routes/prefix.ts";
import { cloudReservedRanges } from "../routes/special_ranges.ts";
import type { Settings } from "./settings.ts";

/** See the head of this file. */
export interface CommandContext {
  readonly settings: Settings;
  readonly libc: Libc;
  /** The prefix of `explain`. */
  readonly argument: string | null;
  readonly environment: (name: string) => string | undefined;
  readonly print: (text: string) => void;
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
  /** Prefixes that `-include` and `-exclude` drop too: for what lists them. A run must not: a table may have millions. */
  readonly unfiltered?: boolean;
  /** Keep following it. */
  readonly follow: boolean;
}

/** Reads the kernel's tables, and follows them if asked to. */
export async function openKernel(context: CommandContext, scope: KernelScope): Promise<KernelMonitor> {
  const { settings, libc } = context;
  const { policy } = settings;
  const families = scope.everything ? bothFamilies : familiesOf(settings);
  return await KernelMonitor.open(libc, {
    tables: scope.everything ? await allTables(libc, policy.tables) : withMain(policy.tables),
    families,
    events: scope.follow && settings.event,
    redumpMs: scope.follow ? settings.redumpMs : 0,
    ...(scope.everything || scope.unfiltered
      ? {}
      : { keepPrefix: (family, words, length) => keepPrefix(policy, family, words, length) }),
  });
}

/** All tables of the kernel, the preferred ones first. */
async function allTables(libc: Libc, preferred: readonly number[]): Promise<readonly number[]> {
  return [...new Set([...preferred, ...await listTables(libc, bothFamilies)])];
}

/** Main is read in any case: its default route tells which interface the VM's own address is on. */
function withMain(tables: readonly number[]): readonly number[] {
  return [...new Set([...tables, mainTable])];
}

/** This VM's address of a family: `-self`, else what the kernel says. */
export function ownAddressOf(settings: Settings, kernel: KernelTable): (family: Family) => OwnAddress | null {
  return (family) =>
    settings.self.length > 0
      ? settings.self.find((own) => own.address.family === family) ?? null
      : ownAddress(family, kernel);
}

/** Who this VM is as far as the kernel can tell: for `routes`, which needs no cloud. */
export function kernelIdentity(context: CommandContext, kernel: KernelTable): CloudIdentity {
  const own = ownAddressOf(context.settings, kernel);
  const reserved = cloudReservedRanges[cloudName(context.settings, context.libc) ?? ""] ?? [];
  return localIdentity([own(4), own(6)].filter((address) => address !== null), reserved);
}

/** `-self` wins over what a cloud's metadata says. */
export function adjustIdentity(settings: Settings, identity: CloudIdentity): CloudIdentity {
  if (settings.self.length === 0) return identity;
  return {
    ...identity,
    addresses: settings.self.map(({ address }) => address),
    subnets: settings.self.map(({ subnet }) => subnet),
  };
}

/** Opens a cloud with the settings. */
export async function openCloudOf(
  name: CloudName,
  context: CommandContext,
  kernel: KernelTable,
): Promise<Cloud> {
  const { settings, environment } = context;
  const options: CloudOptions = {
    ...settings,
    families: familiesOf(settings),
    ownAddress: ownAddressOf(settings, kernel),
    environment,
  };
  return await openCloud(name, options);
}
