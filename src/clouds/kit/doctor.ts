/** What `doctor` says of an error: the verdict, the detail and the remedy, the same in every cloud. */

import type { IpAddress, Prefix } from "../../routes/prefix.ts";
import type { Cloud, CloudConnection, CloudIdentity, Finding } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { meaningOf } from "../error_meaning.ts";

/** What a person can do about an error; undefined where there is nothing but to wait. */
export type RemedyOf = (error: CloudError) => string | undefined;

/**
 * Looks at one thing.
 *
 * @returns what `look` found, or a finding about why it could not look.
 * @throws the signal's reason if the caller gave up, and whatever is no {@linkcode CloudError}.
 */
export async function findingOf(
  name: string,
  signal: AbortSignal,
  look: () => Finding | Promise<Finding>,
  remedyOf: RemedyOf,
): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return failedFinding(name, error, signal, remedyOf);
  }
}

/** {@linkcode findingOf} for a look that finds several things; `name` is that of the finding about why it could not look. */
export async function findingsOf(
  name: string,
  signal: AbortSignal,
  look: () => Promise<readonly Finding[]>,
  remedyOf: RemedyOf,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [failedFinding(name, error, signal, remedyOf)];
  }
}

/** The finding about a look that failed: `unknown` where there is nothing to do but to wait, else `bad`. Throws as {@linkcode findingOf}. */
export function failedFinding(
  name: string,
  error: unknown,
  signal: AbortSignal,
  remedyOf: RemedyOf,
): Finding {
  signal.throwIfAborted();
  if (!(error instanceof CloudError)) throw error;
  const remedy = error.remedy ?? remedyOf(error);
  const status = remedy === undefined && meaningOf(error).healsByItself ? "unknown" : "bad";
  return { name, status, detail: error.message, ...(remedy === undefined ? {} : { remedy }) };
}

/** What is said of a requirement. */
export interface RequirementWords {
  /** What was seen where it is met, and where it is not, as sentences. */
  readonly met: string;
  readonly unmet: string;
  readonly remedy: string;
}

/** Something that must be so: `bad` where it is not, whatever else is. No setting excuses it. */
export function requirement(name: string, isMet: boolean, words: RequirementWords): Finding {
  const { met, unmet, remedy } = words;
  return isMet ? { name, status: "ok", detail: met } : { name, status: "bad", detail: unmet, remedy };
}

/**
 * Who this VM is, and with that known what the cloud checks. Throws as {@linkcode findingOf}.
 *
 * @param options `ownPrefixes` says which prefixes a VM with that identity is to be the next hop of.
 * @param look what else is to be said of the identity.
 */
export async function checkCloud(
  cloud: Cloud,
  options: {
    readonly fix: boolean;
    readonly ownPrefixes?: (identity: CloudIdentity) => readonly Prefix[];
    /** Addresses of the other routers of the group. */
    readonly peers?: readonly IpAddress[];
  },
  signal: AbortSignal,
  look: (identity: CloudIdentity) => readonly Finding[] = () => [],
): Promise<readonly Finding[]> {
  let connection: CloudConnection;
  try {
    connection = await cloud.identify(signal);
  } catch (error) {
    return [failedIdentity(error, signal)];
  }
  const { identity } = connection;
  const ownPrefixes = options.ownPrefixes?.(identity) ?? [];
  return [
    identityFinding(identity),
    ...look(identity),
    ...await connection.check({ fix: options.fix, ownPrefixes }, signal),
    ...await checkPeers(connection, options.peers ?? [], signal),
  ];
}

/** What the cloud says of the other routers, and whether it may be asked at all: without that only the kernel tells of a death. */
async function checkPeers(
  connection: CloudConnection,
  routers: readonly IpAddress[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const name = "peers";
  // One list may be given to all routers of a group.
  const own = connection.identity.addresses.map(({ text }) => text);
  const peers = routers.filter(({ text }) => !own.includes(text));
  if (peers.length === 0 || connection.findDead === undefined) return [];
  try {
    const found = await connection.resolve(
      peers.map((address) => ({ gateway: address, family: address.family })),
      signal,
    );
    const unknown = peers.filter((_, index) => found[index] === null).map(({ text }) => text);
    if (unknown.length > 0) {
      const remedy = "name with -peer the addresses that the other routers have in the cloud network";
      return [{ name, status: "bad", detail: `Nothing in the cloud has ${unknown.join(", ")}`, remedy }];
    }
    const dead = await connection.findDead(
      peers.map((address, index) => ({ address, nextHops: [found[index] ?? ""] })),
      signal,
    );
    const causes = dead.map(({ address, cause }) => `${address.text} is dead: ${cause}`);
    const detail = causes.length === 0
      ? `The cloud says of no peer that it is dead (${peers.map(({ text }) => text).join(", ")})`
      : causes.join("; ");
    return [{ name, status: causes.length === 0 ? "ok" : "unknown", detail }];
  } catch (error) {
    const finding = failedFinding(
      name,
      error,
      signal,
      ({ action }) =>
        action === undefined
          ? undefined
          : `allow ${action}, or let the kernel alone tell of a peer's death (cloudroutesync doctor -policy prints all)`,
    );
    // The group works without it.
    return [{ ...finding, status: "unknown" }];
  }
}

function identityFinding(identity: CloudIdentity): Finding {
  const addresses = identity.addresses.map(({ text }) => text).join(", ");
  const place = identity.place === undefined ? "" : `, ${identity.place}`;
  return {
    name: "identity",
    status: "ok",
    detail: `This VM is ${identity.instance}${place}, with ${addresses}`,
  };
}

function failedIdentity(error: unknown, signal: AbortSignal): Finding {
  const finding = failedFinding(
    "identity",
    error,
    signal,
    ({ action }) =>
      action === undefined
        ? undefined
        : `allow ${action} (cloudroutesync doctor -policy prints all that is needed)`,
  );
  if (finding.status === "bad") return finding;
  return {
    ...finding,
    remedy: "run doctor on the VM, and see that its metadata service and the cloud's API answer",
  };
}
