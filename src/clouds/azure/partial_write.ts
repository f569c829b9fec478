/**
 * Writes the changes of a batch that Azure takes, where it refuses a few.
 *
 * Azure takes or refuses a table whole, and seldom says for which route's sake. The batch is halved until the refused change is alone;
 * what is taken on the way stands, and the rest follows in one call. For one refused change of n that makes at most log2 n + 1
 * further writes.
 *
 * | Azure refuses                                 | then                                                                     |
 * | --------------------------------------------- | ------------------------------------------------------------------------ |
 * | several next hops in this region, by its words | all sets of the batch are written with one next hop                     |
 * | a route with several next hops, in any words  | it is written with one; once a second one is refused, all of the batch   |
 * | any other change                              | it fails alone                                                           |
 * | the number of routes, without naming a limit  | withdrawals go first, then what fits; all that is left fails as `quota`  |
 */

import { compareAddresses, parseAddress } from "../../routes/prefix.ts";
import type { Change, ChangeOutcome } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";

/** A change, and how it is to be written: with one next hop where Azure has refused its set. */
export interface Draft {
  readonly change: Change;
  readonly written: Change;
}

/**
 * Writes some changes in one step.
 *
 * @returns null if they stand; else why Azure refuses what is among them.
 * @throws {CloudError} for every other failure: what is not written yet fails with it.
 */
export type WriteStep = (changes: readonly Change[]) => Promise<CloudError | null>;

/** What became of the changes. */
export interface PartialWrite {
  readonly outcomes: readonly ChangeOutcome[];
  /** Whether anything was written. */
  readonly written: boolean;
  /** Changes that stand with one next hop because Azure refused the set, and its words. */
  readonly reduced: readonly { readonly change: Change; readonly refusal: CloudError }[];
}

/** Writes changes; see the head of this file. @throws {CloudError} if a call failed before anything was written. */
export async function writeInParts(changes: readonly Change[], step: WriteStep): Promise<PartialWrite> {
  const parts = new Parts(changes, step);
  try {
    await parts.write();
  } catch (error) {
    if (!(error instanceof CloudError) || !parts.anyWritten) throw error;
    parts.fail(error);
  }
  return parts.result;
}

/** The change with the lowest of its next hops alone. */
export function withOneNextHop(change: Change): Change {
  if (change.action === "delete" || change.to.length < 2) return change;
  const lowest = change.to.map(parseAddress).sort(compareAddresses)[0];
  return lowest === undefined ? change : { ...change, to: [lowest.text] };
}

/** Whether Azure says that this region has no routes with several next hops (Azure/azure-cli, test_network_route_table_ecmp_route.yaml). */
export function isEcmpUnknown({ code, message }: CloudError): boolean {
  return code === "RegionNotEnabledForFeature" ||
    (/ecmp/i.test(message) && /not (enabled|supported|found|registered|available)/i.test(message));
}

class Parts {
  readonly #step: WriteStep;
  readonly #outcomes = new Map<Change, CloudError | null>();
  readonly #reduced = new Map<Change, CloudError>();
  /** Neither written nor given up, in the order to write them. */
  #open: readonly Draft[];
  /** Calls that may still be made. */
  #calls: number;

  constructor(changes: readonly Change[], step: WriteStep) {
    this.#step = step;
    this.#open = changes.map((change) => ({ change, written: change }));
    this.#calls = 3 + 2 * Math.ceil(Math.log2(changes.length));
  }

  get anyWritten(): boolean {
    return [...this.#outcomes.values()].includes(null);
  }

  get result(): PartialWrite {
    return {
      outcomes: [...this.#outcomes].map(([change, error]) => ({ change, error })),
      written: this.anyWritten,
      reduced: [...this.#reduced].flatMap(([change, refusal]) =>
        this.#outcomes.get(change) === null ? [{ change, refusal }] : []
      ),
    };
  }

  async write(): Promise<void> {
    while (this.#open.length > 0) {
      const refusal = await this.#try(this.#open);
      if (refusal === null) return;
      if (this.#calls <= 0) return this.fail(refusal);
      if (isEcmpUnknown(refusal) && this.#reduceAll(refusal)) continue;
      if (refusal.kind === "quota") this.#open = placesFreedFirst(this.#open);
      await this.#settleOne(refusal);
    }
  }

  /** All that is open fails. */
  fail(error: CloudError): void {
    for (const { change } of this.#open) this.#outcomes.set(change, error);
    this.#open = [];
  }

  /** Finds one change that Azure refuses, writing what it takes on the way, and does what the table above says. */
  async #settleOne(refusal: CloudError): Promise<void> {
    let why = refusal;
    let suspects = this.#open;
    while (suspects.length > 1 && this.#calls > 0) {
      const half = suspects.slice(0, Math.ceil(suspects.length / 2));
      const answer = await this.#try(half);
      // What is left of them was refused together with this half, which stands now.
      suspects = answer === null ? suspects.slice(half.length) : half;
      why = answer ?? why;
    }
    const [refused] = suspects;
    if (refused === undefined || suspects.length > 1) return this.fail(why);
    if (withOneNextHop(refused.written) !== refused.written) {
      if (this.#reduced.size > 0) this.#reduceAll(why);
      else this.#reduce(refused, why);
    } else if (why.kind === "quota") this.fail(why);
    else this.#giveUp(refused, why);
  }

  /** Writes some of what is open. */
  async #try(drafts: readonly Draft[]): Promise<CloudError | null> {
    this.#calls--;
    const refusal = await this.#step(drafts.map(({ written }) => written));
    if (refusal !== null) return refusal;
    for (const { change } of drafts) this.#outcomes.set(change, null);
    this.#open = this.#open.filter((draft) => !drafts.includes(draft));
    return null;
  }

  #giveUp(draft: Draft, why: CloudError): void {
    this.#outcomes.set(draft.change, why);
    this.#open = this.#open.filter((other) => other !== draft);
  }

  /** @returns whether there was a set to reduce. */
  #reduceAll(why: CloudError): boolean {
    const sets = this.#open.filter(({ written }) => withOneNextHop(written) !== written);
    for (const draft of sets) this.#reduce(draft, why);
    return sets.length > 0;
  }

  #reduce(draft: Draft, why: CloudError): void {
    this.#reduced.set(draft.change, why);
    const reduced = { change: draft.change, written: withOneNextHop(draft.written) };
    this.#open = this.#open.map((other) => other === draft ? reduced : other);
  }
}

/** What frees places before what needs none, and that before what takes one. */
function placesFreedFirst(drafts: readonly Draft[]): readonly Draft[] {
  const ranks = { delete: 0, replace: 1, add: 2 } as const;
  return drafts.toSorted((left, right) => ranks[left.change.action] - ranks[right.change.action]);
}
