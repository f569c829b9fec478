/**
 * What `doctor` says of a table's quotas, by one rule on every cloud. It judges the reading that the service itself uses, so
 * that what the service can do without (a quota that nobody may read) is no fault, and a table that the service would find full is one.
 *
 * | limit      | routes           | verdict                                                                   |
 * | ---------- | ---------------- | ------------------------------------------------------------------------- |
 * | known      | all of it        | `bad`                                                                     |
 * | known      | nine tenths      | `ok`, with how to get more before it is full                              |
 * | known      | fewer            | `ok`                                                                      |
 * | not known  | any              | `unknown`: it would be a lie that all is well, but nobody need do anything |
 */

import type { CloudQuota, Finding } from "../cloud.ts";

/** What is to be said besides the numbers. */
export interface QuotaWords {
  /** The table, for people: `router r1`. Names the finding. */
  readonly table: string;
  /** How more routes are got. */
  readonly raise: string;
  /** Why no limit is known where none is, as a clause. */
  readonly unknownLimit: string;
  /** What makes it known, if there is such a thing. */
  readonly unknownRemedy?: string | undefined;
}

/** From this share of a limit on it is said how to raise it. */
const nearlyFull = 0.9;

/** One finding for each set of families that is counted together, about the limit that is reached first. */
export function quotaFindings(quotas: readonly CloudQuota[], words: QuotaWords): Finding[] {
  const groups = [...Map.groupBy(quotas, familiesOf)];
  return groups.map(([families, group]) => {
    const name = `route quota of ${words.table}${groups.length === 1 ? "" : `, ${families}`}`;
    return { name, ...verdictOn(group, words) };
  });
}

function familiesOf({ families }: CloudQuota): string {
  return families.map((family) => `IPv${family}`).join(" and ");
}

function verdictOn(group: readonly CloudQuota[], words: QuotaWords): Omit<Finding, "name"> {
  const known = group.flatMap(({ used, limit }) => limit === null ? [] : [{ used, limit }]);
  const [first] = known.toSorted((left, right) => left.limit - left.used - (right.limit - right.used));
  const unknownLimit = group.find(({ limit }) => limit === null);
  const isFull = first !== undefined && first.used >= first.limit;
  if (unknownLimit !== undefined && !isFull) {
    const detail = `${counted(unknownLimit.used)}; ${words.unknownLimit}`;
    return {
      status: "unknown",
      detail,
      ...(words.unknownRemedy === undefined ? {} : { remedy: words.unknownRemedy }),
    };
  }
  if (first === undefined) return { status: "ok", detail: "Nothing limits the routes" };
  const { used, limit } = first;
  const detail = `${used} of ${counted(limit)}`;
  if (isFull) return { status: "bad", detail, remedy: words.raise };
  return used < limit * nearlyFull ? { status: "ok", detail } : { status: "ok", detail, remedy: words.raise };
}

function counted(number: number): string {
  return number === 1 ? "1 route" : `${number} routes`;
}
