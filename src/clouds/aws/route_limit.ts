/**
 * How many routes a table takes: Service Quotas' "Routes per route table" (vpc, L-93826ACB) where the role may ask, else what a
 * refusal has taught. IPv4 and IPv6 have the same limit and are counted apart
 * (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
 */

import { getLogger } from "@logtape/logtape";
import type { Family } from "../../routes/prefix.ts";
import { type AwsConnection, clientConfig } from "./ec2_api.ts";
import { untilAborted } from "./until_aborted.ts";

const log = getLogger(["cloudroutesync", "aws"]);

const quota = { ServiceCode: "vpc", QuotaCode: "L-93826ACB" };
/** A table is read all the same when Service Quotas cannot be reached (a VPC with an endpoint for EC2 alone). */
const waitMs = 2_000;
const askAgainMs = 3_600_000;
/** What a refusal taught is believed so long: the quota may have been raised since. */
const learntForMs = 600_000;

/** Asks for the quota; null if it cannot be told. */
export type AskQuota = (signal: AbortSignal) => Promise<number | null>;

/** Knows, or finds out, the limit of route tables. */
export class RouteLimit {
  readonly #ask: AskQuota;
  readonly #now: () => number;
  #asked: { readonly limit: number | null; readonly at: number } | null = null;
  readonly #learnt = new Map<string, { readonly limit: number; readonly at: number }>();

  /** @param now monotonic clock in milliseconds. */
  constructor(ask: AskQuota, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Asks once, and again after an hour; never throws but the signal's reason. */
  async refresh(signal: AbortSignal): Promise<void> {
    const now = this.#now();
    if (this.#asked !== null && now - this.#asked.at < askAgainMs) return;
    const limit = await this.#askSafely(signal);
    this.#asked = { limit: limit ?? this.#asked?.limit ?? null, at: now };
  }

  /** The limit of a table for a family; null while unknown. */
  of(tableId: string, family: Family): number | null {
    const learnt = this.#learnt.get(`${tableId} ${family}`);
    if (learnt !== undefined && this.#now() - learnt.at < learntForMs) return learnt.limit;
    return this.#asked?.limit ?? null;
  }

  /** A table refused a route while it held so many: that is its limit. */
  learn(tableId: string, family: Family, limit: number): void {
    this.#learnt.set(`${tableId} ${family}`, { limit, at: this.#now() });
  }

  async #askSafely(signal: AbortSignal): Promise<number | null> {
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
      return await untilAborted(this.#ask(deadline), deadline);
    } catch (error) {
      signal.throwIfAborted();
      log.debug("Cannot read the quota of routes a table from Service Quotas: {error}", { error });
      return null;
    }
  }
}

/** Asks Service Quotas: the account's own value, else AWS' default. The SDK is loaded only when asked. */
export function askServiceQuotas(connection: AwsConnection): AskQuota {
  return async (signal) => {
    const { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand, ServiceQuotasClient } = await import(
      "@aws-sdk/client-service-quotas"
    );
    const client = new ServiceQuotasClient(clientConfig(connection));
    const options = { abortSignal: signal };
    try {
      const answer = await client.send(new GetServiceQuotaCommand(quota), options);
      return answer.Quota?.Value ?? null;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "NoSuchResourceException") throw error;
      const answer = await client.send(new GetAWSDefaultServiceQuotaCommand(quota), options);
      return answer.Quota?.Value ?? null;
    } finally {
      client.destroy();
    }
  };
}
