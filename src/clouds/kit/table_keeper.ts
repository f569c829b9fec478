/** Route tables that another controller keeps: a copy would always be behind what it writes. */

/** A tag by which a controller finds its tables. */
export interface KeeperTag {
  /** Matches the tag's key. */
  readonly key: RegExp;
  /** Who keeps such a table, for people. */
  readonly keeper: string;
}

/** The tag that says that another controller keeps a table, and who; null where none says so. */
export function keeperOf(
  tagKeys: readonly string[],
  known: readonly KeeperTag[],
): { readonly tag: string; readonly keeper: string } | null {
  for (const tag of tagKeys) {
    const found = known.find(({ key }) => key.test(tag));
    if (found !== undefined) return { tag, keeper: found.keeper };
  }
  return null;
}

/** Why a subnet is not taken from a table that another controller keeps. */
export function keptByAnother(
  subnet: string,
  table: { readonly name: string; readonly id: string },
  { tag, keeper }: { readonly tag: string; readonly keeper: string },
): string {
  return `Cannot take subnet ${subnet} from route table ${table.name}: its tag ${tag} says that ${keeper} writes to it, and a copy ` +
    `would be behind; share it with -route-table ${table.id}`;
}
