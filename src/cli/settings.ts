/** Turns raw flag values into settings, and tells everything that is wrong with them at once. */

import type { CloudName } from "../clouds/cloud.ts";
import type { CloudOptions } from "../clouds/cloud_options.ts";
import { protocolNumber, tableNumber } from "../kernel/protocol_names.ts";
import type { OwnAddress } from "../routes/own_address.ts";
import type { Policy } from "../routes/policy.ts";
import type { Family } from "../routes/prefix.ts";
import { type FilterRule, parsePrefixRange } from "../routes/prefix_filter.ts";
import type { SyncSettings } from "../sync/reconciler.ts";
import type { CommandLine, GivenValue } from "./command_line.ts";
import { parseDuration } from "./duration.ts";
import { type Flag, flags } from "./flags.ts";
import { type ListenAddress, parseListenAddress } from "./listen_address.ts";
import { parseSelf } from "./self_address.ts";

/** The program's settings, checked. Durations are milliseconds. */
export interface Settings extends Omit<CloudOptions, "families" | "ownAddress" | "environment"> {
  /** Null: the VM's DMI strings decide. */
  readonly cloud: CloudName | null;
  readonly event: boolean;
  readonly debug: boolean;
  /** 0: never. */
  readonly redumpMs: number;
  readonly policy: Policy;
  readonly self: readonly OwnAddress[];
  readonly sync: SyncSettings;
  /** Null: `$STATE_DIRECTORY`, else /var/lib/cloudroutesync. */
  readonly stateFolder: string | null;
  readonly withdrawOnExit: boolean;
  readonly output: "text" | "json";
  readonly logFormat: "text" | "json";
  readonly listen: ListenAddress | null;
  readonly count: boolean;
  readonly fix: boolean;
  readonly printPolicy: boolean;
}

/** Settings, or sentences about what is wrong. */
export type SettingsOrErrors =
  | { readonly settings: Settings; readonly errors: readonly [] }
  | { readonly settings: null; readonly errors: readonly string[] };

const cloudNames: readonly CloudName[] = ["azure", "aws", "gcp", "openstack", "local"];

/** Flags that only one cloud has; with another they contradict `-cloud`. */
const flagsOfClouds: Readonly<Record<string, readonly CloudName[]>> = {
  "local-file": ["local"],
  "local-latency": ["local"],
  "local-faults": ["local"],
  "router": ["openstack"],
  "os-cloud": ["openstack"],
  "priority": ["gcp"],
  "instance-tag": ["gcp"],
  "next-hop-ilb": ["gcp"],
  "azure-endpoint": ["azure"],
  "gcp-endpoint": ["gcp"],
  "imds-endpoint": ["azure", "gcp", "openstack"],
  "route-table": ["azure", "aws", "gcp", "openstack"],
  "no-associate": ["azure", "aws"],
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
  return {
    cloud: reader.optional("cloud", (text) => oneOf(text, cloudNames)),
    event,
    debug: reader.boolean("debug"),
    redumpMs: reader.duration("netlink", 0),
    policy: policyOf(reader),
    self: reader.list("self", parseSelf),
    sync: syncOf(reader, event, periodMs),
    owner: reader.value("owner", ownerName),
    routeTables: reader.list("route-table", (text) => text),
    stateFolder: reader.given("state") ? reader.value("state", (text) => text) : null,
    withdrawOnExit: reader.boolean("withdraw-on-exit"),
    output: reader.value("output", (text) => oneOf(text, ["text", "json"] as const)),
    logFormat: reader.value("log-format", (text) => oneOf(text, ["text", "json"] as const)),
    listen: reader.optional("listen", parseListenAddress),
    count: reader.boolean("count"),
    fix: reader.boolean("fix"),
    printPolicy: reader.boolean("policy"),
    noAssociate: reader.boolean("no-associate"),
    noEcmp: reader.boolean("no-ecmp"),
    router: reader.optional("router", (text) => text),
    osCloud: reader.optional("os-cloud", (text) => text),
    priority: reader.value("priority", (text) => integer(text, 0, 65535)),
    instanceTags: reader.list("instance-tag", (text) => text),
    nextHopIlb: reader.optional("next-hop-ilb", (text) => text),
    localFile: reader.value("local-file", fileName),
    localLatencyMs: reader.duration("local-latency", 0),
    localFaults: reader.value("local-faults", (text) => decimal(text, 0, 1)),
    azureEndpoint: reader.optional("azure-endpoint", endpoint),
    gcpEndpoint: reader.optional("gcp-endpoint", endpoint),
    imdsEndpoint: reader.optional("imds-endpoint", endpoint),
  };
}

function policyOf(reader: ValueReader): Policy {
  const protocols = reader.list("protocol", protocolOf);
  return {
    tables: reader.list("table", tableOf),
    protocols: protocols.length === 0 ? null : new Set(protocols),
    filter: filterOf(reader),
    interfaces: new Set(reader.list("interface", deviceName)),
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
      maxWithdraw: reader.value("max-withdraw", (text) => integer(text.replace(/%$/, ""), 0, 100) / 100),
      holdMs: reader.duration("hold", 0),
    },
    adopt: reader.boolean("adopt"),
  };
}

function contradictions(settings: Settings, values: readonly GivenValue[]): readonly string[] {
  const errors: string[] = [];
  if (!settings.event && settings.redumpMs === 0) {
    errors.push("Flag -netlink 0 needs -event: without events the kernel's table would never be read again");
  }
  errors.push(...selfGaps(settings, values));
  for (const { flag, source } of values) {
    const clouds = flagsOfClouds[flag];
    if (clouds !== undefined && settings.cloud !== null && !clouds.includes(settings.cloud)) {
      errors.push(`${source} has no meaning with -cloud ${settings.cloud}: it is for ${clouds.join(", ")}`);
    }
  }
  return errors;
}

/**
 * With `-self` nothing else says who this VM is. A family that it leaves out would have no address that routes could point at, and all
 * its routes would be withdrawn.
 */
function selfGaps({ policy }: Settings, values: readonly GivenValue[]): readonly string[] {
  const given = values.filter(({ flag }) => flag === "self");
  const items = given.flatMap(({ value }) => itemsOf(value));
  if (items.length === 0) return [];
  const families: readonly Family[] = policy.ipv6 ? [4, 6] : [4];
  // By the text: an address that is refused is not missing besides.
  const gaps = families.filter((family) => !items.some((item) => item.includes(":") === (family === 6)));
  const because = { 4: "", 6: " (-ipv6)" };
  return gaps.map((family) =>
    `${given[0]?.source} names no IPv${family} address, to which IPv${family} routes${
      because[family]
    } could point: ` +
    "give it one of each family"
  );
}

/** Looks up values by flag, and collects what is wrong with them. */
class ValueReader {
  readonly #values: readonly GivenValue[];
  readonly errors: string[] = [];

  constructor(values: readonly GivenValue[]) {
    this.#values = values;
  }

  given(flag: string): boolean {
    return this.#values.some((value) => value.flag === flag);
  }

  boolean(flag: string): boolean {
    return this.value(flag, (text) => {
      if (["true", "1", "t"].includes(text.toLowerCase())) return true;
      if (["false", "0", "f"].includes(text.toLowerCase())) return false;
      throw new SyntaxError(`"${text}" is neither true nor false`);
    });
  }

  duration(flag: string, leastMs: number): number {
    return this.value(flag, (text) => {
      const ms = parseDuration(text);
      if (ms < leastMs) throw new RangeError(`"${text}" is shorter than ${leastMs} ms`);
      return ms;
    });
  }

  /** The last value that was given, else the default. */
  value<T>(flag: string, parse: (text: string) => T): T {
    const given = this.#values.findLast((value) => value.flag === flag);
    const fallback = defaultOf(flag);
    return given === undefined ? parse(fallback) : this.#parse(given, given.value, parse) ?? parse(fallback);
  }

  optional<T>(flag: string, parse: (text: string) => T): T | null {
    const given = this.#values.findLast((value) => value.flag === flag);
    return given === undefined ? null : this.#parse(given, given.value, parse);
  }

  /** All values; a comma separates several in one. */
  list<T>(flag: string, parse: (text: string) => T): readonly T[] {
    if (this.given(flag)) return this.ordered([flag], parse);
    return itemsOf(defaultOf(flag)).map(parse);
  }

  /** All values of several flags in the order in which they were given. */
  ordered<T>(flagNames: readonly string[], parse: (text: string, flag: string) => T): readonly T[] {
    return this.#values.filter((given) => flagNames.includes(given.flag)).flatMap((given) =>
      itemsOf(given.value).flatMap((item) =>
        this.#parse(given, item, (text) => parse(text, given.flag)) ?? []
      )
    );
  }

  #parse<T>(given: GivenValue, text: string, parse: (text: string) => T): T | null {
    try {
      return parse(text);
    } catch (error) {
      this.errors.push(`${given.source}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }
}

function itemsOf(text: string): readonly string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

function defaultOf(name: string): string {
  return flags.find((flag: Flag) => flag.name === name)?.default ?? "";
}

function oneOf<T extends string>(text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw new SyntaxError(`"${text}" is none of ${choices.join(", ")}`);
  return choice;
}

function integer(text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new RangeError(`"${text}" is not a whole number from ${least} to ${most}`);
  }
  return value;
}

function decimal(text: string, least: number, most: number): number {
  const value = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new RangeError(`"${text}" is not a number from ${least} to ${most}`);
  }
  return value;
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

/** An owner's name becomes part of tags, route names and file names. */
function ownerName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(text)) return text;
  throw new SyntaxError(
    `"${text}" is not a name of 1 to 31 lower-case letters, digits and dashes that begins with a letter`,
  );
}

/** IFNAMSIZ (linux/if.h) is 16 with the final zero byte; a name has neither slash nor space. */
function deviceName(text: string): string {
  if (/^[^\s/]{1,15}$/.test(text)) return text;
  throw new SyntaxError(`"${text}" is not a device name of 1 to 15 characters`);
}

/** `.lock` beside it would be a file, too. */
function fileName(text: string): string {
  if (text !== "") return text;
  throw new SyntaxError("the name of a file is empty");
}

function endpoint(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new SyntaxError(`"${text}" is not an http or https address`);
  }
  return text.replace(/\/+$/, "");
}
