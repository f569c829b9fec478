/** EC2's client: every command is sent once, within a deadline, with credentials that are good. */

import {
  EC2Client,
  type EC2ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from "@aws-sdk/client-ec2";
import type { CommandImpl } from "@smithy/core/client";
import { abortable } from "../../async/abortable.ts";
import { spoilsCredentials, toCloudError } from "./errors.ts";
import { type AwsEndpoint, clientConfig } from "./sdk_client.ts";

/** A command, by what goes in and what comes back. */
type Ec2Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = CommandImpl<
  Input,
  Output,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

/** A command to send, and what errors say of it. */
export interface Ec2Call {
  /** EC2's own name for it, by which permissions are given: `CreateRoute`. */
  readonly operation: string;
  /** What it is for, as a verb phrase that fits after "Cannot". */
  readonly doing: string;
  readonly signal: AbortSignal;
}

/** See the head of this file. */
export class CommandSender {
  readonly #connection: AwsEndpoint;
  #client: EC2Client | null = null;
  /** By how much EC2's clock is ahead of this VM's, as the SDK finds out from refusals. */
  #clockOffsetMs = 0;

  constructor(connection: AwsEndpoint) {
    this.#connection = connection;
  }

  /**
   * Sends a command once: retries are the reconciler's.
   *
   * @throws {CloudError} if it fails, and the signal's reason if the caller gave up.
   */
  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    { operation, doing, signal }: Ec2Call,
    command: Ec2Command<Input, Output>,
  ): Promise<Output> {
    const deadline = AbortSignal.timeout(this.#connection.timeoutMs);
    const abortSignal = AbortSignal.any([signal, deadline]);
    const client = this.#client ??= this.#newClient();
    const { credentials } = this.#connection;
    const used = credentials.current;
    try {
      return await abortable(client.send(command, { abortSignal }), abortSignal);
    } catch (cause) {
      signal.throwIfAborted();
      const error = toCloudError({
        doing,
        permission: `ec2:${operation}`,
        error: cause,
        timedOut: deadline.aborted,
        now: Date.now(),
      });
      // A client waits for ever for credentials whose answer broke off, and with it every call.
      if (spoilsCredentials(error)) credentials.refused(used ?? credentials.current);
      if (deadline.aborted || spoilsCredentials(error)) this.#discard(client);
      throw error;
    }
  }

  /**
   * Sends the commands for all pages of a list.
   *
   * @param commandFor the command for the page that the token names.
   * @param entriesOf takes what is listed out of a page.
   */
  async sendForAll<
    Input extends ServiceInputTypes,
    Page extends ServiceOutputTypes & { readonly NextToken?: string | undefined },
    Entry,
  >(
    call: Ec2Call,
    commandFor: (next: { readonly NextToken?: string }) => Ec2Command<Input, Page>,
    entriesOf: (page: Page) => readonly Entry[],
  ): Promise<Entry[]> {
    const entries: Entry[] = [];
    let next: { readonly NextToken?: string } = {};
    for (;;) {
      const page = await this.send(call, commandFor(next));
      entries.push(...entriesOf(page));
      if (!page.NextToken) return entries;
      next = { NextToken: page.NextToken };
    }
  }

  #newClient(): EC2Client {
    return new EC2Client({ ...clientConfig(this.#connection), systemClockOffset: this.#clockOffsetMs });
  }

  /**
   * A client remembers its credentials: one whose credentials were refused is of no more use. What it knows of EC2's clock goes
   * on, since requests expire too where a VM's clock is slow.
   */
  #discard(client: EC2Client): void {
    if (this.#client !== client) return;
    this.#clockOffsetMs = client.config.systemClockOffset;
    this.#client = null;
  }
}
