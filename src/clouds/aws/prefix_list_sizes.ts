/**
 * How many routes a prefix list counts for: its most entries, not its present ones
 * (https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html).
 */

import { getLogger } from "@logtape/logtape";
import type { Family } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { Ec2Api } from "./api.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** Weight of a list in one family. */
export interface PrefixListSize {
  readonly family: Family;
  readonly entries: number;
}

/**
 * AWS' own lists tell no size but have a weight, by the end of their names; all others, S3's and DynamoDB's among them, weigh 1
 * (https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html).
 */
const weights: readonly (readonly [RegExp, number])[] = [
  [/\.cloudfront\.origin-facing$/, 55],
  [/\.route53-healthchecks$/, 25],
  [/\.vpc-lattice$/, 10],
  [/\.s3express$/, 6],
  [/\.groundstation$/, 5],
  [/\.ec2-instance-connect$/, 2],
];
const unknownSize: PrefixListSize = { family: 4, entries: 1 };
const rememberMs = 3_600_000;

/** Sizes of prefix lists, asked for once an hour at most. */
export class PrefixListSizes {
  readonly #api: Pick<Ec2Api, "readPrefixLists">;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly size: PrefixListSize; readonly at: number }>();

  constructor(api: Pick<Ec2Api, "readPrefixLists">, now: () => number) {
    this.#api = api;
    this.#now = now;
  }

  /** The sizes of lists. A list whose size cannot be read counts 1. @throws the signal's reason only. */
  async of(ids: readonly string[], signal: AbortSignal): Promise<PrefixListSize[]> {
    const now = this.#now();
    const missing = [...new Set(ids)].filter((id) =>
      now - (this.#known.get(id)?.at ?? -Infinity) >= rememberMs
    );
    if (missing.length > 0) await this.#learn(missing, now, signal);
    return ids.map((id) => this.#known.get(id)?.size ?? unknownSize);
  }

  async #learn(ids: string[], now: number, signal: AbortSignal): Promise<void> {
    for (const id of ids) this.#known.set(id, { size: this.#known.get(id)?.size ?? unknownSize, at: now });
    try {
      for (const list of await this.#api.readPrefixLists(ids, signal)) {
        const size: PrefixListSize = {
          family: list.AddressFamily === "IPv6" ? 6 : 4,
          entries: list.MaxEntries ?? weightOf(list.PrefixListName ?? ""),
        };
        this.#known.set(list.PrefixListId, { size, at: now });
      }
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      log.debug("Cannot read the size of prefix lists; each counts as one route: {error}", {
        event: "quota-unknown",
        error: error.message,
      });
    }
  }
}

function weightOf(name: string): number {
  return weights.find(([pattern]) => pattern.test(name))?.[1] ?? unknownSize.entries;
}
