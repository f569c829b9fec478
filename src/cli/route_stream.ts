/**
 * Prints kernel routes and their verdicts as they are judged. A million lines are never in memory together, and what they have in common
 * but for their prefixes is made once.
 */

import type { ColumnJudge } from "../routes/column_judge.ts";
import type { Verdict } from "../routes/route_judge.ts";
import { prefixAt, type RouteRun } from "../routes/route_rows.ts";
import { documentHead } from "./document.ts";
import { routeCells, routeDocument, routeHeading } from "./route_report.ts";
import { alignRow, widen } from "./text_table.ts";

/** Routes that are printed at a time. */
const printedRows = 1024;

/** What is printed, and where to. */
export interface RouteStream {
  /** The routes; called once for each time that they are gone through. */
  readonly runs: () => Iterable<RouteRun>;
  readonly judge: ColumnJudge;
  readonly print: (text: string) => void;
}

/** Prints the document of `routes -output json`. */
export function printRouteDocument(stream: RouteStream): void {
  const tails = new Shared((verdict) =>
    JSON.stringify(routeDocument(verdict)).slice(prefixMember(verdict).length)
  );
  let between = "";
  stream.print(`${documentHead()},"routes":[`);
  printEach(stream, (run, row, outcome) => {
    const text = `${between}{"prefix":"${prefixAt(run, row).text}"${
      tails.of(stream.judge, run, row, outcome)
    }`;
    between = ",";
    return text;
  });
  stream.print("]}\n");
}

/** What a route's document begins with. */
function prefixMember({ route }: Verdict): string {
  return `{"prefix":"${route.prefix.text}"`;
}

/** Prints the routes as aligned lines under a heading: the widths of the columns are found first. */
export function printRouteLines(stream: RouteStream): void {
  const { judge, runs, print } = stream;
  const widths: number[] = [];
  widen(widths, routeHeading);
  const cells = new Shared((verdict) => {
    const [first = "", ...rest] = routeCells(verdict);
    widen(widths, ["", ...rest]);
    // What stands behind the prefix in its cell.
    return { tail: first.slice(verdict.route.prefix.text.length), rest };
  });
  for (const run of runs()) {
    const outcomes = judge.outcomes(run);
    for (let row = run.start; row < run.end; row++) {
      const { tail } = cells.of(judge, run, row, outcomes[row - run.start] ?? 0);
      widths[0] = Math.max(widths[0] ?? 0, prefixAt(run, row).text.length + tail.length);
    }
  }
  const lines = new Shared((verdict) => {
    const [first = "", ...rest] = routeCells(verdict);
    const tail = first.slice(verdict.route.prefix.text.length);
    return { tail, rest: alignRow(widths.slice(1), rest) };
  });
  print(alignRow(widths, routeHeading));
  printEach(stream, (run, row, outcome) => {
    const { tail, rest } = lines.of(judge, run, row, outcome);
    return `${`${prefixAt(run, row).text}${tail}`.padEnd(widths[0] ?? 0)}  ${rest}`;
  });
}

function printEach(
  { runs, judge, print }: RouteStream,
  textOf: (run: RouteRun, row: number, outcome: number) => string,
): void {
  let text = "", rows = 0;
  for (const run of runs()) {
    const outcomes = judge.outcomes(run);
    for (let row = run.start; row < run.end; row++) {
      text += textOf(run, row, outcomes[row - run.start] ?? 0);
      if (++rows % printedRows !== 0) continue;
      print(text);
      text = "";
    }
  }
  if (text !== "") print(text);
}

/** What all routes of a body that come to the same outcome share. */
class Shared<Value> {
  readonly #make: (verdict: Verdict) => Value;
  readonly #known = new Map<number, Value>();

  constructor(make: (verdict: Verdict) => Value) {
    this.#make = make;
  }

  of(judge: ColumnJudge, run: RouteRun, row: number, outcome: number): Value {
    const key = ((run.bodies[row] ?? 0) * 2 + (run.family === 4 ? 0 : 1)) * 256 + outcome;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.#make(judge.verdictOf(run, row, outcome));
    this.#known.set(key, made);
    return made;
  }
}
