/** A state's routes in columns, as the rules of `src/routes` read them. */

import type { Family, Prefix, Words } from "../../routes/prefix.ts";
import type { RouteRows, RouteRun } from "../../routes/route_rows.ts";
import type { KernelRoute } from "../kernel_table.ts";
import type { RouteSegment } from "./route_segment.ts";
import { prefixKey } from "./route_segment.ts";
import { type RouteContext, routeOf } from "./route_view.ts";

/** Prefixes by {@linkcode prefixKey}. */
export type PrefixSet = Map<number | string, { readonly words: Words; readonly length: number }>;

/** See the head of this file. */
export class StateRows implements RouteRows {
  readonly #segments: readonly RouteSegment[];
  readonly #context: RouteContext;

  constructor(segments: readonly RouteSegment[], context: RouteContext) {
    this.#segments = segments;
    this.#context = context;
  }

  get bodyCount(): number {
    return this.#context.bodies.count;
  }

  *runs(without: readonly Prefix[] = []): Generator<RouteRun> {
    for (const family of [4, 6] as const) {
      const segments = this.#segments.filter((segment) => segment.family === family && segment.size > 0);
      const leftOut = setOf(family, without);
      const apart = new Map([...sharedPrefixes(segments), ...leftOut]);
      for (const segment of segments) {
        yield* segment.runs(apart, (words, length) => {
          if (leftOut.has(prefixKey(family, words, length))) return [];
          const all = segments.map((each) => each.routesOf(words, length));
          // It comes once, where the first of its tables has it.
          return segments[all.findIndex((routes) => routes.length > 0)] === segment ? all.flat() : [];
        });
      }
    }
  }

  routeOf(prefix: Prefix, body: number): KernelRoute {
    return routeOf(this.#context, prefix, body);
  }

  bodiesOf({ family, words, length }: Prefix): readonly number[] {
    return this.#segments.flatMap((segment) =>
      segment.family === family ? segment.routesOf(words, length) : []
    );
  }
}

function setOf(family: Family, prefixes: readonly Prefix[]): PrefixSet {
  return new Map(
    prefixes.filter((prefix) => prefix.family === family)
      .map(({ words, length }) => [prefixKey(family, words, length), { words, length }]),
  );
}

/** The prefixes that several of one family's tables have; of the largest none need be looked at. */
function sharedPrefixes(segments: readonly RouteSegment[]): PrefixSet {
  const shared: PrefixSet = new Map();
  const largest = segments.reduce<RouteSegment | null>(
    (found, segment) => found === null || segment.size > found.size ? segment : found,
    null,
  );
  for (const segment of segments) {
    if (segment === largest) continue;
    for (const { words, length } of segment.prefixes()) {
      const isShared = segments.some((other) =>
        other !== segment && other.routesOf(words, length).length > 0
      );
      if (isShared) shared.set(prefixKey(segment.family, words, length), { words, length });
    }
  }
  return shared;
}
