/**
 * Every flag: its name, default and meaning. The help text, the environment variables, the configuration file and the table in
 * README.md all come from here.
 */

/** How a flag is written. */
export type FlagKind =
  /** `-event`, or `-event=false` as Go's flag package takes it. */
  | "boolean"
  /** `-cloud aws`, the last one counts. */
  | "value"
  /** `-table 100 -table main`, or `-table 100,main`. */
  | "list";

/** One flag. */
export interface Flag {
  readonly name: string;
  readonly kind: FlagKind;
  /** What the value is, for the help text: `NAME`. */
  readonly value: string;
  /** As the user would write it; "" for none. */
  readonly default: string;
  readonly meaning: string;
  /** The heading under which help and README show it. */
  readonly group: "As the original's" | "Routes" | "Table" | "Safety" | "Output" | "Clouds" | "Commands";
}

type Row = readonly [name: string, kind: FlagKind, value: string, fallback: string, meaning: string];

const groups: Readonly<Record<Flag["group"], readonly Row[]>> = {
  "As the original's": [
    [
      "cloud",
      "value",
      "NAME",
      "",
      "azure, aws, gcp, openstack or local; without it the VM's DMI strings decide",
    ],
    ["event", "boolean", "", "false", "follow the kernel's events instead of polling"],
    ["netlink", "value", "TIME", "10", "how often the kernel's table is read anew (0: never, with -event)"],
    ["sync", "value", "TIME", "10", "how often the cloud is compared in periodic mode"],
    ["cleanup", "boolean", "", "false", "the same as the command cleanup"],
    ["debug", "boolean", "", "false", "log more"],
  ],
  Routes: [
    [
      "protocol",
      "list",
      "NAME",
      "",
      "export these protocols only (names or numbers), instead of all but redirect, kernel, ra, dhcp",
    ],
    ["table", "list", "TABLE", "main", "kernel tables to read, the preferred first"],
    [
      "exclude",
      "list",
      "RANGE",
      "",
      "prefixes not to export; of -include and -exclude the first that matches decides",
    ],
    [
      "include",
      "list",
      "RANGE",
      "",
      'prefixes to export, as "10.0.0.0/8 ge 16 le 24" or "10.0.0.0/8+"; with any, nothing else is',
    ],
    ["interface", "list", "DEVICE", "", "export routes out of this device though they have no gateway"],
    ["blackhole", "boolean", "", "false", "export blackhole routes too, with this VM as next hop"],
    ["ipv6", "boolean", "", "false", "export IPv6 routes too"],
    ["allow-default", "boolean", "", "false", "export default routes too"],
    ["allow-local", "boolean", "", "false", "export prefixes inside the VM's own network too"],
    [
      "self",
      "list",
      "ADDRESS/LEN",
      "",
      "this VM's address and subnet, one a family, instead of what metadata or kernel say",
    ],
  ],
  Table: [
    ["route-table", "list", "ID", "", "keep these existing tables in step instead of one of its own"],
    [
      "owner",
      "value",
      "NAME",
      "cloudroutesync",
      "whose routes are ours; instances of different owners never touch each other's",
    ],
    ["adopt", "boolean", "", "false", "take over foreign routes that stand where a wanted prefix should be"],
    ["state", "value", "DIR", "$STATE_DIRECTORY, else /var/lib/cloudroutesync", "folder of the ledger"],
    ["no-associate", "boolean", "", "false", "fail rather than change which table the subnet uses"],
  ],
  Safety: [
    [
      "max-withdraw",
      "value",
      "PERCENT",
      "30",
      "hold withdrawals that are more than this part of the owned routes, and 10 at least",
    ],
    ["hold", "value", "TIME", "120s", "how long such withdrawals are held"],
    [
      "withdraw-delay",
      "value",
      "TIME",
      "250ms",
      "how long the kernel must be quiet before a withdrawal (waits four times this at most)",
    ],
    ["coalesce", "value", "TIME", "10ms", "how long the first of several changes waits for the others"],
    [
      "audit",
      "value",
      "TIME",
      "300s",
      "how often the cloud is compared in event mode though nothing happened",
    ],
    ["withdraw-on-exit", "boolean", "", "false", "remove its own routes when told to stop"],
  ],
  Output: [
    ["output", "value", "FORMAT", "text", "text or json, of plan, apply, routes, explain and doctor"],
    ["log-format", "value", "FORMAT", "text", "text or json, of the log on standard error"],
    ["listen", "value", "ADDRESS:PORT", "", "serve /metrics, /healthz, /readyz and /status there"],
    ["config", "value", "FILE", "", 'JSON file of flags: {"cloud": "aws", "include": ["10.0.0.0/8+"]}'],
  ],
  Clouds: [
    ["local-file", "value", "FILE", "./cloudroutesync.local.json", "local: the file that plays the cloud"],
    ["local-latency", "value", "TIME", "0", "local: how long a call takes"],
    ["local-faults", "value", "SHARE", "0", "local: share of calls that fail, 0 to 1"],
    ["no-ecmp", "boolean", "", "false", "write one next hop a route even where the cloud takes several"],
    ["router", "value", "ID", "", "openstack: the router, by id or name"],
    ["os-cloud", "value", "NAME", "", "openstack: entry of clouds.yaml"],
    ["priority", "value", "NUMBER", "1000", "gcp: priority of the routes, 0 to 65535, lower wins"],
    ["instance-tag", "list", "TAG", "", "gcp: limit the routes to instances with this network tag"],
    ["next-hop-ilb", "value", "RULE", "", "gcp: forwarding rule to point at instead of this VM"],
    ["azure-endpoint", "value", "URL", "", "azure: address of the Resource Manager"],
    ["gcp-endpoint", "value", "URL", "", "gcp: address of the Compute API"],
    ["imds-endpoint", "value", "URL", "", "azure, gcp, openstack: address of the metadata service"],
  ],
  Commands: [
    [
      "count",
      "boolean",
      "",
      "false",
      "routes: print totals by protocol and by verdict instead of the routes",
    ],
    ["fix", "boolean", "", "false", "doctor: mend what it may"],
    ["policy", "boolean", "", "false", "doctor: print the least-privilege policy for the cloud and stop"],
  ],
};

/** All flags, in the order of help and README. */
export const flags: readonly Flag[] = (Object.entries(groups) as [Flag["group"], readonly Row[]][]).flatMap(
  ([group, rows]) =>
    rows.map(([name, kind, value, fallback, meaning]) => ({
      name,
      kind,
      value,
      default: fallback,
      meaning,
      group,
    })),
);

/** The environment variable of a flag: `CLOUDROUTESYNC_LOCAL_FILE`. */
export function environmentVariable(name: string): string {
  return `CLOUDROUTESYNC_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** The flags as rows of a Markdown table, for README.md. */
export function flagsTable(): string {
  const rows = flags.map((flag) => {
    const usage = flag.kind === "boolean" ? `-${flag.name}` : `-${flag.name} ${flag.value}`;
    const fallback = flag.default === "" || flag.kind === "boolean" ? "" : `\`${flag.default}\``;
    const meaning = flag.meaning.replaceAll("|", "\\|") + (flag.kind === "list" ? " (repeatable)" : "");
    return `| \`${usage}\` | ${fallback} | ${meaning} |`;
  });
  return ["| Flag | Default | Meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
