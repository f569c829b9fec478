/**
 * Tells by the kernel's own count of routes whether a dump is whole.
 *
 * A route with more next hops than fit into one message (some 2,000 of IPv4, 1,100 of IPv6) ends a dump, and what stands behind it is
 * missing. Since Linux 6.10 the kernel does not say so: it takes the error for a message that is full, though it is empty
 * (RTNL_FLAG_DUMP_SPLIT_NLM_DONE in net/core/rtnetlink.c). lost_routes.ts finds that by the table that was known before. For a first
 * dump there is none; it is held against these files, which takes a tenth of the time of the dump:
 *
 * - `/proc/net/fib_triestat`: IPv4 routes of each table. Until the first `ip rule` is added main and local share their routes, and
 *   the file names the sum for both (fib_new_table in net/ipv4/fib_frontend.c).
 * - `/proc/net/rt6_stats`: IPv6 routes of all tables together, each leg of a multipath route for itself (`fib_rt_entries`).
 *
 * Where the files are not there (another kernel, a sandbox, a hidden /proc) nothing is known, and a dump counts as whole.
 */

import type { Family } from "../../routes/prefix.ts";

/** The kernel walks all IPv4 routes for it: a tenth of a second for a million. */
export const trieFile = "/proc/net/fib_triestat";

/** `RT_TABLE_MAIN`, and `RT_TABLE_LOCAL`, where the kernel keeps its own addresses (linux/rtnetlink.h). */
export const mainTable = 254, localTable = 255;

/** What a dump has brought. */
export interface DumpedCount {
  readonly family: Family;
  /** Null: all tables. */
  readonly table: number | null;
  /** IPv4: routes; IPv6: legs, a route without or by a next-hop object as one. All that came, also what is not kept. */
  readonly count: number;
  /** Whether one attempt was whole as far as the kernel said. */
  readonly whole: boolean;
}

/** Where the census looks. */
export interface CensusSources {
  /** The text of a file; null if there is none. */
  readonly readText: (path: string) => Promise<string | null>;
  /** Counts what a dump of a table (null: all) brings, as {@linkcode DumpedCount.count}. */
  readonly countDump: (family: Family, table: number | null) => Promise<number>;
}

/** IPv6 routes with fewer legs never end a dump, so that fewer entries are missing for another reason: a dump hides what stands between legs. */
const fewestMissing6 = 1_000;

/** What is missing. */
export interface Shortfall {
  readonly family: Family;
  /** Null: that is not known. */
  readonly table: number | null;
  readonly dumped: number;
  readonly expected: number;
}

/**
 * Holds the dumps of a family against the kernel's count.
 *
 * @param dumps those of the family, each of them whole as far as the kernel said.
 * @param changes how many routes may have come since the dumps began.
 * @returns what is missing beyond that; null: nothing, or it is not known.
 */
export async function findShortfall(
  family: Family,
  dumps: readonly DumpedCount[],
  changes: number,
  sources: CensusSources,
): Promise<Shortfall | null> {
  return family === 4
    ? await compareFour(dumps, changes, sources)
    : await compareSix(dumps, changes, sources);
}

/** The sentence for it. */
export function shortfallText({ family, table, dumped, expected }: Shortfall): string {
  const what = table === null ? `IPv${family} routes` : `IPv${family} routes of table ${table}`;
  const noun = family === 4 ? "routes" : "routes and legs";
  return `Cannot read all ${what}: the kernel's dump ends after ${dumped} of ${expected} ${noun} ` +
    "(a route with more next hops than fit into one message ends it); what is missing is not withdrawn";
}

async function compareFour(
  dumps: readonly DumpedCount[],
  changes: number,
  { readText, countDump }: CensusSources,
): Promise<Shortfall | null> {
  const counts = trieCounts(await readText(trieFile) ?? "");
  for (const { table, count } of dumps) {
    if (table === null) {
      const expected = counts.tables.values().reduce((sum, each) => sum + each, 0) -
        (counts.shared ? counts.tables.get(localTable) ?? 0 : 0);
      if (count + changes < expected) return { family: 4, table, dumped: count, expected };
      continue;
    }
    const all = counts.tables.get(table) ?? 0;
    if (count + changes >= all) continue;
    const other = counts.shared ? otherOfShared(table) : null;
    const beside = other === null
      ? 0
      : dumps.find((dump) => dump.table === other)?.count ?? await countDump(4, other);
    if (count + beside + changes < all) return { family: 4, table, dumped: count, expected: all - beside };
  }
  return null;
}

function otherOfShared(table: number): number | null {
  return table === mainTable ? localTable : table === localTable ? mainTable : null;
}

async function compareSix(
  dumps: readonly DumpedCount[],
  changes: number,
  { readText, countDump }: CensusSources,
): Promise<Shortfall | null> {
  const expected = sixEntries(await readText("/proc/net/rt6_stats") ?? "");
  const isShort = (count: number): boolean => count + changes + fewestMissing6 <= expected;
  const isAll = dumps.some(({ table }) => table === null);
  let dumped = dumps.reduce((sum, { count }) => sum + count, 0);
  // Mostly there is only the local table besides.
  if (isShort(dumped) && !isAll && !dumps.some(({ table }) => table === localTable)) {
    dumped += await countDump(6, localTable);
  }
  if (isShort(dumped) && !isAll) dumped = await countDump(6, null);
  return isShort(dumped) ? { family: 6, table: null, dumped, expected } : null;
}

/** What `/proc/net/fib_triestat` says. */
export interface TrieCounts {
  /** Routes by table. */
  readonly tables: ReadonlyMap<number, number>;
  /** Whether main and local share theirs, so that each has the sum. */
  readonly shared: boolean;
}

/** Reads the text of `/proc/net/fib_triestat` (fib_triestat_seq_show in net/ipv4/fib_trie.c). */
export function trieCounts(text: string): TrieCounts {
  const tables = new Map<number, number>();
  const blocks = new Map<number, string>();
  for (
    const [, name, id, block = ""] of text.matchAll(
      /^(Main|Local|Id (\d+)):\n((?:(?!Main:|Local:|Id ).*\n?)*)/gm,
    )
  ) {
    const table = name === "Main" ? mainTable : name === "Local" ? localTable : Number(id);
    const prefixes = /^\s*Prefixes:\s+(\d+)$/m.exec(block)?.[1];
    if (prefixes === undefined) continue;
    tables.set(table, Number(prefixes));
    blocks.set(table, block.trimEnd());
  }
  const main = blocks.get(mainTable);
  return { tables, shared: main !== undefined && main === blocks.get(localTable) };
}

/** The tables that {@linkcode trieFile} names; none where it is not there. @param text what it says. */
export function tablesOf(text: string | null): readonly number[] {
  return [...trieCounts(text ?? "").tables.keys()];
}

/** Reads the text of `/proc/net/rt6_stats`, seven numbers in hexadecimal (rt6_stats_seq_show in net/ipv6/route.c). @returns 0 if it is none. */
export function sixEntries(text: string): number {
  const entries = /^(?:[0-9a-f]+ ){3}([0-9a-f]+) /.exec(text)?.[1];
  return entries === undefined ? 0 : Number.parseInt(entries, 16);
}
