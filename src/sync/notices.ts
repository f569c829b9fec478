/** Tells the log what a round leaves undone on purpose: once when it begins, once when it is over. */

import { getLogger } from "@logtape/logtape";
import type { CloudQuota } from "../clouds/cloud.ts";
import { prefixList } from "../routes/prefix_list.ts";
import type { Comparison } from "./comparison.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** More prefixes than these make a line that nobody reads. */
const mostNamed = 5;

/** The notices of one table. */
export class Notices {
  readonly #table: string;
  /** Canonical prefixes that were told to be without room or in a foreign route's place, until none is any more. */
  readonly #toldUnfit = new Set<string>();
  readonly #toldConflicts = new Set<string>();
  #toldHold = false;

  /** @param table its name for people. */
  constructor(table: string) {
    this.#table = table;
  }

  /** Tells what is new in a comparison. @param quotas as last read. */
  tell({ difference, decision, waiting, fitted }: Comparison, quotas: readonly CloudQuota[]): void {
    this.#tellUnfit(fitted.unfit.map(({ prefix }) => prefix.text), quotas);
    this.#tellConflicts(difference.conflicts.map(({ prefix }) => prefix.text));
    // While withdrawals wait for the kernel to be quiet the guard has not been asked.
    if (waiting.length === 0) this.#tellHold(decision.why);
  }

  #tellUnfit(unfit: readonly string[], quotas: readonly CloudQuota[]): void {
    const told = this.#toldUnfit.size > 0;
    if (isNews(this.#toldUnfit, unfit)) {
      log.warn("{table}: the limit leaves {count} of the wanted routes out ({used}): {prefixes}", {
        table: this.#table,
        count: unfit.length,
        used: usedText(quotas),
        prefixes: prefixList(unfit, mostNamed),
      });
    } else if (told && unfit.length === 0) {
      log.info("{table}: all routes have room again", { table: this.#table });
    }
  }

  #tellConflicts(conflicts: readonly string[]): void {
    const told = this.#toldConflicts.size > 0;
    if (isNews(this.#toldConflicts, conflicts)) {
      log.warn(
        "{table}: foreign routes stand at {count} wanted prefixes (-adopt takes them over): {prefixes}",
        {
          table: this.#table,
          count: conflicts.length,
          prefixes: prefixList(conflicts, mostNamed),
        },
      );
    } else if (told && conflicts.length === 0) {
      log.info("{table}: no foreign route stands in the way any more", { table: this.#table });
    }
  }

  #tellHold(why: string | null): void {
    if (why !== null && !this.#toldHold) {
      log.warn("{table}: withdrawals are held: {why}", { table: this.#table, why });
    }
    if (why === null && this.#toldHold) {
      log.info("{table}: no withdrawal is held any more", { table: this.#table });
    }
    this.#toldHold = why !== null;
  }
}

/** Whether there are prefixes that were not told; they count as told from here on, and none does once there are none. */
function isNews(told: Set<string>, prefixes: readonly string[]): boolean {
  const news = prefixes.some((prefix) => !told.has(prefix));
  if (prefixes.length === 0) told.clear();
  else for (const prefix of prefixes) told.add(prefix);
  return news;
}

function usedText(quotas: readonly CloudQuota[]): string {
  return quotas.filter(({ limit }) => limit !== null)
    .map(({ used, limit, families }) => `${used} of ${limit} IPv${families.join("+")}`)
    .join(", ");
}
