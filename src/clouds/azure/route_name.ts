/**
 * The name of a route as the mark of its owner, and of the router that wrote it.
 *
 * Names of Azure's child resources take 1 to 80 letters, digits, underscores, periods and dashes, start with a letter or
 * digit and end with one of these or an underscore (learn.microsoft.com, "Naming rules and restrictions for Azure
 * resources", Microsoft.Network). A prefix's slash becomes an underscore and its colons become periods; then follow the router's
 * address and eight digits of a hash of its VM's id:
 *
 * | owner            | prefix            | name                                            |
 * | ---------------- | ----------------- | ----------------------------------------------- |
 * | `cloudroutesync` | `198.51.100.0/24` | `crs-198.51.100.0_24_10.0.1.4_3f9c2b1d`         |
 * | `cloudroutesync` | `2001:db8::/32`   | `crs-2001.db8.._32_10.0.1.4_3f9c2b1d`           |
 * | `edge-2`         | `198.51.100.0/24` | `crs-edge-2-198.51.100.0_24_10.0.1.4_3f9c2b1d`  |
 *
 * - A written prefix holds no dash, so the last dash of a name always ends the owner's part.
 * - Two routers that want one prefix have two names for it, and Azure refuses the second route of a prefix: neither writes over the
 *   other's without having seen it.
 * - A route with next hops of several routers has one name, the writer's; one more number says which of its next hops, in the order
 *   of their texts, are other routers': bit 0 stands for the first. So `…_3f9c2b1d_6` is shared with the second and the third.
 * - Where that is too long (an IPv6 prefix of a long owner), prefix, address and hash are written as numbers of base 36.
 * - Version 1.0 ended the name after the prefix, and so do nodes that have an owner of their own (`-owner NAME@node`).
 */

import { createHash } from "node:crypto";
import { addressOrNull, type IpAddress, ipAddress, type Prefix } from "../../routes/prefix.ts";
import type { Sign } from "../cloud.ts";
import { ConfigurationError } from "../cloud_error.ts";

/** The owner whose routes carry no name besides the mark: the default of `-owner`. */
export const defaultOwner = "cloudroutesync";

/** Longest owner whose longest IPv6 route name still has at most 80 characters. */
export const longestOwner = 32;

/** Most characters of a name. */
const longestName = 80;

/** Digits of base 36 that hold an IPv6 prefix with its length, and an IPv4 address with a hash. */
const prefixDigits = 27;
const signDigits = 13;

const mark = "crs-";

/** What a route's name says. */
export interface RouteMark {
  readonly owner: string;
  /** Left out: the name says none. */
  readonly writer?: Sign;
  /** Which of the route's next hops, in the order of their texts, are other routers'. */
  readonly ofPeers: readonly number[];
}

/**
 * How names of routes say which router wrote them.
 *
 * @param vmId the VM's id in Azure; its case does not count.
 * @param address of its interface.
 */
export function signOf(vmId: string, address: IpAddress): Sign {
  const id = createHash("sha256").update(vmId.toLowerCase()).digest("hex").slice(0, 8);
  return { id, address, nextHops: [address.text] };
}

/**
 * The name that a route has.
 *
 * @param writer the router that writes it; null: the name says none, as version 1.0's.
 * @param ofPeers see {@linkcode RouteMark}.
 */
export function routeName(
  owner: string,
  prefix: Prefix,
  writer: Sign | null = null,
  ofPeers: readonly number[] = [],
): string {
  const start = owner === defaultOwner ? mark : `${mark}${owner}-`;
  if (writer?.address?.family !== 4) return `${start}${writtenPrefix(prefix)}`;
  const { id, address } = writer;
  const shared = ofPeers.length === 0 ? "" : `_${bitsOf(ofPeers).toString(16)}`;
  const readable = `${start}${writtenPrefix(prefix)}_${address.text}_${id}${shared}`;
  if (readable.length <= longestName) return readable;
  const compact = `${start}${compactPrefix(prefix)}_${compactSign(address, id)}`;
  return compact.length + shared.length <= longestName ? compact + shared : compact;
}

/**
 * What a route's name proves, or null if the name is none of ours: it must be well-formed and belong to the very prefix that the
 * route has.
 */
export function markOf(name: string, prefix: Prefix): RouteMark | null {
  const found = partsOf(name, writtenPrefix(prefix), /^(?<address>[0-9.]+)_(?<id>[0-9a-f]{8})$/) ??
    partsOf(name, compactPrefix(prefix), /^[0-9a-z]{13}$/);
  if (found === null) return null;
  const { owner, groups, sign, shared } = found;
  const writer = sign === null ? undefined : groups === undefined ? readCompactSign(sign) : signFrom(groups);
  if (writer === null) return null;
  const ofPeers = positionsOf(shared);
  const isWhole = isOwner(owner) && routeName(owner, prefix, writer ?? null, ofPeers) === name;
  return isWhole ? { owner, ...(writer === undefined ? {} : { writer }), ofPeers } : null;
}

interface NameParts {
  readonly owner: string;
  /** Null: the name ends after the prefix. */
  readonly sign: string | null;
  readonly groups: Readonly<Record<string, string>> | undefined;
  /** Digits of base 16; none: empty. */
  readonly shared: string;
}

/** Takes a name apart; null if it is not made of the mark, an owner, this writing of the prefix and what may follow it. */
function partsOf(name: string, written: string, signs: RegExp): NameParts | null {
  const at = name.lastIndexOf("-") + 1;
  if (!name.startsWith(mark) || !name.startsWith(written, at)) return null;
  const owner = at === mark.length ? defaultOwner : name.slice(mark.length, at - 1);
  const rest = name.slice(at + written.length);
  if (rest === "") return { owner, sign: null, groups: undefined, shared: "" };
  if (!rest.startsWith("_")) return null;
  for (const [, sign = "", shared = ""] of [[rest, rest.slice(1)], /^_(.+)_([0-9a-f]+)$/.exec(rest) ?? []]) {
    const match = signs.exec(sign);
    if (match !== null) return { owner, sign, groups: match.groups, shared };
  }
  return null;
}

/**
 * Refuses an owner that no route name can carry.
 *
 * @throws {CloudError} of kind `invalid`.
 */
export function checkOwner(owner: string): void {
  if (isOwner(owner)) return;
  throw new ConfigurationError(
    `Cannot mark routes of owner "${owner}" on Azure: a route's name takes 1 to ${longestOwner} letters, digits and dashes of it`,
  );
}

function isOwner(text: string): boolean {
  return text.length <= longestOwner && /^[A-Za-z0-9-]+$/.test(text);
}

function writtenPrefix(prefix: Prefix): string {
  return prefix.text.replaceAll(":", ".").replace("/", "_");
}

function signFrom({ address = "", id = "" }: Readonly<Record<string, string>>): Sign | null {
  const read = addressOrNull(address);
  return read === null ? null : { id, address: read, nextHops: [read.text] };
}

function compactPrefix({ words, length }: Prefix): string {
  const number = words.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n);
  return ((number << 8n) + BigInt(length)).toString(36).padStart(prefixDigits, "0");
}

function compactSign({ words }: IpAddress, id: string): string {
  return ((BigInt(words[0]) << 32n) + BigInt(`0x${id}`)).toString(36).padStart(signDigits, "0");
}

function readCompactSign(text: string): Sign {
  const number = [...text].reduce((sum, digit) => sum * 36n + BigInt(parseInt(digit, 36)), 0n);
  const address = ipAddress(4, [Number((number >> 32n) & 0xffffffffn), 0, 0, 0]);
  const id = (number & 0xffffffffn).toString(16).padStart(8, "0");
  return { id, address, nextHops: [address.text] };
}

function bitsOf(positions: readonly number[]): bigint {
  return positions.reduce((bits, position) => bits | (1n << BigInt(position)), 0n);
}

function positionsOf(hexadecimal: string): readonly number[] {
  const bits = BigInt(hexadecimal === "" ? 0 : `0x${hexadecimal}`);
  return Array.from({ length: 64 }, (_, position) => position).filter((position) =>
    (bits >> BigInt(position)) & 1n
  );
}
