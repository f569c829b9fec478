/** This VM as the cloud knows it: the cloud is asked who it is, and asked again when its addresses change. */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../async/clock.ts";
import type { Cloud, CloudConnection, CloudIdentity } from "../clouds/cloud.ts";
import type { KernelTable } from "../kernel/kernel_table.ts";
import type { Opening } from "./opening.ts";
import {
  type AddressDifference,
  addressDifference,
  type VmAddresses,
  vmAddressesOf,
} from "./vm_addresses.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** How long it is retried to find out who this VM is after its addresses changed, in milliseconds. */
const askAgainForMs = 300_000;

/** How the cloud is asked, and what is called with its answers. */
export interface KnownVmOptions {
  readonly cloud: Cloud;
  readonly kernel: KernelTable;
  readonly clock: Clock;
  readonly opening: Opening;
  /** Called with each answer. */
  readonly onAnswer: (identity: CloudIdentity) => void;
  /** Called after that where a changed address made it another identity. */
  readonly onChange: () => void;
}

/** See the head of this file. */
export class KnownVm {
  readonly #options: KnownVmOptions;
  #connection: CloudConnection | null = null;
  /** This VM's addresses when the cloud was last asked who it is. */
  #addresses: VmAddresses | null = null;
  #asking = false;
  #ended = false;

  constructor(options: KnownVmOptions) {
    this.#options = options;
  }

  /** Who this VM is; null until the cloud has said it. */
  get identity(): CloudIdentity | null {
    return this.#connection?.identity ?? null;
  }

  /** The current connection. @throws {Error} before the cloud has said who this VM is. */
  get connection(): CloudConnection {
    if (this.#connection === null) throw new Error("Cannot call the cloud before it is known who this VM is");
    return this.#connection;
  }

  /** Changes of this VM's addresses count no more. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Asks the cloud who this VM is, until it says so.
   *
   * @param giveUpAt milliseconds of the clock.
   */
  async identify(signal: AbortSignal, giveUpAt = Infinity): Promise<void> {
    const { cloud, kernel, opening, onAnswer } = this.#options;
    this.#connection = await opening.retrying(
      (inner) => {
        this.#addresses = vmAddressesOf(kernel);
        return cloud.identify(inner);
      },
      signal,
      giveUpAt,
    );
    onAnswer(this.#connection.identity);
  }

  /**
   * Asks once who this VM is: its network may have grown, or been joined with another. Nothing happens unless that changed.
   *
   * @throws {CloudError} if the cloud does not say it.
   */
  async lookAgain(signal: AbortSignal): Promise<void> {
    if (this.#asking || this.#ended) return;
    const before = JSON.stringify(this.identity);
    const connection = await this.#options.cloud.identify(signal);
    if (this.#asking || this.#ended || JSON.stringify(connection.identity) === before) return;
    this.#connection = connection;
    log.info("The addresses or networks of {instance} changed in the cloud", {
      event: "identity-changed",
      instance: connection.identity.instance,
    });
    this.#options.onAnswer(connection.identity);
    this.#options.onChange();
  }

  /**
   * Asks again who this VM is if its addresses changed, without keeping anything waiting. What changes while the cloud is asked may be
   * missing from its answer, so it is asked until nothing did.
   */
  followAddresses(): void {
    const change = this.#addressDifference();
    if (change === null || this.#connection === null || this.#asking) return;
    log.debug("This VM's addresses changed: {added} came, {removed} went; asking the cloud who it is", {
      event: "addresses-changed",
      added: change.added.join(", ") || "none",
      removed: change.removed.join(", ") || "none",
    });
    void this.#askUntilNothingChanges();
  }

  async #askUntilNothingChanges(): Promise<void> {
    this.#asking = true;
    try {
      do await this.#askAgain(); while (this.#addressDifference() !== null && !this.#ended);
    } finally {
      this.#asking = false;
    }
  }

  async #askAgain(): Promise<void> {
    const before = JSON.stringify(this.identity);
    try {
      const deadline = this.#options.clock.now() + askAgainForMs;
      await this.identify(new AbortController().signal, deadline);
      if (this.#ended || JSON.stringify(this.identity) === before) return;
      log.info("This VM is now {instance}", {
        event: "identity-changed",
        instance: this.identity?.instance,
      });
      this.#options.onChange();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.warn("Cannot find out who this VM is after its addresses changed: {message}", {
        event: "identity-unknown",
        message,
      });
    }
  }

  /** How this VM's addresses differ from those that it had when the cloud was last asked who it is; null: they do not. */
  #addressDifference(): AddressDifference | null {
    return addressDifference(this.#addresses, vmAddressesOf(this.#options.kernel));
  }
}
