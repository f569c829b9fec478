/** What a random walk does, all of it drawn from its seed. */

import { CommandGenerator } from "./command_generator.ts";
import { Random } from "./random.ts";

/** Commands that run together. */
export interface Burst {
  readonly lines: readonly string[];
  /**
   * While a dump is read: after how many thousandths of its datagrams. Null: at a quiet moment. The walk waits until all is quiet
   * before a burst that has null, and before one that comes earlier in the dump than the burst before it.
   */
  readonly at: number | null;
  /** Whether the walk waits before it for dumps that are still to come, which would hide what is wrong. */
  readonly calm: boolean;
}

/** `rtm_protocol` of the routes of the table that stands beside. */
export const bigProtocol = 250;

/** Settings of the namespace, by their path below `/proc/sys/net`. */
export type Sysctls = Readonly<Record<string, number>>;

/** A walk. */
export interface WalkPlan {
  readonly seed: number;
  /** How many routes stand beside, so that dumps are long. */
  readonly beside: number;
  readonly sysctls: Sysctls;
  readonly bursts: readonly Burst[];
}

/** Beside so many more comes together. */
const mostBeside = 15_000;

/** How many routes stand beside in the walk of a seed. */
export function routesBeside(seed: number): number {
  return seed % 2 === 0 ? 0 : seed % 20 === 1 ? mostBeside : 1_000;
}

/**
 * The walk of a seed, of so many commands. Odd seeds are during dumps of a hundred datagrams, one of twenty of many hundreds, where
 * more comes together.
 */
export function walkPlan(seed: number, steps: number): WalkPlan {
  const random = new Random(seed);
  const generator = new CommandGenerator(random);
  const beside = routesBeside(seed);
  const sysctls = {
    "ipv4/nexthop_compat_mode": random.chance(25) ? 0 : 1,
    "ipv4/conf/all/ignore_routes_with_linkdown": random.chance(30) ? 1 : 0,
    "ipv6/conf/all/ignore_routes_with_linkdown": random.chance(30) ? 1 : 0,
    "ipv4/conf/all/promote_secondaries": random.chance(50) ? 1 : 0,
  };
  const bursts: Burst[] = [];
  for (let left = steps; left > 0;) {
    const count = Math.min(left, beside === mostBeside ? random.between(10, 30) : random.between(1, 6));
    left -= count;
    const lines = Array.from({ length: count }, () => generator.next());
    bursts.push(...(beside > 0 ? duringDump(random, lines) : [{ lines, at: null, calm: random.chance(40) }]));
  }
  return { seed, beside, sysctls, bursts };
}

/** Spreads commands over one to four moments of a dump. */
function duringDump(random: Random, lines: readonly string[]): Burst[] {
  const moments = Array.from({ length: random.between(1, 4) }, () => random.between(0, 1000)).sort((
    left,
    right,
  ) => left - right);
  const size = Math.ceil(lines.length / moments.length);
  return moments.map((at, index) => ({
    at,
    lines: lines.slice(index * size, (index + 1) * size),
    calm: false,
  }))
    .filter((burst) => burst.lines.length > 0);
}
