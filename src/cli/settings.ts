/** Turns raw flag values into settings, and reports everything that is wrong with them at once. */

import type { CloudOptions } from "../clouds/cloud_options.ts";
import { wholeNumber } from "../clouds/kit/flag_texts.ts";
import { parseRouteTable } from "../clouds/kit/table_tag.ts";
import { type CloudName, cloudNames, cloudsOfFlag, readCloudFlags } from "../clouds/registry.ts";
import { protocolNumber, tableNumber } from "../kernel/protocol_names.ts";
import type { OwnAddress } from "../routes/own_address.ts";
import type { Policy } from "../routes/policy.ts";
import { nodeDevice, nodeProtocol } from "../kubernetes/node_table.ts";
import { parseAddress, parsePrefix, type Prefix } from "../routes/prefix.ts";
import { type FilterRule, parsePrefixRange } from "../routes/prefix_filter.ts";
import type { SyncSettings } from "../sync/table_round.ts";
import type { CommandLine, GivenValue } from "./command_line.ts";
import { parsePeer, parseRank, rankFaults } from "./group_settings.ts";
import { type ListenAddress, listenFaults, parseHostName, parseListenAddress } from "./listen_address.ts";
import { parsePeerProbe, type PeerProbeSettings } from "./peer_probe.ts";
import { isSharedOwner, ownerName } from "./owner_name.ts";
import { parseSelf } from "./self_address.ts";
import { ValueReader } from "./value_reader.ts";

/** The program's settings, checked. Durations are milliseconds. */
export interface Settings
  extends Omit<CloudOptions, "families" | "ownAddress" | "environment" | "transport"> {
  /** Null: the VM's DMI strings decide. */
  readonly cloud: CloudName | null;
  readonly event: boolean;
  readonly debug: boolean;
  /** 0: never. */
  readonly redumpMs: number;
  readonly policy: Policy;
  readonly self: readonly OwnAddress[];
  readonly podNetworks: PodNetworkSettings;
  readonly sync: SyncSettings;
  /** `-peer-probe`; null: the other routers of the group are not probed. */
  readonly peerProbe: PeerProbeSettings | null;
  /** Null: `$STATE_DIRECTORY`, else /var/lib/cloudroutesync. */
  readonly stateFolder: string | null;
  readonly withdrawOnExit: boolean;
  /** The embedded cloud's file, beside which its lock, ledger and socket lie. */
  readonly localFile: string;
  /** What the clouds' own flags become, for the cloud that is opened. */
  readonly cloudFlags: Readonly<Record<string, unknown>>;
  readonly output: "text" | "json";
  readonly logFormat: "text" | "json";
  readonly listen: ListenAddress | null;
  /** Null: no token is asked for. */
  readonly listenTokenFile: string | null;
  /** Names by which browsers may ask for the page. */
  readonly listenHosts: readonly string[];
  readonly count: boolean;
  readonly listDropped: boolean;
  readonly watch: boolean;
  readonly fix: boolean;
  readonly printPolicy: boolean;
}

/** `-pod-cidr` and `-node`. */
export interface PodNetworkSettings {
  readonly given: readonly Prefix[];
  /** Name of the node to ask the API server for; null: the given networks are all. */
  readonly node: string | null;
}

/** Settings, or sentences about what is wrong. */
export type SettingsOrErrors =
  | { readonly settings: Settings; readonly errors: readonly [] }
  | { readonly settings: null; readonly errors: readonly string[] };

const formats = ["text", "json"] as const;

/** The words that a flag takes, where it takes no others: for shell completions. */
export const valueChoices: Readonly<Record<string, readonly string[]>> = {
  cloud: cloudNames,
  output: formats,
  "log-format": formats,
};

/** Checks all values; see {@linkcode Settings}. */
export function readSettings(commandLine: CommandLine): SettingsOrErrors {
  const reader = new ValueReader(commandLine.values);
  const settings = settingsOf(reader);
  const errors = [...commandLine.errors, ...reader.errors, ...contradictions(settings, commandLine.values)];
  return errors.length === 0 ? { settings, errors: [] } : { settings: null, errors };
}

function settingsOf(reader: ValueReader): Settings {
  const event = reader.boolean("event");
  const periodMs = reader.duration("sync", 100);
  const cloudFlags = readCloudFlags(reader);
  return {
    cloud: reader.optional("cloud", (text) => oneOf(text, cloudNames)),
    event,
    debug: reader.boolean("debug"),
    redumpMs: reader.duration("netlink", 0),
    policy: policyOf(reader),
    self: reader.list("self", parseSelf),
    podNetworks: podNetworksOf(reader),
    sync: syncOf(reader, event, periodMs),
    peerProbe: reader.optional("peer-probe", parsePeerProbe),
    owner: reader.value("owner", (text) => ownerName(text, () => reader.optional("node", nodeName))),
    sharedOwner: reader.value("owner", isSharedOwner),
    routeTables: reader.list("route-table", parseRouteTable),
    stateFolder: reader.given("state") ? reader.value("state", (text) => text) : null,
    withdrawOnExit: reader.boolean("withdraw-on-exit"),
    output: reader.value("output", (text) => oneOf(text, formats)),
    logFormat: reader.value("log-format", (text) => oneOf(text, formats)),
    listen: reader.optional("listen", parseListenAddress),
    listenTokenFile: reader.optional("listen-token-file", (text) => text),
    listenHosts: reader.list("listen-host", parseHostName),
    count: reader.boolean("count"),
    listDropped: reader.boolean("dropped"),
    watch: reader.boolean("watch"),
    fix: reader.boolean("fix"),
    printPolicy: reader.boolean("policy"),
    noAssociate: reader.boolean("no-associate"),
    noEcmp: reader.boolean("no-ecmp"),
    localFile: String(cloudFlags.localFile),
    cloudFlags,
  };
}

function podNetworksOf(reader: ValueReader): PodNetworkSettings {
  const networks = reader.list("pod-cidr", (text) => text === "auto" ? "auto" : parsePrefix(text));
  return {
    given: networks.filter((network) => network !== "auto"),
    node: networks.includes("auto") ? reader.optional("node", nodeName) ?? "" : null,
  };
}

function policyOf(reader: ValueReader): Policy {
  const node = reader.given("pod-cidr");
  const protocols = [
    ...reader.list("protocol", protocolOf),
    ...(node && reader.given("protocol") ? [nodeProtocol] : []),
  ];
  return {
    tables: reader.list("table", tableOf),
    protocols: protocols.length === 0 ? null : new Set(protocols),
    filter: filterOf(reader),
    // To ask for the node's networks is to ask for what goes out of its device.
    interfaces: new Set([...reader.list("interface", deviceName), ...(node ? [nodeDevice] : [])]),
    blackhole: reader.boolean("blackhole"),
    ipv6: reader.boolean("ipv6"),
    allowDefault: reader.boolean("allow-default"),
    allowLocal: reader.boolean("allow-local"),
  };
}

function filterOf(reader: ValueReader): readonly FilterRule[] {
  return reader.ordered(["include", "exclude"], (text, flag): FilterRule => ({
    action: flag === "include" ? "include" : "exclude",
    range: parsePrefixRange(text),
  }));
}

function syncOf(reader: ValueReader, event: boolean, periodMs: number): SyncSettings {
  const auditMs = reader.duration("audit", 1000);
  return {
    coalesceMs: reader.duration("coalesce", 0),
    withdrawDelayMs: reader.duration("withdraw-delay", 0),
    auditMs: event ? auditMs : periodMs,
    guard: {
      maxWithdraw: reader.value("max-withdraw", (text) => wholeNumber(text.replace(/%$/, ""), 0, 100) / 100),
      holdMs: reader.duration("hold", 0),
    },
    adopt: reader.boolean("adopt"),
    group: {
      peers: reader.list("peer", parsePeer),
      rank: reader.optional("rank", parseRank),
      activeAddress: reader.optional("active-address", parseAddress),
    },
  };
}

function contradictions(settings: Settings, values: readonly GivenValue[]): readonly string[] {
  const errors: string[] = [];
  if (!settings.event && settings.redumpMs === 0) {
    errors.push("Flag -netlink 0 needs -event: without events the kernel's table would never be read again");
  }
  errors.push(...selfTwice(settings));
  if (settings.listen === null) errors.push(...listenFaults(values));
  errors.push(...rankFaults(settings.sync.group.rank, settings.sync.group.peers));
  if (settings.podNetworks.node === "" && !values.some(({ flag }) => flag === "node")) {
    errors.push("-pod-cidr auto needs -node, this node's name: the downward API's spec.nodeName has it");
  }
  for (const { flag, source } of values) {
    const clouds = cloudsOfFlag(flag);
    if (clouds !== null && settings.cloud !== null && !clouds.includes(settings.cloud)) {
      errors.push(`${source} has no meaning with -cloud ${settings.cloud}: it is for ${clouds.join(", ")}`);
    }
  }
  return errors;
}

/** Routes to this VM point at one address per family. */
function selfTwice({ self }: Settings): readonly string[] {
  return ([4, 6] as const).flatMap((family) => {
    const [first, second] = self.filter(({ address }) => address.family === family);
    return first === undefined || second === undefined ? [] : [
      `Flag -self names two IPv${family} addresses, ${first.address.text} and ${second.address.text}: give it one per family`,
    ];
  });
}

function oneOf<T extends string>(text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw new SyntaxError(`"${text}" is not one of ${choices.join(", ")}`);
  return choice;
}

function protocolOf(text: string): number {
  const number = protocolNumber(text);
  if (number === null) {
    throw new SyntaxError(`"${text}" is neither a routing protocol's name nor a number from 0 to 255`);
  }
  return number;
}

function tableOf(text: string): number {
  const number = tableNumber(text);
  if (number === null || number === 0) {
    throw new SyntaxError(`"${text}" is neither main, default or local nor a number from 1 to 4294967295`);
  }
  return number;
}

/** A node's name (RFC 1123 subdomain, as the API server has it). */
function nodeName(text: string): string {
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new SyntaxError("it is not a node's name: lower-case letters, digits, dashes and dots");
}

/** ALTIFNAMSIZ (linux/if.h), the size of an alternative name, is 128 with the final zero byte; a name has neither slash nor space. */
function deviceName(text: string): string {
  if (/^[^\s/]{1,127}$/.test(text)) return text;
  throw new SyntaxError(`"${text}" is not a device name of 1 to 127 characters without slash or space`);
}
