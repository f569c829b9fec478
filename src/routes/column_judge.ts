/**
 * Judges routes in columns by the rules of `RouteJudge`, and says the same of each. Pure.
 *
 * What the kernel's choice and the legs say depends on the bodies of a prefix's routes alone, so these rules are asked once a body, or
 * once a combination of bodies. What the destination says is looked up for those that are left.
 */

import type { KernelRoute } from "../kernel/kernel_table.ts";
import { DestinationRule, leastLength, open } from "./destination_rule.ts";
import type { KernelDevices } from "./devices.ts";
import { type DropReason, outcomeOf, reasonOf, wantedOutcome } from "./drop_reason.ts";
import type { Policy, PolicyIdentity } from "./policy.ts";
import { addressBits, type Family, type Prefix, prefixOf } from "./prefix.ts";
import type { RouterBound } from "./would_loop.ts";
import { RouteJudge, type Verdict, type WantedRoute } from "./route_judge.ts";
import {
  addressWords,
  prefixAt,
  type RouteRows,
  type RouteRun,
  rowsOfPrefix,
  samePrefix,
  wordsAt,
} from "./route_rows.ts";

/** From here on the destination may be the reason; what comes before stands whatever it is. */
const firstOfDestination = outcomeOf("reserved");

/** Not found out yet. */
const unknown = 255;

/** Combinations of bodies that are remembered at a time. */
const mostContests = 16_384;

/** What is known of one family. */
interface FamilyRules {
  readonly destination: DestinationRule;
  /** Any prefix of the family: a body is no route without one. */
  readonly anyPrefix: Prefix;
  /** By body, what becomes of a route that is the only one of its prefix, the destination left aside. */
  readonly alone: Uint8Array;
  /** By body, 1 if a leg of it goes by a subnet's router. */
  readonly byRouter: Uint8Array;
  /** By bodies of a prefix, what becomes of each, the destination left aside. */
  readonly together: Map<string, Uint8Array>;
  /** What wanted routes of a body share. */
  readonly shared: Map<number, Omit<WantedRoute, "prefix">>;
}

/** A route that is not wanted. */
export interface DroppedRow {
  readonly prefix: Prefix;
  readonly reason: DropReason;
}

/** Judges the routes of one moment; see the head of this file. */
export class ColumnJudge {
  /** The readable rules, of the same moment. */
  readonly judge: RouteJudge;
  readonly #rows: RouteRows;
  readonly #rules: Readonly<Record<Family, FamilyRules>>;
  #outcomes = new Uint8Array(1024);

  /** @param kernel the devices, of the same moment as the rows. */
  constructor(policy: Policy, identity: PolicyIdentity, kernel: KernelDevices, rows: RouteRows) {
    this.judge = new RouteJudge(policy, identity, kernel);
    this.#rows = rows;
    const rulesOf = (family: Family): FamilyRules => ({
      destination: new DestinationRule(family, policy, identity),
      anyPrefix: prefixOf(family, [0, 0, 0, 0], addressBits(family)),
      alone: new Uint8Array(rows.bodyCount).fill(unknown),
      byRouter: new Uint8Array(rows.bodyCount).fill(unknown),
      together: new Map(),
      shared: new Map(),
    });
    this.#rules = { 4: rulesOf(4), 6: rulesOf(6) };
  }

  /**
   * Judges the routes of a run.
   *
   * @returns what becomes of each as a number (`drop_reason.ts`), the first row's first; valid until the next call.
   */
  outcomes(run: RouteRun): Uint8Array {
    const { start, end, bodies, lengths, family } = run;
    if (end - start > this.#outcomes.length) this.#outcomes = new Uint8Array(end - start);
    const outcomes = this.#outcomes;
    const rules = this.#rules[family];
    const { alone, destination: { byFirstByte } } = rules;
    const addresses = run.addresses, words = addressWords(family);
    // As signed numbers, which need no floating point.
    const firstWord = (row: number): number => (addresses[row * words] ?? 0) | 0;
    for (let row = start, next = firstWord(start); row < end; row++) {
      const word = next;
      next = firstWord(row + 1);
      // Mostly the first word alone tells two prefixes apart.
      if (next === word && row + 1 < end && samePrefix(run, row, row + 1)) {
        row += this.#judgeTogether(rules, run, row) - 1;
        next = firstWord(row + 1);
        continue;
      }
      const outcome = alone[bodies[row] ?? 0] ?? unknown;
      if (outcome < firstOfDestination) {
        outcomes[row - start] = outcome;
        continue;
      }
      const destined = byFirstByte[word >>> 24] ?? open;
      // Of most routes nothing more need be looked at.
      const isKnown = outcome !== unknown && destined !== open && (lengths[row] ?? 0) >= leastLength;
      outcomes[row - start] = isKnown ? Math.min(outcome, destined) : this.#judgeAlone(rules, run, row);
    }
    return outcomes;
  }

  /** The routes of a run that the cloud should have. */
  *wanted(run: RouteRun): Generator<WantedRoute> {
    const outcomes = this.outcomes(run);
    for (let row = run.start; row < run.end; row++) {
      if (outcomes[row - run.start] === wantedOutcome) yield this.wantedOf(run, row);
    }
  }

  /** The routes of a run that are not wanted. */
  *dropped(run: RouteRun): Generator<DroppedRow> {
    const outcomes = this.outcomes(run);
    for (let row = run.start; row < run.end; row++) {
      const reason = reasonOf(outcomes[row - run.start] ?? wantedOutcome);
      if (reason !== null) yield { prefix: prefixAt(run, row), reason };
    }
  }

  /**
   * What the kernel sends by a subnet's router, of a run; see `RouteJudge.routerBound`.
   *
   * @param accept prefixes without any route that it accepts are passed over.
   */
  *routerBound(run: RouteRun, accept: (protocol: number, type: number) => boolean): Generator<RouterBound> {
    const { start, end, family, bodies } = run;
    const rules = this.#rules[family];
    for (let row = start; row < end; row++) {
      if (!this.#goesByRouter(rules, bodies[row] ?? 0)) continue;
      while (row > start && samePrefix(run, row - 1, row)) row--;
      const count = rowsOfPrefix(run, row);
      const routes = Array.from(
        bodies.subarray(row, row + count),
        (body) => this.#rows.routeOf(prefixAt(run, row), body),
      );
      row += count - 1;
      if (!routes.some(({ protocol, type }) => accept(protocol, type))) continue;
      const bound = this.judge.routerBound(routes);
      if (bound !== null) yield bound;
    }
  }

  /** The route that the cloud should have for a row that is wanted. Routes of a body share their next hops. */
  wantedOf(run: RouteRun, row: number): WantedRoute {
    const rules = this.#rules[run.family];
    const body = run.bodies[row] ?? 0;
    let shared = rules.shared.get(body);
    if (shared === undefined) {
      const route = this.#rows.routeOf(rules.anyPrefix, body);
      shared = { nextHops: this.judge.wayOf(route).nextHops, metric: route.metric, protocol: route.protocol };
      rules.shared.set(body, shared);
    }
    return { prefix: prefixAt(run, row), ...shared };
  }

  /** The verdict on the route of a row, given what becomes of it. */
  verdictOf(run: RouteRun, row: number, outcome: number): Verdict {
    const route = this.#rows.routeOf(prefixAt(run, row), run.bodies[row] ?? 0);
    const reason = reasonOf(outcome);
    return reason === null
      ? { verdict: "wanted", route, wanted: this.wantedOf(run, row), legs: this.judge.legUses(route) }
      : { verdict: "dropped", route, reason };
  }

  /** A body as a route, whose prefix is any of the family. */
  routeOf(family: Family, body: number): KernelRoute {
    return this.#rows.routeOf(this.#rules[family].anyPrefix, body);
  }

  #goesByRouter(rules: FamilyRules, body: number): boolean {
    const known = rules.byRouter[body] ?? unknown;
    if (known !== unknown) return known === 1;
    const found = this.judge.goesBySubnetRouter(this.#rows.routeOf(rules.anyPrefix, body));
    rules.byRouter[body] = found ? 1 : 0;
    return found;
  }

  #judgeAlone(rules: FamilyRules, run: RouteRun, row: number): number {
    const body = run.bodies[row] ?? 0;
    let outcome = rules.alone[body] ?? unknown;
    if (outcome === unknown) {
      outcome = this.#contest(rules, [body])[0] ?? wantedOutcome;
      rules.alone[body] = outcome;
    }
    return destined(outcome, rules, run, row);
  }

  /** @returns how many routes the prefix has. */
  #judgeTogether(rules: FamilyRules, run: RouteRun, row: number): number {
    const count = rowsOfPrefix(run, row);
    const together = this.#together(rules, run.bodies.subarray(row, row + count));
    for (const [index, outcome] of together.entries()) {
      this.#outcomes[row + index - run.start] = destined(outcome, rules, run, row);
    }
    return count;
  }

  #together(rules: FamilyRules, bodies: Int32Array): Uint8Array {
    const key = bodies.join();
    const known = rules.together.get(key);
    if (known !== undefined) return known;
    if (rules.together.size >= mostContests) rules.together.clear();
    const outcomes = this.#contest(rules, bodies);
    rules.together.set(key, outcomes);
    return outcomes;
  }

  #contest({ anyPrefix }: FamilyRules, bodies: Iterable<number>): Uint8Array {
    const routes = Array.from(bodies, (body) => this.#rows.routeOf(anyPrefix, body));
    const lost = this.judge.contest(routes);
    return Uint8Array.from(
      routes,
      (route, index) => outcomeOf(lost[index] ?? this.judge.wayOf(route).reason),
    );
  }
}

/** What becomes of a route once its destination is looked at too. */
function destined(outcome: number, { destination }: FamilyRules, run: RouteRun, row: number): number {
  if (outcome < firstOfDestination) return outcome;
  return Math.min(outcome, destination.outcomeOf(wordsAt(run, row), run.lengths[row] ?? 0));
}
