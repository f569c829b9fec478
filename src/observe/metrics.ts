/** The metrics that are read off the current state. Pure. */

import type { CloudQuota } from "../clouds/cloud.ts";
import { healthOf, type Observed } from "./health.ts";

/** One value, with what tells it from the others of its name. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric: its name, type and meaning. README's table is made of these. */
export interface MetricMeaning {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
}

/** A metric that is read off what is observed. */
export interface Metric extends MetricMeaning {
  readonly type: "gauge" | "counter";
  readonly labels: readonly string[];
  readonly samples: (observed: Observed) => readonly Sample[];
}

const none: readonly string[] = [];

/** Before a table was read its numbers say nothing. */
function known(table: Observed["tables"][number]): boolean {
  return table.known;
}

/** One gauge or counter per table. */
function perTable(
  name: string,
  type: Metric["type"],
  help: string,
  value: (table: Observed["tables"][number]) => number,
): Metric {
  return {
    name: `cloudroutesync_${name}`,
    type,
    help,
    labels: ["table"],
    samples: ({ tables }) => tables.filter(known).map((table) => [{ table: table.table }, value(table)]),
  };
}

/** One gauge or counter per kind of call of the API. */
function perAction(
  name: string,
  type: Metric["type"],
  help: string,
  value: (limiter: Observed["limiters"][number]) => number,
): Metric {
  return {
    name: `cloudroutesync_${name}`,
    type,
    help,
    labels: ["action"],
    samples: ({ limiters }) => limiters.map((limiter) => [{ action: limiter.action }, value(limiter)]),
  };
}

/** All metrics. */
export const metrics: readonly Metric[] = [
  {
    name: "cloudroutesync_build_info",
    type: "gauge",
    help: "Always 1; the labels tell version, commit and cloud.",
    labels: ["version", "commit", "cloud"],
    samples: ({ version, commit, cloud }) => [[{ version, commit, cloud }, 1]],
  },
  {
    name: "cloudroutesync_healthy",
    type: "gauge",
    help: "1 while nothing keeps a wanted route out of the cloud or its packets from passing, else 0.",
    labels: none,
    samples: (observed) => [[{}, healthOf(observed).state === "ok" ? 1 : 0]],
  },
  {
    name: "cloudroutesync_kernel_routes",
    type: "gauge",
    help: "Kernel routes that are kept in memory.",
    labels: none,
    samples: ({ kernelRoutes }) => [[{}, kernelRoutes]],
  },
  {
    name: "cloudroutesync_kernel_overruns_total",
    type: "counter",
    help: "How often the kernel sent events faster than they were read; each is followed by a new reading.",
    labels: none,
    samples: ({ kernelOverruns }) => [[{}, kernelOverruns]],
  },
  {
    name: "cloudroutesync_kernel_dumps_total",
    type: "counter",
    help: "How often the kernel's tables were read whole, by what made it necessary.",
    labels: ["cause"],
    samples: ({ kernelDumps }) =>
      Object.entries(kernelDumps).map(([cause, count]): Sample => [{ cause }, count]),
  },
  {
    name: "cloudroutesync_unexpected_errors_total",
    type: "counter",
    help: "Unexpected errors; each is in the log with its stack, and the program went on.",
    labels: none,
    samples: ({ unexpectedErrors }) => [[{}, unexpectedErrors]],
  },
  {
    name: "cloudroutesync_wanted_routes",
    type: "gauge",
    help: "Routes that the cloud should have.",
    labels: none,
    samples: ({ wanted }) => [[{}, wanted]],
  },
  {
    name: "cloudroutesync_forwarding",
    type: "gauge",
    help:
      "1 while kernel or cloud let this VM forward, 0 while they do not; absent where that cannot be seen.",
    labels: ["check"],
    samples: ({ forwarding }) =>
      forwarding.flatMap(({ name, status }): Sample[] =>
        status === "unknown" ? [] : [[{ check: name }, status === "bad" ? 0 : 1]]
      ),
  },
  {
    name: "cloudroutesync_peer",
    type: "gauge",
    help:
      "Always 1 for each other router of the group; state: alive, suspect (it does not answer -peer-probe), dead (the cloud says so) or unknown.",
    labels: ["peer", "state"],
    samples: ({ peers }) => peers.map(({ address, state }): Sample => [{ peer: address, state }, 1]),
  },
  perAction(
    "api_calls_per_second",
    "gauge",
    "Most calls of the cloud's API in a second, by kind; fewer for a while after some were refused.",
    ({ perSecond }) => perSecond,
  ),
  perAction(
    "api_full_calls_per_second",
    "gauge",
    "Most calls of the cloud's API in a second while none is refused.",
    ({ fullPerSecond }) => fullPerSecond,
  ),
  perAction("api_calls_waiting", "gauge", "Calls that wait for their turn.", ({ waiting }) => waiting),
  perAction(
    "api_calls_refused_total",
    "counter",
    "Calls that the cloud refused because the account called too often.",
    ({ refused }) => refused,
  ),
  {
    name: "cloudroutesync_api_throttled_until_timestamp_seconds",
    type: "gauge",
    help: "When such calls are made again after one was refused; absent while they are made.",
    labels: ["action"],
    samples: ({ limiters }) =>
      limiters.flatMap(({ action, throttledUntil }): Sample[] =>
        throttledUntil === null ? [] : [[{ action }, throttledUntil / 1000]]
      ),
  },
  perTable("in_step", "gauge", "1 while the table is as wanted, else 0.", (table) => Number(table.inStep)),
  {
    name: "cloudroutesync_in_step_since_timestamp_seconds",
    type: "gauge",
    help: "Since when the table is in step and nothing had to be written; absent while it is not in step.",
    labels: ["table"],
    samples: ({ tables }) =>
      tables.flatMap(({ table, inStepSince }): Sample[] =>
        inStepSince === null ? [] : [[{ table }, inStepSince / 1000]]
      ),
  },
  perTable("owned_routes", "gauge", "Routes of ours in the table.", (table) => table.owned),
  perTable("foreign_routes", "gauge", "Routes of others in the table.", (table) => table.foreign),
  perTable(
    "peer_routes",
    "gauge",
    "Routes in the table that belong to other routers of the group.",
    (table) => table.peerRoutes,
  ),
  perTable(
    "standby",
    "gauge",
    "Wanted prefixes that another router of the group has.",
    (table) => table.standby.length,
  ),
  perTable(
    "pending_changes",
    "gauge",
    "Changes that wait for a write, a retry or the withdraw delay.",
    (table) => table.pending,
  ),
  perTable("held_withdrawals", "gauge", "Withdrawals that the guard holds.", (table) => table.held),
  perTable(
    "over_quota_routes",
    "gauge",
    "Wanted routes that are over the quota.",
    (table) => table.overQuota.length,
  ),
  perTable(
    "conflicts",
    "gauge",
    "Wanted prefixes where a foreign route stands.",
    (table) => table.conflicts.length,
  ),
  perTable(
    "packet_problems",
    "gauge",
    "What keeps packets from going where the table's routes say, such as a subnet that does not use it.",
    (table) => table.problems.length,
  ),
  {
    name: "cloudroutesync_quota_used",
    type: "gauge",
    help: "Routes that count against a quota.",
    labels: ["table", "families"],
    samples: ({ tables }) =>
      tables.flatMap(({ table, quotas }) =>
        tightest(quotas).map((quota): Sample => [{ table, families: quota.families.join("+") }, quota.used])
      ),
  },
  {
    name: "cloudroutesync_quota_limit",
    type: "gauge",
    help: "The quota, where it is known.",
    labels: ["table", "families"],
    samples: ({ tables }) =>
      tables.flatMap(({ table, quotas }) =>
        tightest(quotas).flatMap((quota): Sample[] =>
          quota.limit === null ? [] : [[{ table, families: quota.families.join("+") }, quota.limit]]
        )
      ),
  },
  {
    name: "cloudroutesync_writes_total",
    type: "counter",
    help: "Changes made in the cloud.",
    labels: ["table", "action"],
    samples: ({ tables }) =>
      tables.flatMap(({ table, writes }) =>
        Object.entries(writes).map(([action, count]): Sample => [{ table, action }, count])
      ),
  },
  {
    name: "cloudroutesync_changes_total",
    type: "counter",
    help:
      "Changes made in the cloud by cause: kernel, start, drift (somebody else changed the table), adopt, peer.",
    labels: ["table", "cause"],
    samples: ({ tables }) =>
      tables.flatMap(({ table, causes }) =>
        Object.entries(causes).map(([cause, count]): Sample => [{ table, cause }, count])
      ),
  },
  {
    name: "cloudroutesync_hold_end_timestamp_seconds",
    type: "gauge",
    help: "When the first of the held withdrawals may go; absent while none is held.",
    labels: ["table"],
    samples: ({ tables }) =>
      tables.flatMap(({ table, heldUntil }): Sample[] =>
        heldUntil === null ? [] : [[{ table }, heldUntil / 1000]]
      ),
  },
  perTable(
    "drift_total",
    "counter",
    "Outside changes to its own routes, which were undone.",
    ({ causes }) => causes.drift,
  ),
  perTable("reads_total", "counter", "How often the table was read.", (table) => table.reads),
  perTable("failures_total", "counter", "Calls and changes that failed.", (table) => table.failures),
];

/** Of several quotas of the same families the one with the fewest free places: two samples of one name and labels make a scrape fail. */
function tightest(quotas: readonly CloudQuota[]): readonly CloudQuota[] {
  const free = ({ used, limit }: CloudQuota): number => limit === null ? Infinity : limit - used;
  const chosen = new Map<string, CloudQuota>();
  for (const quota of quotas) {
    const key = quota.families.join();
    const known = chosen.get(key);
    if (known === undefined || free(quota) < free(known)) chosen.set(key, quota);
  }
  return [...chosen.values()];
}
