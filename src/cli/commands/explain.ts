/** `explain PREFIX`: the whole story of one prefix, from kernel to cloud. */

import { RouteJudge, type Verdict } from "../../routes/route_judge.ts";
import { type IpAddress, parseAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { longestMatch } from "../../routes/longest_match.ts";
import { CloudSession } from "../cloud_session.ts";
import { UsageError } from "../usage_error.ts";
import type { CommandContext } from "../context.ts";
import { documentText } from "../document.ts";
import { changeDocuments, type TableParts } from "../plan_document.ts";
import { describeRoute, routeDocument, verdictLines } from "../route_report.ts";
import { listenForStop } from "../signals.ts";
import { clockText } from "../../sync/error_text.ts";
import { standings } from "../../sync/prefix_standing.ts";
import { standingText } from "../standing_text.ts";
import { leftBehind } from "../status_file.ts";
import { planTables } from "./plan.ts";

/** What one table has to say of a prefix. */
interface TableStory {
  readonly table: string;
  /** What stands there, ours first. */
  readonly routes: readonly {
    readonly nexthops: readonly string[];
    readonly owner: "ours" | "peer" | "foreign";
  }[];
  /** What is to be done, or `none`. */
  readonly change: string;
  readonly why: string;
  /** The running instance's last error with this prefix, or with the table; null if there is none. */
  readonly lastError: string | null;
}

/** Runs the command. @returns 0. */
export async function explain(context: CommandContext): Promise<number> {
  const asked = askedOf(context.words[0] ?? "");
  using signals = listenForStop();
  await using session = await CloudSession.open(context, { everything: true, follow: false });
  const { settings, print } = context;
  const { identity, plans } = await planTables(session, signals.stop);
  const kernel = session.table;
  const prefix = asked.kind === "prefix"
    ? asked.prefix
    : longestMatch(asked.address, kernel, settings.policy);
  const routes = kernel.routesOf(prefix);
  const judge = new RouteJudge(settings.policy, identity, kernel);
  const verdicts = judge.verdicts(routes);
  const winner = judge.winner(routes);
  const tables = await Promise.all(plans.map((parts) => tableStory(prefix, parts)));
  if (settings.output === "json") {
    const index = verdicts.findIndex((verdict) => verdict.route === winner);
    print(documentText(storyDocument(asked, prefix, verdicts, index, tables)));
  } else {
    print(
      storyText(
        titleOf(asked, prefix, routes.length > 0),
        verdicts,
        winner === null ? null : describeRoute(winner),
        tables,
      ),
    );
  }
  return 0;
}

/** What the user asks for: a prefix, or an address whose longest match is meant. */
type Asked =
  | { readonly kind: "prefix"; readonly prefix: Prefix }
  | { readonly kind: "address"; readonly address: IpAddress };

function askedOf(text: string): Asked {
  try {
    return text.includes("/")
      ? { kind: "prefix", prefix: parsePrefix(text) }
      : { kind: "address", address: parseAddress(text) };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function tableStory(prefix: Prefix, parts: TableParts): Promise<TableStory> {
  const change = changeDocuments(parts.comparison).find((candidate) => candidate.prefix === prefix.text);
  const own = parts.index.own.get(prefix.text);
  const peer = parts.index.peers.get(prefix.text);
  const foreign = parts.index.foreign.get(prefix.text) ?? [];
  const { lastError, dampedUntil } = await leftBehind(parts.statusFile, prefix.text);
  const describe = (hops: readonly string[]): string[] => hops.map((hop) => parts.cloud.describe(hop));
  return {
    table: parts.table,
    routes: [
      ...(own === undefined ? [] : [{ nexthops: describe(own.nextHops), owner: "ours" as const }]),
      ...(peer === undefined ? [] : [{ nexthops: describe(peer.route.nextHops), owner: "peer" as const }]),
      ...foreign.map((route) => ({ nexthops: describe(route.nextHops), owner: "foreign" as const })),
    ],
    change: change === undefined ? "none" : `${change.action}${change.to === null ? "" : ` to ${change.to}`}`,
    why: change === undefined || dampedUntil === null || dampedUntil < Date.now()
      ? whyOf(prefix, parts)
      : `${whyOf(prefix, parts)}; it flapped too often: the running service writes it at ${
        clockText(dampedUntil)
      }`,
    lastError,
  };
}

/** Why the change is, or is not, made. */
function whyOf(prefix: Prefix, { comparison }: TableParts): string {
  return standingText(standings(comparison).get(prefix.text), comparison.decision.why);
}

/** What the story is of, and why of that prefix. */
function titleOf(asked: Asked, prefix: Prefix, hasRoute: boolean): string {
  if (asked.kind === "prefix") return prefix.text;
  return hasRoute
    ? `${prefix.text}, the longest match of ${asked.address.text}`
    : `${prefix.text}: no route that the kernel goes by matches ${asked.address.text}`;
}

function storyDocument(
  asked: Asked,
  prefix: Prefix,
  verdicts: readonly Verdict[],
  winner: number,
  tables: readonly TableStory[],
): Readonly<Record<string, unknown>> {
  const isWanted = verdicts.some((verdict) => verdict.verdict === "wanted");
  const decisive = verdicts[winner];
  return {
    ...(asked.kind === "address" ? { address: asked.address.text } : {}),
    prefix: prefix.text,
    routes: verdicts.map(routeDocument),
    winner: winner < 0 ? null : winner,
    verdict: verdicts.length === 0 ? "absent" : isWanted ? "wanted" : "dropped",
    reason: decisive?.verdict === "dropped" ? decisive.reason : null,
    tables,
  };
}

function storyText(
  title: string,
  verdicts: readonly Verdict[],
  winner: string | null,
  tables: readonly TableStory[],
): string {
  const lines = [
    title,
    verdicts.length === 0 ? "  kernel: no route for exactly this prefix" : "  kernel:",
  ];
  for (const verdict of verdicts) {
    lines.push(`    ${describeRoute(verdict.route)}`);
    lines.push(...verdictLines(verdict).map((line) => `      ${line}`));
  }
  if (winner !== null && verdicts.length > 1) {
    lines.push(`  winner (lowest metric, then highest preference, then first listed): ${winner}`);
  }
  for (const story of tables) lines.push(...tableLines(story));
  return `${lines.join("\n")}\n`;
}

function tableLines(story: TableStory): readonly string[] {
  const routes = story.routes.map((route) => `    ${route.owner}: → ${route.nexthops.join(", ")}`);
  return [
    `  table ${story.table}:`,
    ...(routes.length === 0 ? ["    no route for exactly this prefix"] : routes),
    `    change: ${story.change} (${story.why})`,
    ...(story.lastError === null ? [] : [`    last error: ${story.lastError}`]),
  ];
}
