/**
 * What kernel, judge and tables say of each prefix, as rows of the page.
 *
 * A page looks each second, and the event loop has other work: what the kernel's routes come to is kept until the kernel names their
 * prefix, and a row that did not change is the very object that it was.
 */

import type { KernelChange, KernelRoute, KernelTable } from "../../kernel/kernel_table.ts";
import { protocolName, routeTypeName } from "../../kernel/protocol_names.ts";
import { type KernelCell, type RouteRow, type RouteRows, worstState } from "../../observe/route_row.ts";
import type { Policy, PolicyIdentity } from "../../routes/policy.ts";
import type { Prefix } from "../../routes/prefix.ts";
import { RouteJudge, type Verdict } from "../../routes/route_judge.ts";
import { standings } from "../../sync/prefix_standing.ts";
import type { TableSight } from "../../sync/table_standing.ts";
import { describeLegs } from "../route_report.ts";
import { cloudCell, type SeenTable } from "./cloud_cell.ts";

/** More rows than this would keep the event loop from its work, and no person reads them. */
export const mostRows = 20_000;
/** Routes of one prefix that a row shows. */
const mostKernelRoutes = 4;

/** Where rows come from. */
export interface RowSources {
  readonly kernel: KernelTable;
  readonly policy: Policy;
  /** Null until the cloud has said who this VM is: nothing is decided then. */
  readonly identity: PolicyIdentity | null;
  readonly tables: readonly TableSight[];
  /** How people read a next hop. */
  readonly describe: (nextHop: string) => string;
}

/** The kernel's part of a row. */
interface KernelPart extends Pick<RouteRow, "kernel" | "verdict" | "reason"> {
  /** The same for parts that say the same. */
  readonly key: string;
}

/** A row, with the part and the cells that it was made of. */
interface KeptRow {
  readonly part: KernelPart;
  readonly cells: string;
  readonly row: RouteRow;
}

const noKernelRoute: KernelPart = { kernel: [], verdict: "absent", reason: null, key: "" };

/** See the head of this file. */
export class RouteRowKeeper {
  /** By canonical prefix what the kernel's routes come to. */
  #parts = new Map<string, KernelPart>();
  #rows = new Map<string, KeptRow>();
  /** Prefixes of which the kernel said something since the last look. */
  #news: Map<string, Prefix> | "all" = "all";
  /** Whether there were too many prefixes at the last look, so that only some of them were judged. */
  #wasHuge = false;
  /** What the last rows were made of. */
  #seen: readonly unknown[] = [];

  /** The kernel changed. */
  kernelChanged({ prefixes, interfacesChanged }: Pick<KernelChange, "prefixes" | "interfacesChanged">): void {
    if (prefixes === "all" || interfacesChanged || this.#news === "all") this.#news = "all";
    else for (const prefix of prefixes) this.#news.set(prefix.text, prefix);
  }

  /**
   * Makes a row of each prefix of kernel and cloud. Where there are too many, the prefixes that tables have or want alone are listed,
   * up to {@linkcode mostRows}.
   *
   * @param always whether the rows are wanted though nothing changed.
   * @returns null if nothing can have changed since the last look.
   */
  rows(sources: RowSources, always: boolean): RouteRows | null {
    const { kernel, policy, identity, tables } = sources;
    const decisive = [policy, identity];
    const now = [
      ...decisive,
      ...tables.flatMap((
        { table, comparison, index, errors },
      ) => [table, comparison, index, ...errors.values()]),
    ];
    const isNews = this.#news === "all" || this.#news.size > 0 || !isSame(now, this.#seen);
    if (!isNews && !always) return null;
    if (!isSame(decisive, this.#seen.slice(0, decisive.length))) this.#news = "all";
    this.#seen = now;
    if (identity === null) return { rows: [], leftOut: kernel.size };
    const judge = new RouteJudge(policy, identity, kernel);
    const seen = tables.map((sight) => ({ sight, standings: standings(sight.comparison) }));
    const inTables = prefixesOf(tables);
    const isHuge = kernel.size > mostRows;
    if (this.#wasHuge && !isHuge) this.#news = "all";
    this.#wasHuge = isHuge;
    if (isHuge) this.#takeParts(kernel, judge, inTables);
    else this.#takeNews(kernel, judge);
    this.#news = new Map();
    const prefixes = [...new Set([...this.#parts.keys(), ...inTables.keys()])].slice(0, mostRows);
    const before = this.#rows;
    this.#rows = new Map();
    const rows = prefixes.map((prefix) => this.#row(prefix, before.get(prefix), seen, sources.describe));
    return { rows, leftOut: isHuge ? kernel.size - this.#parts.size : 0 };
  }

  /** Forgets all, which takes megabytes, when nobody looks any more. */
  forget(): void {
    this.#parts = new Map();
    this.#rows = new Map();
    this.#news = "all";
  }

  /** Judges what the kernel named. */
  #takeNews(kernel: KernelTable, judge: RouteJudge): void {
    const before = this.#parts;
    if (this.#news !== "all") {
      for (const [text, prefix] of this.#news) this.#put(text, kernel.routesOf(prefix), judge, before);
      return;
    }
    this.#parts = new Map();
    for (const routes of kernel.prefixes()) this.#put(routes[0]?.prefix.text ?? "", routes, judge, before);
  }

  /** Judges these prefixes and no other. */
  #takeParts(kernel: KernelTable, judge: RouteJudge, prefixes: ReadonlyMap<string, Prefix>): void {
    const before = this.#parts;
    this.#parts = new Map();
    for (const [text, prefix] of prefixes) this.#put(text, kernel.routesOf(prefix), judge, before);
  }

  #put(
    prefix: string,
    routes: readonly KernelRoute[],
    judge: RouteJudge,
    before: ReadonlyMap<string, KernelPart>,
  ): void {
    if (routes.length === 0) return void this.#parts.delete(prefix);
    const part = partOf(judge.verdicts(routes));
    const former = before.get(prefix);
    this.#parts.set(prefix, former?.key === part.key ? former : part);
  }

  #row(
    prefix: string,
    former: KeptRow | undefined,
    tables: readonly SeenTable[],
    describe: RowSources["describe"],
  ): RouteRow {
    const part = this.#parts.get(prefix) ?? noKernelRoute;
    const isWanted = part.verdict === "wanted";
    const cloud = tables.flatMap((table) => cloudCell(prefix, isWanted, table, describe) ?? []);
    const cells = cloud.map(({ table, state, to, owner, why }) => [table, state, to, owner, why].join("\n"))
      .join("\n");
    if (former?.part === part && former.cells === cells) {
      this.#rows.set(prefix, former);
      return former.row;
    }
    const state = cloud.length === 0 && isWanted ? "pending" : worstState(cloud.map((cell) => cell.state));
    const { kernel, verdict, reason } = part;
    const row = { prefix, kernel, verdict, reason, state, cloud };
    this.#rows.set(prefix, { part, cells, row });
    return row;
  }
}

/** Every prefix that a table has, or that is to be changed there. */
function prefixesOf(tables: readonly TableSight[]): Map<string, Prefix> {
  const found = new Map<string, Prefix>();
  for (const { index, comparison } of tables) {
    for (const [text, { prefix }] of index.own) found.set(text, prefix);
    for (const [text, { route }] of index.peers) found.set(text, route.prefix);
    for (const [text, [first]] of index.foreign) if (first !== undefined) found.set(text, first.prefix);
    for (const { prefix } of [...comparison.fitted.waves.flat(), ...comparison.fitted.overQuota]) {
      found.set(prefix.text, prefix);
    }
  }
  return found;
}

/** The routes of one prefix, the one that decides first. */
function partOf(verdicts: readonly Verdict[]): KernelPart {
  const decisive = verdicts.find(({ verdict }) => verdict === "wanted") ??
    verdicts.find((verdict) => reasonOf(verdict) !== "shadowed") ?? verdicts[0];
  if (decisive === undefined) return noKernelRoute;
  const ordered = [decisive, ...verdicts.filter((each) => each !== decisive)];
  const kernel = ordered.slice(0, mostKernelRoutes).map(kernelCell);
  const key = kernel.map(({ via, protocol, metric, reason }) => [via, protocol, metric, reason].join("\n"))
    .join("\n");
  return { kernel, verdict: decisive.verdict, reason: reasonOf(decisive), key };
}

function kernelCell(verdict: Verdict): KernelCell {
  const { route } = verdict;
  return {
    via: describeLegs(route) || routeTypeName(route.type),
    protocol: protocolName(route.protocol),
    metric: route.metric,
    reason: reasonOf(verdict),
  };
}

function reasonOf(verdict: Verdict): string | null {
  return verdict.verdict === "dropped" ? verdict.reason : null;
}

function isSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}
