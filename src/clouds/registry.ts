/**
 * The clouds: their flags, what they need of the machine, how to tell which one this VM runs in, and how to open each. A new cloud is a
 * folder and a line here.
 */

import type { Clock } from "../async/clock.ts";
import { systemClock } from "../async/system_clock.ts";
import { aws } from "./aws/description.ts";
import { azure } from "./azure/description.ts";
import type { Cloud } from "./cloud.ts";
import type { CloudDescription } from "./cloud_description.ts";
import type { CloudFlag, FlagReader } from "./cloud_flag.ts";
import type { CloudOptions } from "./cloud_options.ts";
import { gcp } from "./gcp/description.ts";
import { local } from "./local/description.ts";
import { openstack } from "./openstack/description.ts";

/** By the name that `-cloud` takes, in the order of help and README. */
const registered = { azure, aws, gcp, openstack, local };

/** The clouds' names as `-cloud` takes them. */
export type CloudName = keyof typeof registered;

/** What is known of each cloud before it is opened. */
export const clouds: Readonly<Record<CloudName, CloudDescription>> = registered;

const entries = Object.entries(clouds) as [CloudName, CloudDescription][]; // their keys are the names

/** All names. */
export const cloudNames: readonly CloudName[] = entries.map(([name]) => name);

/** The flags that only some clouds have, each once, with the clouds that have it. */
export const cloudFlags: readonly (CloudFlag & { readonly clouds: readonly CloudName[] })[] = [
  ...new Map(entries.flatMap(([, { flags }]) => flags).map((flag) => [flag.name, flag])).values(),
].map((flag) => ({
  ...flag,
  clouds: cloudsWith(({ flags }) => flags.some(({ name }) => name === flag.name)),
}));

/** Opens a cloud. Its module is loaded only now. */
export async function openCloud(
  name: CloudName,
  options: CloudOptions,
  flagValues: Readonly<Record<string, unknown>>,
  clock: Clock = systemClock,
): Promise<Cloud> {
  return await clouds[name].open(options, flagValues, clock);
}

/** The options that the flags of all clouds become; see {@linkcode openCloud}. */
export function readCloudFlags(reader: FlagReader): Readonly<Record<string, unknown>> {
  return Object.assign({}, ...entries.map(([, { readFlags }]) => readFlags(reader)));
}

/** The clouds with which a flag has a meaning; null: with all of them. */
export function cloudsOfFlag(flag: string): readonly CloudName[] | null {
  const taking = cloudsWith(({ flags, sharedFlags }) =>
    flags.some(({ name }) => name === flag) || sharedFlags.some((name) => name === flag)
  );
  return taking.length === 0 ? null : taking;
}

/**
 * Tells the cloud by the strings that its hypervisor puts into DMI.
 *
 * @param dmi reads one of /sys/class/dmi/id; null if it is not there.
 * @returns null if they say nothing.
 */
export function detectCloud(dmi: (name: string) => string | null): CloudName | null {
  return cloudsWith(({ detect }) => detect((name) => dmi(name) ?? ""))[0] ?? null;
}

function cloudsWith(holds: (cloud: CloudDescription) => boolean): readonly CloudName[] {
  return entries.filter(([, cloud]) => holds(cloud)).map(([name]) => name);
}
