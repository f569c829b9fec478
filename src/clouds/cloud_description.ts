/** What the program must know of a cloud before it opens it: each cloud describes itself in its folder's `description.ts`. */

import type { Clock } from "../async/clock.ts";
import type { Cloud } from "./cloud.ts";
import type { CloudFlag, CloudFlags, FlagReader, FlagValues } from "./cloud_flag.ts";
import type { CloudOptions } from "./cloud_options.ts";
import type { ApiWords } from "./kit/api_call.ts";
import type { NetworkFacts } from "./network_facts.ts";

/** What a cloud reads of machine and environment, so that everything else can be given up. */
export interface CloudPower {
  /** Whether it makes calls at all. */
  readonly network: boolean;
  /** Environment variables, or patterns that end in `*`, besides those of proxies and certificates. */
  readonly environment: readonly string[];
  /** Variables that name the files it reads; `any`: a file may name others, which may lie anywhere. */
  readonly files: readonly string[] | "any";
  /** The kinds of `--allow-sys` that its SDK asks for. */
  readonly sys: readonly NonNullable<Deno.SysPermissionDescriptor["kind"]>[];
}

/** A flag that every cloud's options have, but that has no meaning with some. */
export type SharedFlag = "route-table" | "no-associate";

/** A cloud as the registry knows it. */
export interface CloudDescription {
  /** Flags that only this cloud has, or that it shares with some. */
  readonly flags: readonly CloudFlag[];
  readonly sharedFlags: readonly SharedFlag[];
  readonly power: CloudPower;
  readonly networkFacts: NetworkFacts;
  /** What names its calls in the log and the metrics. */
  readonly apiWords: ApiWords;
  /**
   * Whether the strings that the hypervisor puts into DMI tell this cloud, as in cloud-init's ds-identify.
   *
   * @param dmi reads one of /sys/class/dmi/id; "" if it is not there.
   */
  detect(dmi: (name: string) => string): boolean;
  /** The options that this cloud's flags become, by their names. */
  readFlags(reader: FlagReader): Readonly<Record<string, unknown>>;
  /**
   * Loads the cloud's module and opens the cloud.
   *
   * @param values what {@linkcode readFlags} gave.
   */
  open(options: CloudOptions, values: Readonly<Record<string, unknown>>, clock: Clock): Promise<Cloud>;
}

/** A description as a cloud writes it: its flags and what it is opened with are of one type. */
export interface CloudParts<Flags extends CloudFlags>
  extends Pick<CloudDescription, "sharedFlags" | "power" | "networkFacts" | "apiWords" | "detect"> {
  readonly flags: Flags;
  /** Loads the module only when it is asked for: the SDKs are large. */
  readonly load: () => Promise<(options: CloudOptions & FlagValues<Flags>, clock: Clock) => Cloud>;
}

/** Makes a description that the registry can hold beside those of clouds with other flags. */
export function describeCloud<Flags extends CloudFlags>(parts: CloudParts<Flags>): CloudDescription {
  const { flags, load, ...described } = parts;
  return {
    ...described,
    flags: Object.values(flags),
    readFlags: (reader) =>
      Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, flag.read(reader)])),
    open: async (options, values, clock) => {
      const openCloud = await load();
      // `readFlags` made the values of these very flags.
      return openCloud({ ...options, ...values as FlagValues<Flags> }, clock);
    },
  };
}
