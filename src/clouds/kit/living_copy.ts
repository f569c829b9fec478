/**
 * Keeps a table of ours a living copy of the tables that its subnets used before. Pure; the same rule on every cloud.
 *
 * What becomes of one entry (a route by its destination, a setting by its name):
 *
 * | former tables        | ours has                      | outcome                                              |
 * | -------------------- | ----------------------------- | ---------------------------------------------------- |
 * | all have X           | nothing                       | X is added                                           |
 * | all have X           | X                             | kept; it counts as a copy from now on                |
 * | all have X           | a copy of Y                   | changed to X                                         |
 * | all have X           | Y, which goes before a copy   | kept: the kernel's route, or one put there by hand   |
 * | all have X           | another Y                     | fault: nobody knows which of the two is wrong        |
 * | none has any         | a copy                        | removed                                              |
 * | none has any         | anything else                 | kept                                                 |
 * | they do not agree    | anything                      | kept; fault: one table cannot route in two ways      |
 */

/** What a table has: by key (`route 10.9.0.0/16`, `setting disableBgpRoutePropagation`) what it points at or is. */
export type Entries = ReadonlyMap<string, string>;

/** A table that a subnet used before ours. */
export interface FormerTable {
  /** Name for people. */
  readonly name: string;
  readonly entries: Entries;
}

/** Our table. */
export interface OwnTableEntries extends FormerTable {
  /** Whether the entry that stands at a key is known to be a copy that this program made. */
  readonly isCopy: (key: string, value: string) => boolean;
  /** Whether an entry that is no copy goes before one: it is the kernel's route, or may be. */
  readonly goesBefore: (key: string, value: string) => boolean;
}

/** One thing to do in our table. */
export type CopyStep =
  | { readonly action: "add"; readonly key: string; readonly from: null; readonly to: string }
  | { readonly action: "change"; readonly key: string; readonly from: string; readonly to: string }
  | { readonly action: "remove"; readonly key: string; readonly from: string; readonly to: null };

/** What following the former tables takes. */
export interface CopyPlan {
  readonly steps: readonly CopyStep[];
  /** All entries that are copies once the steps are made, and those that are to be removed. */
  readonly copies: readonly (readonly [key: string, value: string])[];
  /** Sentences: what cannot be followed, and what to do about it. */
  readonly faults: readonly string[];
}

/** What to do where the subnets of one table need different routes. */
export const oneTableEach = "subnets whose routes differ need a table each: choose another -owner, " +
  "or hand over tables with -route-table";

/**
 * Plans what makes our table a copy of the former ones again.
 *
 * @param formers at least one; without any nothing is known, and nothing is done.
 */
export function planCopies(formers: readonly FormerTable[], own: OwnTableEntries): CopyPlan {
  const steps: CopyStep[] = [];
  const copies: (readonly [string, string])[] = [];
  const faults: string[] = [];
  const keys = new Set([...formers.flatMap(({ entries }) => [...entries.keys()]), ...own.entries.keys()]);
  for (const key of formers.length === 0 ? [] : keys) {
    const outcome = followOne(key, formers, own);
    if (outcome.fault !== undefined) faults.push(outcome.fault);
    if (outcome.step !== undefined) steps.push(outcome.step);
    if (outcome.copy !== undefined) copies.push([key, outcome.copy]);
  }
  return { steps, copies, faults };
}

/** One row of the table above. */
function followOne(
  key: string,
  formers: readonly FormerTable[],
  own: OwnTableEntries,
): { readonly step?: CopyStep; readonly copy?: string; readonly fault?: string } {
  const standing = own.entries.get(key);
  const copied = standing !== undefined && own.isCopy(key, standing);
  const asBefore = copied ? { copy: standing } : {};
  const [first, ...others] = formers.map(({ entries }) => entries.get(key));
  if (others.some((value) => value !== first)) return { ...asBefore, fault: disagreement(key, formers) };
  if (first === undefined) {
    return copied ? { step: { action: "remove", key, from: standing, to: null }, copy: standing } : {};
  }
  if (standing === first) return { copy: first };
  if (standing === undefined) return { step: { action: "add", key, from: null, to: first }, copy: first };
  if (copied) return { step: { action: "change", key, from: standing, to: first }, copy: first };
  return own.goesBefore(key, standing) ? {} : { fault: collision(key, first, standing, formers, own) };
}

/**
 * Why a subnet cannot join a table that other subnets use: the first entry that its own table and theirs do not agree on.
 *
 * @param joining the table that the subnet uses now.
 * @param others the tables that the other subnets used before.
 * @returns a sentence, or null: it can.
 */
export function whyNotTogether(
  subnet: string,
  joining: FormerTable,
  others: readonly FormerTable[],
  own: string,
): string | null {
  const tables = [joining, ...others];
  const keys = new Set(tables.flatMap(({ entries }) => [...entries.keys()]));
  for (const key of keys) {
    const differs = others.some(({ entries }) => entries.get(key) !== joining.entries.get(key));
    if (!differs) continue;
    return `Cannot let subnet ${subnet} use ${own}, which other subnets use: ${statements(key, tables)}; ` +
      oneTableEach;
  }
  return null;
}

function disagreement(key: string, formers: readonly FormerTable[]): string {
  return `Cannot carry over ${key}: ${statements(key, formers)}; ${oneTableEach}`;
}

function collision(
  key: string,
  wanted: string,
  standing: string,
  [former]: readonly FormerTable[],
  own: OwnTableEntries,
): string {
  return `Cannot carry over ${key} to ${wanted} from ${former?.name}: ${own.name} has it to ${standing}, which is not known ` +
    `to be a copy; delete the one that is wrong, or hand over tables with -route-table`;
}

/** `rtb-1 has it to igw-1, rtb-2 has none`, with the key in the first part. */
function statements(key: string, tables: readonly FormerTable[]): string {
  const seen = new Map(tables.map(({ name, entries }) => [name, entries.get(key)]));
  return [...seen].map(([name, value]) =>
    value === undefined ? `${name} has no ${key}` : `${name} has ${key} to ${value}`
  ).join(", ");
}
