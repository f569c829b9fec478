/**
 * Azure: a route table of Microsoft.Network, its routes marked by their names. This file finds out who this VM is (vm.ts); what is done
 * then is in connection.ts.
 */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../async/clock.ts";
import { systemClock } from "../../async/system_clock.ts";
import type { Cloud, CloudConnection, CloudTraits } from "../cloud.ts";
import { ArmClient } from "./api.ts";
import { AzureConnection, type Memory } from "./connection.ts";
import { openCredential } from "./credentials.ts";
import { EcmpSupport } from "./ecmp_support.ts";
import { type AzureEnvironment, azureEnvironment, checkEndpoint } from "./environment.ts";
import type { AzureOptions } from "./flags.ts";
import { checkTableIds } from "./handed_over.ts";
import { namedTables } from "../kit/table_tag.ts";
import { readMetadata } from "./metadata.ts";
import { customRole, placeholderScope } from "./permissions.ts";
import { RouteLimit } from "./quota.ts";
import { DeadPeers } from "./dead_peers.ts";
import { checkOwner } from "./route_name.ts";
import { mostNextHops } from "./routes.ts";
import { writeRate } from "./write_rate.ts";
import { findVm, type Vm } from "./vm.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/**
 * Opens Azure; no call is made yet.
 *
 * @throws {ConfigurationError} if an option cannot be used with Azure.
 */
export function openAzure(options: AzureOptions, clock: Clock = systemClock): Cloud {
  checkOwner(options.owner);
  checkEndpoint(options.azureEndpoint);
  checkTableIds(options.routeTables);
  return new Azure(options, clock);
}

class Azure implements Cloud {
  readonly name = "azure";
  readonly traits: CloudTraits;
  readonly #options: AzureOptions;
  readonly #memory: Memory;
  readonly #now: () => number;
  #arm: ArmClient | null = null;
  #vm: Vm | null = null;

  constructor(options: AzureOptions, clock: Clock) {
    this.#options = options;
    const now = this.#now = (): number => clock.now();
    this.#memory = {
      ecmp: new EcmpSupport(!options.noEcmp, now),
      copyProblems: [],
      deadPeers: new DeadPeers(),
      limit: new RouteLimit(now),
      read: new Map(),
      usedTable: null,
      now,
    };
    const { ecmp } = this.#memory;
    const arm = (): ArmClient | null => this.#arm;
    this.traits = {
      batch: 1_000,
      atomic: true,
      parallel: 1,
      rate: writeRate,
      get nextHopsPerRoute(): number {
        return ecmp.allows(arm()) ? mostNextHops : 1;
      },
      nextHopsOf: (prefix) => ecmp.mostOf(prefix, arm()),
      ownership: "mark",
      uniquePrefix: true,
    };
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    const { environment: variable, transport, imdsEndpoint } = this.#options;
    const metadata = await readMetadata(transport, imdsEndpoint, signal);
    const environment = azureEnvironment(metadata.compute.azEnvironment, this.#options.azureEndpoint);
    const subscription = nonEmpty(variable("AZURE_SUBSCRIPTION_ID")) ?? metadata.compute.subscriptionId;
    const arm = this.#session(environment, subscription);
    const resourceGroup = nonEmpty(variable("AZURE_RESOURCE_GROUP")) ?? metadata.compute.resourceGroupName;
    const vm = await findVm(arm, metadata, {
      signs: this.#options.sharedOwner,
      resourceGroup,
      self: this.#options.self,
    }, signal);
    logger.info("This VM is {name}, {address} in {subnet}", {
      name: vm.name,
      address: vm.identity.self[4] ?? vm.identity.self[6] ?? "",
      subnet: vm.subnetId,
    });
    this.#vm = vm;
    this.#memory.usedTable = vm.usedTable;
    return new AzureConnection(this.#options, arm, vm, this.#memory);
  }

  /** The session of the last time, with its token and API version, unless it is to be with another place. */
  #session(environment: AzureEnvironment, subscription: string): ArmClient {
    const { environment: variable, transport, imdsEndpoint } = this.#options;
    if (this.#arm?.isWith(environment, subscription) === true) return this.#arm;
    return this.#arm = new ArmClient({
      environment,
      subscription,
      credential: openCredential({ variable, cloud: environment, transport, imdsEndpoint }),
      transport,
      now: this.#now,
    });
  }

  policy(): string {
    const vm = this.#vm;
    const group = vm === null
      ? placeholderScope
      : `/subscriptions/${vm.subscription}/resourceGroups/${vm.resourceGroup}`;
    // Tables with a tag are looked for in the whole subscription.
    const isForTags = namedTables(this.#options.routeTables).tags.length > 0;
    return customRole(isForTags ? group.replace(/\/resourceGroups\/.*$/, "") : group);
  }

  describe(nextHop: string): string {
    const self = this.#vm?.identity.self;
    const isSelf = self !== undefined && (nextHop === self[4] || nextHop === self[6]);
    return isSelf ? `${nextHop} (this VM)` : nextHop;
  }
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}
