/**
 * Every flag: its name, default and meaning. The help text, the environment variables, the configuration file and the table in
 * README.md all come from here.
 */

import { cloudFlags, cloudNames } from "../clouds/registry.ts";
import type { CommandName } from "./command_names.ts";

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
  readonly group:
    | "From the original"
    | "Routes"
    | "Table"
    | "Router group"
    | "Safety"
    | "Output"
    | "Clouds"
    | "Commands";
}

type Row = readonly [name: string, kind: FlagKind, value: string, fallback: string, meaning: string];

const groups: Readonly<Record<Flag["group"], readonly Row[]>> = {
  "From the original": [
    [
      "cloud",
      "value",
      "NAME",
      "",
      // Intl.ListFormat would do, but to load its data takes every start 20 ms.
      `${cloudNames.slice(0, -1).join(", ")} or ${cloudNames.at(-1)}; without it the VM's DMI strings decide`,
    ],
    ["event", "boolean", "", "false", "follow the kernel's events instead of polling"],
    [
      "netlink",
      "value",
      "TIME",
      "10",
      "interval between full re-reads of the kernel table (0: none, with -event)",
    ],
    ["sync", "value", "TIME", "10", "interval between comparisons with the cloud in periodic mode"],
    ["cleanup", "boolean", "", "false", "the same as the command cleanup"],
    [
      "debug",
      "boolean",
      "",
      "false",
      "log each API call with its duration, each change of the kernel and each back-off",
    ],
  ],
  Routes: [
    [
      "protocol",
      "list",
      "NAME",
      "",
      "export these protocols only (names or numbers), instead of all but redirect, kernel, ra, dhcp",
    ],
    ["table", "list", "TABLE", "main", "kernel tables to read, in order of preference"],
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
      'prefixes to export, as "10.0.0.0/8 ge 16 le 24" or "10.0.0.0/8+"; with any -include, nothing else',
    ],
    [
      "interface",
      "list",
      "DEVICE",
      "",
      "export routes out of this device (any of its names) even if they have no gateway",
    ],
    ["blackhole", "boolean", "", "false", "export blackhole routes too, with this VM as next hop"],
    [
      "pod-cidr",
      "list",
      "NETWORK",
      "",
      "Kubernetes: export this network of the node's pods even before the kernel has a route for it; auto: the one that the API server names",
    ],
    ["node", "value", "NAME", "", "Kubernetes: this node's name, for -pod-cidr auto"],
    ["ipv6", "boolean", "", "false", "export IPv6 routes too"],
    ["allow-default", "boolean", "", "false", "export default routes too"],
    ["allow-local", "boolean", "", "false", "export prefixes inside the VM's own network too"],
    [
      "self",
      "list",
      "ADDRESS/LEN",
      "",
      "this VM's address and subnet, one per family, instead of what metadata or kernel say; picks the interface too",
    ],
  ],
  Table: [
    [
      "route-table",
      "list",
      "ID",
      "",
      "keep these existing tables in step instead of a table of its own; tag:KEY=VALUE: all tables that have this tag now or later",
    ],
    [
      "owner",
      "value",
      "NAME",
      "cloudroutesync",
      "owner of this instance's routes; instances of different owners never touch each other's routes; NAME@node: one owner per node (-node)",
    ],
    ["adopt", "boolean", "", "false", "take over foreign routes at wanted prefixes"],
    [
      "state",
      "value",
      "DIR",
      "$STATE_DIRECTORY, else /var/lib/cloudroutesync",
      "folder of ledger, lock, settings and socket",
    ],
    ["no-associate", "boolean", "", "false", "fail rather than change which table the subnet uses"],
  ],
  "Router group": [
    [
      "peer",
      "list",
      "ADDRESS[@RANK]",
      "",
      "another router of this owner that shares the table; routes to it are left to it while it is alive",
    ],
    [
      "rank",
      "value",
      "NUMBER",
      "",
      "this router's rank in the group: the lower number wins; without ranks the lower address wins",
    ],
    [
      "active-address",
      "value",
      "ADDRESS",
      "",
      "change routes only while an interface of this VM has this address (keepalived, VRRP)",
    ],
    [
      "peer-probe",
      "value",
      "tcp:PORT|icmp",
      "",
      "probe the other routers every second; when one does not answer, ask the cloud whether it is dead",
    ],
  ],
  Safety: [
    [
      "max-withdraw",
      "value",
      "PERCENT",
      "30",
      "hold withdrawals of more than this percentage of the owned routes, and of at least 10",
    ],
    ["hold", "value", "TIME", "120s", "how long such withdrawals are held"],
    [
      "withdraw-delay",
      "value",
      "TIME",
      "250ms",
      "how long the kernel must be quiet before a withdrawal (it waits four times this at most)",
    ],
    ["coalesce", "value", "TIME", "10ms", "how long the first of several changes waits for the others"],
    [
      "audit",
      "value",
      "TIME",
      "300s",
      "interval between comparisons with the cloud in event mode when nothing changes",
    ],
    ["withdraw-on-exit", "boolean", "", "false", "remove its own routes when the program is stopped"],
  ],
  Output: [
    ["output", "value", "FORMAT", "text", "text or json, of plan, apply, routes, explain, doctor and status"],
    ["log-format", "value", "FORMAT", "text", "text or json, of the log on standard error"],
    [
      "listen",
      "value",
      "ADDRESS:PORT",
      "",
      "serve the status page, /status, /metrics, /healthz and /readyz there",
    ],
    [
      "listen-token-file",
      "value",
      "FILE",
      "",
      "file with the token that the status page and /status require; without it they are served on a loopback address only",
    ],
    [
      "listen-host",
      "list",
      "NAME",
      "",
      "a name by which browsers may open the status page, besides localhost, addresses and the host of -listen",
    ],
    ["config", "value", "FILE", "", 'JSON file of flags: {"cloud": "aws", "include": ["10.0.0.0/8+"]}'],
  ],
  Clouds: [
    ["no-ecmp", "boolean", "", "false", "write one next hop per route even where the cloud takes several"],
    ...cloudFlags.map(({ clouds, name, kind, value, default: fallback, meaning }): Row => [
      name,
      kind,
      value,
      fallback,
      `${clouds.join(", ")}: ${meaning}`,
    ]),
  ],
  Commands: [
    [
      "count",
      "boolean",
      "",
      "false",
      "routes: print totals by protocol and by verdict instead of the routes",
    ],
    [
      "dropped",
      "boolean",
      "",
      "false",
      "plan: list each kernel route that is not wanted and the reason, not only their number",
    ],
    ["watch", "boolean", "", "false", "status: print it every second until it is stopped"],
    ["fix", "boolean", "", "false", "doctor: fix what can be fixed safely"],
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

/** Flags that only some commands take; all others belong to the service, and every command that looks at it takes them. */
const commandsOfFlags: Readonly<Record<string, readonly CommandName[]>> = {
  output: ["plan", "apply", "routes", "explain", "doctor", "status"],
  watch: ["status"],
  count: ["routes"],
  dropped: ["plan"],
  fix: ["doctor"],
  policy: ["doctor"],
  "withdraw-on-exit": ["run"],
};

/** The commands that alone take a flag; null: it belongs to the service. */
export function commandsOfFlag(name: string): readonly CommandName[] | null {
  return commandsOfFlags[name] ?? null;
}

/** The environment variable of a flag: `CLOUDROUTESYNC_LOCAL_FILE`. */
export function environmentVariable(name: string): string {
  return `CLOUDROUTESYNC_${name.toUpperCase().replaceAll("-", "_")}`;
}
