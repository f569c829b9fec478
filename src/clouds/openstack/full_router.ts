/**
 * Writes what a router still takes, where Neutron refuses the rest and does not name its limit: since Neutron 29 the refusal
 * names none (`OverQuota`), and the quota of a router of another project, or of a project whose members may not read it, is not shown.
 *
 * Neutron takes or refuses a list whole. So withdrawals go first, and of what takes places the list is halved until it is known how
 * much of it fits: at most log2 n + 1 further writes for n changes. What stands first in the list has precedence.
 */

import type { Change, ChangeOutcome } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";

/** Writes changes in one step. @throws {CloudError} if none of them was done. */
export type WriteStep = (changes: readonly Change[]) => Promise<readonly ChangeOutcome[]>;

/**
 * Writes what fits.
 *
 * @param refusal why the changes were refused together; what does not fit fails with it.
 * @throws {CloudError} if the first step fails for another reason; what was done before a later one stands in the outcomes.
 */
export async function writeWhatFits(
  changes: readonly Change[],
  refusal: CloudError,
  step: WriteStep,
): Promise<readonly ChangeOutcome[]> {
  const outcomes: ChangeOutcome[] = [];
  const freeing = changes.filter(({ action }) => action === "delete");
  if (freeing.length > 0) outcomes.push(...await step(freeing));
  const taking = inOrder(changes);
  const { done, error } = await fill(taking, refusal, freeing.length > 0, step);
  if (outcomes.length + done.length === 0 && error.kind !== "quota") throw error;
  const settled = new Set(done.map(({ change }) => change));
  const open = taking.filter((change) => !settled.has(change));
  return [...outcomes, ...done, ...open.map((change) => ({ change, error }))];
}

/** Replaces before adds: a route that stands goes before one that does not. */
function inOrder(changes: readonly Change[]): readonly Change[] {
  return [
    ...changes.filter(({ action }) => action === "replace"),
    ...changes.filter(({ action }) => action === "add"),
  ];
}

/** @param hasRoom whether places may have come free since all of them were refused. */
async function fill(
  changes: readonly Change[],
  refusal: CloudError,
  hasRoom: boolean,
  step: WriteStep,
): Promise<{ readonly done: readonly ChangeOutcome[]; readonly error: CloudError }> {
  const done: ChangeOutcome[] = [];
  let error = refusal;
  let suspects = changes;
  let part = hasRoom ? suspects : firstHalf(suspects);
  while (part.length > 0) {
    try {
      done.push(...await step(part));
      // What is left of the suspects was refused together with this part, which stands now.
      suspects = suspects.slice(part.length);
    } catch (cause) {
      if (!(cause instanceof CloudError)) throw cause;
      error = cause;
      if (cause.kind !== "quota") break;
      suspects = part;
    }
    part = firstHalf(suspects);
  }
  return { done, error };
}

/** Nothing of a single one, which is known not to fit. */
function firstHalf(changes: readonly Change[]): readonly Change[] {
  return changes.length < 2 ? [] : changes.slice(0, Math.ceil(changes.length / 2));
}
