/** Prometheus' text format (exposition format 0.0.4). Pure. */

import type { CloudQuota } from "../clouds/cloud.ts";
import { healthOf, type Observed } from "./health.ts";

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric: its name, type and meaning. README's table is made of this list. */
export interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: (observed: Observed) => readonly Sample[];
}

/** One gauge or counter a table. */
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
    samples: ({ tables }) => tables.map((table) => [{ table: table.table }, value(table)]),
  };
}

/** All metrics. */
export const metrics: readonly Metric[] = [
  {
    name: "cloudroutesync_info",
    type: "gauge",
    help: "Always 1; the labels tell version and cloud.",
    samples: ({ version, cloud }) => [[{ version, cloud }, 1]],
  },
  {
    name: "cloudroutesync_healthy",
    type: "gauge",
    help: "1 while nothing keeps a wanted route out of the cloud, else 0.",
    samples: (observed) => [[{}, healthOf(observed).state === "ok" ? 1 : 0]],
  },
  {
    name: "cloudroutesync_kernel_routes",
    type: "gauge",
    help: "Kernel routes that are kept in memory.",
    samples: ({ kernelRoutes }) => [[{}, kernelRoutes]],
  },
  {
    name: "cloudroutesync_kernel_overruns_total",
    type: "counter",
    help: "How often the kernel sent events faster than they were read; each is followed by a new reading.",
    samples: ({ kernelOverruns }) => [[{}, kernelOverruns]],
  },
  {
    name: "cloudroutesync_wanted_routes",
    type: "gauge",
    help: "Routes that the cloud should have.",
    samples: ({ wanted }) => [[{}, wanted]],
  },
  perTable("in_step", "gauge", "1 while the table is as wanted, else 0.", (table) => Number(table.inStep)),
  perTable("owned_routes", "gauge", "Routes of ours in the table.", (table) => table.owned),
  perTable("foreign_routes", "gauge", "Routes of others in the table.", (table) => table.foreign),
  perTable(
    "pending_changes",
    "gauge",
    "Changes that wait for a write, a retry or the withdraw delay.",
    (table) => table.pending,
  ),
  perTable("held_withdrawals", "gauge", "Withdrawals that the guard holds.", (table) => table.held),
  perTable(
    "unfit_routes",
    "gauge",
    "Wanted routes for which no quota has room.",
    (table) => table.unfit.length,
  ),
  perTable(
    "conflicts",
    "gauge",
    "Wanted prefixes where a foreign route stands.",
    (table) => table.conflicts.length,
  ),
  {
    name: "cloudroutesync_quota_used",
    type: "gauge",
    help: "Routes that count against a quota.",
    samples: ({ tables }) =>
      tables.flatMap(({ table, quotas }) =>
        tightest(quotas).map((quota): Sample => [{ table, families: quota.families.join("+") }, quota.used])
      ),
  },
  {
    name: "cloudroutesync_quota_limit",
    type: "gauge",
    help: "The quota, where it is known.",
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
    samples: ({ tables }) =>
      tables.flatMap(({ table, writes }) =>
        Object.entries(writes).map(([action, count]): Sample => [{ table, action }, count])
      ),
  },
  perTable("reads_total", "counter", "How often the table was read.", (table) => table.reads),
  perTable("failures_total", "counter", "Calls and changes that failed.", (table) => table.failures),
];

/** The page. */
export function metricsText(observed: Observed): string {
  return metrics.map(({ name, type, help, samples }) =>
    [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples(observed).map((sample) => line(name, sample)),
    ]
      .join("\n")
  ).join("\n") + "\n";
}

function line(name: string, [labels, value]: Sample): string {
  const inner = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`).join(",");
  return inner === "" ? `${name} ${value}` : `${name}{${inner}} ${value}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Of several quotas of the same families the one with the least room: two samples of one name and labels make a scrape fail. */
function tightest(quotas: readonly CloudQuota[]): readonly CloudQuota[] {
  const room = ({ used, limit }: CloudQuota): number => limit === null ? Infinity : limit - used;
  const chosen = new Map<string, CloudQuota>();
  for (const quota of quotas) {
    const key = quota.families.join();
    const known = chosen.get(key);
    if (known === undefined || room(quota) < room(known)) chosen.set(key, quota);
  }
  return [...chosen.values()];
}
