/**
 * OpenStack: extra routes of a Neutron router.
 *
 * The table is the router of the VM's subnet, which exists already and is never this program's own; routes carry no mark, so
 * the ledger says whose they are. Next hops are addresses on a subnet of the router.
 */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../async/clock.ts";
import { systemClock } from "../../async/system_clock.ts";
import type { Cloud, CloudConnection, CloudTraits } from "../cloud.ts";
import { linkLocalDevices } from "../kit/link_local_devices.ts";
import type { OpenstackOptions } from "./flags.ts";
import { NeutronAccess, readFile } from "./access.ts";
import { noEcmpReason } from "./ecmp.ts";
import { DeadPeers } from "./dead_peers.ts";
import { Neighbours } from "./neighbours.ts";
import type { MetadataService } from "./metadata.ts";
import { withoutStrangers } from "./identity.ts";
import { findVm } from "./vm.ts";
import { policyText } from "./permissions.ts";
import { RouteLimits } from "./quota.ts";
import { type Memory, OpenstackConnection } from "./connection.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/**
 * Opens OpenStack. Reads the settings (see {@linkcode NeutronAccess}) and makes no call. Settings that are missing or wrong are reported
 * by each call, which reads them anew: what {@linkcode Cloud.policy} says is needed before there are any.
 */
export function openOpenstack(options: OpenstackOptions, clock: Clock = systemClock): Cloud {
  return new OpenstackCloud(options, clock);
}

/** Of the most that anybody routes over; Neutron and the kernel take more. */
const mostNextHops = 16;

class OpenstackCloud implements Cloud {
  readonly name = "openstack";
  readonly traits: CloudTraits;
  readonly #access: NeutronAccess;
  readonly #options: OpenstackOptions;
  readonly #metadata: MetadataService;
  readonly #memory: Memory;

  constructor(options: OpenstackOptions, clock: Clock) {
    this.#access = new NeutronAccess(options);
    this.#options = options;
    this.#memory = {
      limits: new RouteLimits(() => clock.now()),
      neighbours: new Neighbours(() => clock.now()),
      deadPeers: new DeadPeers(),
      noEcmp: "this VM's router is not known yet",
      learnNextHops: (reason) => this.#learnNextHops(reason),
    };
    this.#metadata = {
      transport: options.transport,
      endpoint: options.imdsEndpoint,
      devices: linkLocalDevices,
      readFile,
    };
    const nextHopsPerRoute = (): number => options.noEcmp || this.#memory.noEcmp !== null ? 1 : mostNextHops;
    this.traits = {
      batch: 1000,
      atomic: true,
      parallel: 1,
      rate: null,
      get nextHopsPerRoute(): number {
        return nextHopsPerRoute();
      },
      ownership: "ledger",
      routesNameAddresses: true,
      uniquePrefix: false,
    };
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    const neutron = await this.#access.neutron(signal);
    const vm = withoutStrangers(await findVm(neutron, this.#metadata, this.#options, signal));
    const extensions = await neutron.extensions(signal);
    this.#learnNextHops(noEcmpReason(extensions, vm.routerPorts));
    return new OpenstackConnection(this.#options, neutron, vm, extensions, this.#memory);
  }

  /** Says once why routes have one next hop. */
  #learnNextHops(reason: string | null): void {
    if (reason !== null && reason !== this.#memory.noEcmp && !this.#options.noEcmp) {
      logger.info("Writing one next hop a route: {reason}", { reason });
    }
    this.#memory.noEcmp = reason;
  }

  policy(): string {
    return policyText();
  }

  describe(nextHop: string): string {
    return nextHop;
  }
}
