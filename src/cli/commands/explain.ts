/** `explain PREFIX`: the whole story of one prefix, from kernel to cloud. */

import { dropReasonMeanings } from "../../routes/drop_reason.ts";
import { judgePrefix, selectWinner, type Verdict } from "../../routes/policy.ts";
import { parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { untilItWorks } from "../../sync/patience.ts";
import { systemClock } from "../../sync/system_clock.ts";
import { CloudSession, UsageError } from "../cloud_session.ts";
import { adjustIdentity, type CommandContext } from "../context.ts";
import { planDocument, type PlanParts } from "../plan_report.ts";
import { describeRoute, routeDocument } from "../route_report.ts";
import { listenForStop } from "../signals.ts";
import { lastErrorOf } from "../status_file.ts";
import { makePlans } from "./plan.ts";

const patienceMs = 10_000;

/** What one table has to say of a prefix. */
interface TableStory {
  readonly table: string;
  /** What stands there, ours first. */
  readonly routes: readonly { readonly nexthops: readonly string[]; readonly owner: "ours" | "foreign" }[];
  /** What is to be done, or `none`. */
  readonly change: string;
  readonly why: string;
  /** The running instance's last error with this prefix, or with the table; null if there is none. */
  readonly lastError: string | null;
}

/** Runs the command. @returns 0. */
export async function explain(context: CommandContext): Promise<number> {
  const prefix = prefixOf(context.argument ?? "");
  using signals = listenForStop();
  await using session = await CloudSession.open(context, { everything: true, follow: false });
  const { settings, print } = context;
  const deadline = systemClock.now() + patienceMs;
  const found = await untilItWorks(
    (signal) => session.cloud.identify(signal),
    systemClock,
    signals.stop,
    deadline,
  );
  const identity = adjustIdentity(settings, found);
  const routes = session.kernel.table.routesOf(prefix);
  const verdicts = judgePrefix(routes, settings.policy, identity);
  const winner = selectWinner(routes, settings.policy);
  const plans = await makePlans(context, session, signals.stop);
  const tables = await Promise.all(plans.map((parts) => tableStory(prefix, parts)));
  if (settings.output === "json") {
    const index = verdicts.findIndex((verdict) => verdict.route === winner);
    print(`${JSON.stringify(storyDocument(prefix, verdicts, index, tables))}\n`);
  } else {
    print(storyText(prefix, verdicts, winner === null ? null : describeRoute(winner), tables));
  }
  return 0;
}

function prefixOf(text: string): Prefix {
  try {
    return parsePrefix(text);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function tableStory(prefix: Prefix, parts: PlanParts): Promise<TableStory> {
  const document = planDocument(parts);
  const change = document.changes.find((candidate) => candidate.prefix === prefix.text);
  const own = parts.index.own.get(prefix.text);
  const foreign = parts.index.foreign.get(prefix.text) ?? [];
  const describe = (hops: readonly string[]): string[] => hops.map((hop) => parts.cloud.describe(hop));
  return {
    table: parts.table,
    routes: [
      ...(own === undefined ? [] : [{ nexthops: describe(own.nextHops), owner: "ours" as const }]),
      ...foreign.map((route) => ({ nexthops: describe(route.nextHops), owner: "foreign" as const })),
    ],
    change: change === undefined ? "none" : `${change.action}${change.to === null ? "" : ` to ${change.to}`}`,
    why: whyOf(prefix, parts),
    lastError: await lastErrorOf(parts.statusFile, prefix.text),
  };
}

/** Why the change is, or is not, made. */
function whyOf(prefix: Prefix, { comparison }: PlanParts): string {
  const is = (change: { readonly prefix: Prefix }): boolean => change.prefix.text === prefix.text;
  if (comparison.fitted.unfit.some(is)) return "no room in the quota";
  if (comparison.difference.conflicts.some(is)) return "a foreign route stands there (-adopt takes it over)";
  if (comparison.unresolved.includes(prefix.text)) return "the next hop is not known at the moment";
  if (comparison.decision.held.includes(prefix.text)) {
    return `the withdrawal is held: ${comparison.decision.why}`;
  }
  const change = comparison.fitted.waves.flat().find(is);
  switch (change?.why) {
    case "missing":
      return "it is wanted and not there";
    case "next-hop-changed":
      return "it points elsewhere";
    case "adopted":
      return "a foreign route is taken over";
    case "not-wanted":
      return "it is ours and not wanted any more";
    case undefined:
      return "nothing is to be done";
  }
}

function storyDocument(
  prefix: Prefix,
  verdicts: readonly Verdict[],
  winner: number,
  tables: readonly TableStory[],
): unknown {
  const exported = verdicts.some((verdict) => verdict.verdict === "exported");
  const decisive = verdicts[winner];
  return {
    prefix: prefix.text,
    routes: verdicts.map(routeDocument),
    winner: winner < 0 ? null : winner,
    verdict: verdicts.length === 0 ? "absent" : exported ? "exported" : "dropped",
    reason: decisive?.verdict === "dropped" ? decisive.reason : null,
    tables,
  };
}

function storyText(
  prefix: Prefix,
  verdicts: readonly Verdict[],
  winner: string | null,
  tables: readonly TableStory[],
): string {
  const lines = [
    prefix.text,
    verdicts.length === 0 ? "  kernel: no route for exactly this prefix" : "  kernel:",
  ];
  for (const verdict of verdicts) {
    lines.push(`    ${describeRoute(verdict.route)}`);
    lines.push(
      verdict.verdict === "exported"
        ? "      exported"
        : `      dropped, ${verdict.reason}: ${dropReasonMeanings[verdict.reason]}`,
    );
  }
  if (winner !== null && verdicts.length > 1) {
    lines.push(`  winner (lowest metric, then first listed): ${winner}`);
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
