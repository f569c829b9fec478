/** `plan`: what would change. Reads only. */

import type { CloudTable, TableState } from "../../clouds/cloud.ts";
import { judgePrefix, type Verdict } from "../../routes/policy.ts";
import { Reconciler } from "../../sync/reconciler.ts";
import { RouteFeed } from "../../sync/route_feed.ts";
import { untilItWorks } from "../../sync/patience.ts";
import { systemClock } from "../../sync/system_clock.ts";
import { CloudSession } from "../cloud_session.ts";
import { adjustIdentity, type CommandContext } from "../context.ts";
import { planDocument, planHasChanges, type PlanParts, planText } from "../plan_report.ts";
import { listenForStop } from "../signals.ts";

/** How long a one-shot command waits for a cloud that does not answer, in milliseconds. */
const patienceMs = 10_000;
/** What stands for the table of one's own before the first `apply` has made it. */
const tableToBe: CloudTable = { id: "", name: "(none yet: run or apply makes one)", ours: true };

/** Runs the command. @returns 0: nothing would change, 2: something would. */
export async function plan(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  await using session = await CloudSession.open(context, {
    everything: false,
    unfiltered: true,
    follow: false,
  });
  const plans = await makePlans(context, session, signals.stop);
  const documents = plans.map(planDocument);
  if (context.settings.output === "text") { for (const parts of plans) context.print(planText(parts)); }
  else context.print(`${JSON.stringify(documents.length === 1 ? documents[0] : documents)}\n`);
  return documents.some(planHasChanges) ? 2 : 0;
}

/** One plan a table. */
export async function makePlans(
  context: CommandContext,
  session: CloudSession,
  signal: AbortSignal,
): Promise<readonly PlanParts[]> {
  const { settings } = context;
  const { cloud, kernel, keeper } = session;
  const giveUpAt = systemClock.now() + patienceMs;
  const found = await untilItWorks((inner) => cloud.identify(inner), systemClock, signal, giveUpAt);
  const identity = adjustIdentity(settings, found);
  const feed = new RouteFeed(settings.policy);
  feed.rebuild(kernel.table, identity);
  const verdicts: Verdict[] = [];
  for (const routes of kernel.table.prefixes()) {
    verdicts.push(...judgePrefix(routes, settings.policy, identity).filter(isOfReadTable));
  }
  const located = await untilItWorks((inner) => cloud.locate(inner), systemClock, signal, giveUpAt);
  const tables = located.length === 0 ? [tableToBe] : located;
  const plans: PlanParts[] = [];
  for (const table of tables) {
    const reconciler = new Reconciler({
      cloud: table === tableToBe ? { ...reading(cloud), read: () => Promise.resolve(emptyState) } : cloud,
      table,
      owner: settings.owner,
      identity: () => identity,
      wanted: feed.wanted,
      ledger: await keeper.peek(table),
      settings: { ...settings.sync, withdrawDelayMs: 0 },
      clock: systemClock,
    });
    const comparison = await untilItWorks(
      (inner) => reconciler.preview(inner),
      systemClock,
      signal,
      giveUpAt,
    );
    const { state, index } = reconciler.table;
    plans.push({
      cloud,
      table: table.name,
      comparison,
      index,
      statusFile: keeper.statusFile(table),
      quotas: state?.quotas ?? [],
      verdicts,
    });
  }
  return plans;
}

/** Main is read in any case; where `-table` leaves it out its routes are nobody's business. */
function isOfReadTable(verdict: Verdict): boolean {
  return verdict.verdict === "exported" || verdict.reason !== "other-table";
}

const emptyState: TableState = { table: tableToBe, routes: [], quotas: [], version: null };

/** The parts of a cloud that a comparison needs, as an object of their own. */
function reading(
  cloud: CloudSession["cloud"],
): Omit<ConstructorParameters<typeof Reconciler>[0]["cloud"], "read"> {
  return {
    traits: cloud.traits,
    write: (table, changes, state, signal) => cloud.write(table, changes, state, signal),
    resolve: (gateways, signal) => cloud.resolve(gateways, signal),
    describe: (nextHop) => cloud.describe(nextHop),
  };
}
