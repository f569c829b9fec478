import assert from "node:assert/strict";
import { printRouteDocument, printRouteLines, type RouteStream } from "../../../src/cli/route_stream.ts";
import { routeCells, routeDocument } from "../../../src/cli/route_report.ts";
import { alignColumns } from "../../../src/cli/text_table.ts";
import { ColumnJudge } from "../../../src/routes/column_judge.ts";
import { RouteJudge } from "../../../src/routes/route_judge.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallKernel, smallVm } from "../../fakes/policies.ts";

const policy = { ...defaultPolicy, ipv6: true };
/** More routes than are printed at a time; some alike but for their prefix, some of one prefix. */
const table = smallKernel([
  kernelRoute("198.51.100.0/24", { via: "10.0.0.9" }),
  kernelRoute("198.51.100.0/24", { via: "10.0.0.10", metric: 30 }),
  kernelRoute("10.0.7.0/24", { via: "10.0.0.9" }),
  kernelRoute("203.0.113.128/25", { type: 6 }),
  kernelRoute("2001:db8:1::/48", { via: "2001:db8:a::9" }),
  kernelRoute("2001:db8:2:3::/64", { via: "2001:db8:a::9", from: "2001:db8:ffff::/48" }),
  ...Array.from(
    { length: 2000 },
    (_, index) => kernelRoute(`100.64.${index >> 8}.${index & 255}/32`, { via: "10.0.0.9" }),
  ),
]);
const judge = new RouteJudge(policy, smallVm, table);
const verdicts = Array.from(table.prefixes()).flatMap((routes) => judge.verdicts(routes));

function printed(print: (stream: RouteStream) => void): readonly string[] {
  const rows = table.rows();
  const texts: string[] = [];
  const columns = new ColumnJudge(policy, smallVm, table, rows);
  print({ runs: () => rows.runs(), judge: columns, print: (text) => texts.push(text) });
  return texts;
}

Deno.test("printRouteDocument() prints, piece by piece, the document of all verdicts", () => {
  const texts = printed(printRouteDocument);
  assert.ok(texts.length > 3);
  assert.equal(texts.join(""), `${JSON.stringify({ format: 2, routes: verdicts.map(routeDocument) })}\n`);
});

Deno.test("printRouteLines() prints, piece by piece, aligned lines of all verdicts", () => {
  const texts = printed(printRouteLines);
  assert.ok(texts.length > 2);
  const heading = ["PREFIX", "PROTOCOL", "TABLE", "METRIC", "NEXT HOPS", "VERDICT"];
  assert.equal(texts.join(""), alignColumns([heading, ...verdicts.map(routeCells)]));
});
