/**
 * How many routes a table takes: Service Quotas' "Routes per route table" (vpc, L-93826ACB) where the role may ask, else what a
 * refusal has shown. IPv4 and IPv6 have the same limit and are counted apart
 * (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
 */

import { getLogger } from "@logtape/logtape";
import type { Family } from "../../routes/prefix.ts";
import { AskedValue } from "../kit/asked_value.ts";
import { LearnedLimits } from "../kit/learned_limit.ts";
import { type AwsEndpoint, clientConfig } from "./sdk_client.ts";

const log = getLogger(["cloudroutesync", "aws"]);

const quota = { ServiceCode: "vpc", QuotaCode: "L-93826ACB" };
/** A table is read all the same when Service Quotas cannot be reached (a VPC with an endpoint for EC2 alone). */
const timeoutMs = 2_000;
const askAgainMs = 3_600_000;
/** How long a limit counts that a refusal taught: the quota may have been raised since. */
const learnedForMs = 600_000;

/** Asks for the quota; null if it is not known. */
export type AskQuota = (signal: AbortSignal) => Promise<number | null>;

/** Knows, or finds out, the limit of route tables. */
export class RouteLimit {
  readonly #quota: AskedValue<number>;
  readonly #learned: LearnedLimits;

  /** @param now monotonic clock in milliseconds. */
  constructor(ask: AskQuota, now: () => number) {
    this.#quota = new AskedValue({ ask, timeoutMs, ttlMs: askAgainMs, now, onFailure: logFailure });
    this.#learned = new LearnedLimits({ ttlMs: learnedForMs, now });
  }

  /** Asks once, and again after an hour; never throws but the signal's reason. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.#quota.read(signal);
  }

  /** The limit of a table for a family; null while unknown. */
  of(tableId: string, family: Family): number | null {
    return this.#learned.of(`${tableId} ${family}`) ?? this.#quota.known;
  }

  /** A table refused a route while it held so many: that is its limit. */
  learn(tableId: string, family: Family, limit: number): void {
    this.#learned.learn(`${tableId} ${family}`, limit);
  }
}

function logFailure(error: unknown): void {
  log.debug("Cannot read the quota of routes a table from Service Quotas: {error}", {
    event: "quota-unknown",
    error,
  });
}

/** Asks Service Quotas: the account's own value, else AWS' default. The SDK is loaded only when asked. */
export function askServiceQuotas(connection: AwsEndpoint): AskQuota {
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
