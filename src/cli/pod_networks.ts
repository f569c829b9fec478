/** The networks of the node's pods, as the flags ask for them. */

import { systemClock } from "../async/system_clock.ts";
import type { KernelTable } from "../kernel/kernel_table.ts";
import { mainTable } from "../kernel/protocol_names.ts";
import { ApiServer } from "../kubernetes/api_server.ts";
import { apiServerUrl, serverVariables, serviceAccountFolder } from "../kubernetes/service_account.ts";
import { NodeTable } from "../kubernetes/node_table.ts";
import { PodNetworks } from "../kubernetes/pod_networks.ts";
import type { CommandContext } from "./context.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Prepares what `-pod-cidr` asks for; nothing is asked yet.
 *
 * @returns null without the flag.
 * @throws {UsageError} if the API server is to be asked and this is no pod.
 */
export function openPodNetworks({ settings, environment }: CommandContext): PodNetworks | null {
  const { given, node } = settings.podNetworks;
  if (node === null) return given.length === 0 ? null : new PodNetworks({ given, node, clock: systemClock });
  const url = apiServerUrl(environment);
  if (url === null) {
    throw new UsageError(
      `Cannot find the API server for -pod-cidr auto: ${
        serverVariables.join(" and ")
      } are not set, as they are in a pod`,
    );
  }
  const source = new ApiServer({ url, folder: serviceAccountFolder });
  return new PodNetworks({ given, node: { source, name: node }, clock: systemClock });
}

/** The kernel's table with the networks in it, as part of the first table that is read. */
export function withPodNetworks(
  kernel: KernelTable,
  networks: PodNetworks | null,
  { settings }: CommandContext,
): KernelTable {
  if (networks === null) return kernel;
  return new NodeTable(kernel, settings.policy.tables[0] ?? mainTable, () => networks.prefixes);
}
