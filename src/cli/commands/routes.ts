/** `routes`: each kernel route, and whether it is wanted or why not. */

import { protocolName } from "../../kernel/protocol_names.ts";
import { UsageError } from "../usage_error.ts";
import { ColumnJudge } from "../../routes/column_judge.ts";
import { hostPrefix, parseAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { type RouteRun, runsInside } from "../../routes/route_rows.ts";
import { VerdictCounts } from "../../routes/verdict_counts.ts";
import { type CommandContext, kernelIdentity, openKernel } from "../context.ts";
import { openPodNetworks, withPodNetworks } from "../pod_networks.ts";
import { AbsentDevices } from "../../sync/absent_devices.ts";
import { counted } from "../../sync/wording.ts";
import { documentText } from "../document.ts";
import { printRouteDocument, printRouteLines } from "../route_stream.ts";
import { printError } from "../standard_output.ts";
import { alignColumns } from "../text_table.ts";

/** Runs the command. @returns the exit code. */
export async function routes(context: CommandContext): Promise<number> {
  const inside = prefixesOf(context.words);
  await using kernel = await openKernel(context, { everything: true, follow: false });
  const podNetworks = openPodNetworks(context);
  await podNetworks?.readOnce();
  const table = withPodNetworks(kernel.table, podNetworks, context);
  new AbsentDevices().look(table, context.settings.policy);
  const { settings, print } = context;
  const rows = table.rows();
  const judge = new ColumnJudge(settings.policy, kernelIdentity(context, table), table, rows);
  const runs = (): Iterable<RouteRun> => inside.length === 0 ? rows.runs() : runsInside(rows.runs(), inside);
  if (settings.count) {
    const counts = new VerdictCounts(judge, rows);
    for (const run of runs()) counts.add(run);
    print(countText(counts, settings.output));
  } else if (settings.output === "json") printRouteDocument({ runs, judge, print });
  else printRouteLines({ runs, judge, print });
  if (inside.length > 0 && isEmpty(runs())) tellNothingInside(context.words);
  return 0;
}

function isEmpty(runs: Iterable<RouteRun>): boolean {
  for (const { start, end } of runs) if (end > start) return false;
  return true;
}

/** An empty table says nothing of the route that covers what was asked for. */
function tellNothingInside(words: readonly string[]): void {
  const [first = ""] = words;
  const address = first.split("/")[0] ?? first;
  printError(
    `No kernel route lies inside ${
      words.join(" or ")
    }; cloudroutesync explain ${address} tells which one covers ` +
      `it\n`,
  );
}

/** The prefixes of the command line; an address stands for itself alone. */
function prefixesOf(words: readonly string[]): readonly Prefix[] {
  try {
    return words.map((word) => word.includes("/") ? parsePrefix(word) : hostPrefix(parseAddress(word)));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function countText(counts: VerdictCounts, output: "text" | "json"): string {
  const { total } = counts;
  const protocols = [...counts.protocols()].map(([number, count]) => [protocolName(number), count] as const);
  const verdicts = [...counts.verdicts()];
  if (output === "json") {
    return documentText({
      total,
      protocols: Object.fromEntries(protocols),
      verdicts: Object.fromEntries(verdicts),
    });
  }
  const table = (named: readonly (readonly [string, number])[]): string =>
    alignColumns(named.map(([name, count]) => [name, String(count)]));
  return `${counted(total, "route")}\n\nBy protocol\n${table(protocols)}\nBy verdict\n${table(verdicts)}`;
}
