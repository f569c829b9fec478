/** `routes`: each kernel route, and whether it is exported or why not. */

import { protocolName } from "../../kernel/protocol_names.ts";
import { judgePrefix, type Verdict } from "../../routes/policy.ts";
import { type CommandContext, kernelIdentity, openKernel } from "../context.ts";
import { counted } from "../counted.ts";
import { routeDocument, routesText } from "../route_report.ts";
import { alignColumns } from "../text_table.ts";

/** Runs the command. @returns the exit code. */
export async function routes(context: CommandContext): Promise<number> {
  await using kernel = await openKernel(context, { everything: true, follow: false });
  const identity = kernelIdentity(context, kernel.table);
  const { settings, print } = context;
  const verdicts = function* (): Generator<Verdict> {
    for (const group of kernel.table.prefixes()) yield* judgePrefix(group, settings.policy, identity);
  };
  if (settings.count) print(countText(verdicts(), settings.output));
  else if (settings.output === "json") {
    print(`${JSON.stringify({ routes: [...verdicts()].map(routeDocument) })}\n`);
  } else print(routesText([...verdicts()]));
  return 0;
}

function countText(verdicts: Iterable<Verdict>, output: "text" | "json"): string {
  const protocols: Record<string, number> = {};
  const outcomes: Record<string, number> = {};
  let total = 0;
  for (const verdict of verdicts) {
    total++;
    const protocol = protocolName(verdict.route.protocol);
    const outcome = verdict.verdict === "exported" ? "exported" : verdict.reason;
    protocols[protocol] = (protocols[protocol] ?? 0) + 1;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  if (output === "json") return `${JSON.stringify({ total, protocols, verdicts: outcomes })}\n`;
  const rows = (counts: Record<string, number>): string[][] =>
    Object.entries(counts).sort(([, left], [, right]) => right - left).map((
      [name, count],
    ) => [name, String(count)]);
  return `${counted(total, "route")}\n\nBy protocol\n${alignColumns(rows(protocols))}\nBy verdict\n${
    alignColumns(rows(outcomes))
  }`;
}
