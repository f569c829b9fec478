/**
 * The client token of a table's creation: the same for all routers of an owner that boot together, so that EC2 makes one table for them.
 *
 * EC2 answers a creation with a token that it knows and the same parameters with the table of the first one, and refuses other parameters
 * as IdempotentParameterMismatch (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html). The table may have been
 * deleted since: so a token is good for ten minutes of the wall clock, and another one follows where its table proves to be gone.
 */

import { createHash } from "node:crypto";

const periodMs = 600_000;

/** See the head of this file. */
export class CreationToken {
  readonly #owner: string;
  readonly #wallClock: () => number;
  /** Kept from a try to the next, since the answer to one may be lost. */
  #period: number | null = null;
  #generation = 0;

  /** @param wallClock milliseconds since the epoch. */
  constructor(owner: string, wallClock: () => number) {
    this.#owner = owner;
    this.#wallClock = wallClock;
  }

  /** The token for a table in a VPC: 64 characters, the most that EC2 takes. */
  of(vpcId: string): string {
    this.#period ??= Math.floor(this.#wallClock() / periodMs);
    const text = [this.#owner, vpcId, this.#period, this.#generation].join(" ");
    return createHash("sha256").update(text).digest("hex");
  }

  /** EC2 answered. */
  used(): void {
    this.#period = null;
  }

  /** The table of the answer is not there. */
  failed(): void {
    this.#generation++;
  }
}
