/** Gives a state back what a dump has lost (`lost_routes.ts`), so that nothing that may still be there is taken from a cloud. */

import { prefixOf } from "../../routes/prefix.ts";
import type { KernelState } from "../table/kernel_state.ts";
import { prefixKey, type RouteSegment } from "../table/route_segment.ts";
import type { DumpedSegment, LostPrefix } from "./lost_routes.ts";

/** A route with fewer next hops cannot be what ends a dump. */
const manyLegs = 1_000;

/** What was put back into a state. */
export interface KeptPrefixes {
  /** Those that are kept until the next dump, by {@linkcode lostKey}. */
  readonly unsure: ReadonlySet<string>;
  /** What the kernel keeps back for good, as a sentence; null: nothing. */
  readonly error: Error | null;
}

/** What {@linkcode keepLostPrefixes} works with. */
export interface KeepOptions {
  /** The table that was known, as it is now: what events have taken away since is not put back. */
  readonly before: KernelState;
  readonly after: KernelState;
  readonly lost: readonly LostPrefix[];
  readonly dumped: readonly DumpedSegment[];
  /** What was kept after the dump before, see {@linkcode KeptPrefixes.unsure}. */
  readonly unsureBefore: ReadonlySet<string>;
  /** Whether no event is missing, so that both tables are of the same moment. */
  readonly isExact: boolean;
}

/** Gives lost prefixes the routes back that they had. */
export function keepLostPrefixes(options: KeepOptions): KeptPrefixes {
  const { before, after, lost, dumped, unsureBefore, isExact } = options;
  const unsure = new Set<string>();
  let error: Error | null = null;
  for (const { segment, disturbed } of dumped) {
    // What events have brought back or taken away since it was asked for proves nothing.
    const own = lost.filter((prefix) => prefix.segment === segment && isStillLost(before, prefix));
    const isProven = own.some(({ verdict }) => verdict === "there");
    const kept = own.filter((prefix) =>
      prefix.isPartly || prefix.verdict === "there" ||
      (prefix.verdict === "unknown" && (isProven || (disturbed && !unsureBefore.has(lostKey(prefix)))))
    );
    for (const prefix of kept) {
      putBack(before, after, prefix);
      if (disturbed || !isExact || prefix.isPartly || prefix.verdict === "unknown") {
        unsure.add(lostKey(prefix));
      }
    }
    const isCut = isProven && isExact && kept.some(({ endIsMissing }) => endIsMissing) &&
      (!disturbed || kept.some((prefix) => unsureBefore.has(lostKey(prefix))));
    if (isCut) error ??= cutError(before, segment, kept);
  }
  return { unsure, error };
}

function knownRoutes(before: KernelState, { segment, words, length }: LostPrefix): readonly number[] {
  return before.segment(segment.family, segment.table)?.routesOf(words, length) ?? [];
}

function isStillLost(before: KernelState, prefix: LostPrefix): boolean {
  const { segment, words, length, isPartly } = prefix;
  const count = segment.routesOf(words, length).length;
  return (isPartly ? count > 0 : count === 0) && knownRoutes(before, prefix).length > count;
}

function putBack(before: KernelState, after: KernelState, prefix: LostPrefix): void {
  const { segment, words, length } = prefix;
  const routes = knownRoutes(before, prefix).map((body) => after.copyBody(before, body));
  segment.change(words, length, segment.routesOf(words, length), routes);
}

function cutError(before: KernelState, { family, table }: RouteSegment, kept: readonly LostPrefix[]): Error {
  const legs = (prefix: LostPrefix): number =>
    Math.max(...knownRoutes(before, prefix).map((body) => before.bodies.legCount(body)));
  const large = kept.find((prefix) => legs(prefix) >= manyLegs);
  const [first] = kept;
  const name = ({ words, length }: LostPrefix): string => prefixOf(family, words, length).text;
  const why = large !== undefined
    ? `it ends at ${name(large)}, whose ${legs(large)} next hops do not fit into one message`
    : `it leaves out ${first === undefined ? "routes" : name(first)}, which is there when it is asked for`;
  return new Error(
    `Cannot read all IPv${family} routes of table ${table}: the kernel's dump is not whole (${why}); ` +
      "what is known of the rest is kept",
  );
}

function lostKey({ segment: { family, table }, words, length }: LostPrefix): string {
  return `${family} ${table} ${prefixKey(family, words, length)}`;
}
