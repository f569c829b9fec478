/**
 * IP addresses and prefixes: parsing, canonical text, containment, order.
 *
 * An address is held as four unsigned 32-bit words so that IPv4 and IPv6 share one arithmetic and the
 * kernel's bytes need no detour over text or bigint. The canonical text of a prefix is its identity: it is what
 * maps are keyed by and what users see.
 */

/** IP version. */
export type Family = 4 | 6;

/** Four unsigned 32-bit words, most significant first. IPv4 uses the first; the other three are 0. */
export type Words = readonly [number, number, number, number];

/** An IP address. `text` is canonical: dotted quad, or RFC 5952 for IPv6. */
export interface IpAddress {
  readonly family: Family;
  readonly words: Words;
  readonly text: string;
}

/** A network prefix whose host bits are zero. `text` is canonical (`10.0.0.0/8`, `2001:db8::/32`). */
export interface Prefix {
  readonly family: Family;
  readonly words: Words;
  /** Number of network bits: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
  readonly text: string;
}

/** Number of bits in an address of a family. */
export function addressBits(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/**
 * Makes an address of its words.
 *
 * @param family IP version; for IPv4 only `words[0]` counts.
 * @param words unsigned 32-bit words, most significant first.
 */
export function ipAddress(family: Family, words: Words): IpAddress {
  return { family, words, text: formatAddress(family, words) };
}

/**
 * Makes a prefix; host bits beyond `length` are cleared.
 *
 * @param length network bits, 0 to 32 (IPv4) or 128 (IPv6).
 * @throws {RangeError} if the length does not fit the family.
 */
export function prefixOf(family: Family, words: Words, length: number): Prefix {
  if (!Number.isInteger(length) || length < 0 || length > addressBits(family)) {
    throw new RangeError(
      `Cannot make a prefix of ${formatAddress(family, words)}/${length}: length is not within 0 to ${
        addressBits(family)
      }`,
    );
  }
  const masked = maskWords(words, length);
  return { family, words: masked, length, text: `${formatAddress(family, masked)}/${length}` };
}

/** The prefix that holds this one address (/32 or /128). */
export function hostPrefix(address: IpAddress): Prefix {
  return prefixOf(address.family, address.words, addressBits(address.family));
}

/**
 * Parses an IPv4 dotted quad or an IPv6 address (RFC 4291 section 2.2; no zone).
 *
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parseAddress(text: string): IpAddress {
  const words = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (words === null) {
    throw new SyntaxError(`Cannot parse address "${text}": it is neither an IPv4 nor an IPv6 address`);
  }
  return ipAddress(text.includes(":") ? 6 : 4, words);
}

/** Parses an address of somebody else's list, where an odd entry must not spoil the others. @returns null if it is none. */
export function addressOrNull(text: string): IpAddress | null {
  const words = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return words === null ? null : ipAddress(text.includes(":") ? 6 : 4, words);
}

/**
 * Parses `ADDRESS/LENGTH`; a bare address is its host prefix.
 *
 * @throws {SyntaxError} naming the text and what is wrong with it, also when host bits are set.
 */
export function parsePrefix(text: string): Prefix {
  const { address, length } = parseAddressWithLength(text, "prefix");
  const prefix = prefixOf(address.family, address.words, length);
  if (!sameWords(prefix.words, address.words)) {
    throw new SyntaxError(`Cannot parse prefix "${text}": host bits are set, did you mean ${prefix.text}?`);
  }
  return prefix;
}

/**
 * Parses an interface address such as `10.0.1.20/24`: the address, and the subnet that it lies in.
 *
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parseInterfaceAddress(
  text: string,
): { readonly address: IpAddress; readonly subnet: Prefix } {
  const { address, length } = parseAddressWithLength(text, "interface address");
  return { address, subnet: prefixOf(address.family, address.words, length) };
}

/** As {@linkcode parseInterfaceAddress}, of somebody else's list, where an odd entry must not spoil the others. @returns null if it is none. */
export function interfaceAddressOrNull(text: string): ReturnType<typeof parseInterfaceAddress> | null {
  try {
    return parseInterfaceAddress(text);
  } catch {
    return null;
  }
}

/** Whether `inner` lies inside `outer`; a prefix contains itself, never one of the other family. */
export function prefixContains(outer: Prefix, inner: Prefix): boolean {
  return outer.family === inner.family && outer.length <= inner.length &&
    matchesBits(outer.words, inner.words, outer.length);
}

/** Whether an address lies inside a prefix. */
export function prefixContainsAddress(prefix: Prefix, address: IpAddress): boolean {
  return prefix.family === address.family && matchesBits(prefix.words, address.words, prefix.length);
}

/** Whether the first `length` bits of two addresses are equal. */
export function matchesBits(left: Words, right: Words, length: number): boolean {
  let rest = length;
  for (let index = 0; index < 4 && rest > 0; index++, rest -= 32) {
    const difference = (word(left, index) ^ word(right, index)) >>> 0;
    if (rest >= 32 ? difference !== 0 : difference >>> (32 - rest) !== 0) return false;
  }
  return true;
}

/** Orders addresses by family, then by value: negative, zero or positive as `Array.sort` wants it. */
export function compareAddresses(left: IpAddress, right: IpAddress): number {
  return left.family - right.family || compareWords(left.words, right.words);
}

/** Orders prefixes by family, then address, then the shorter first. */
export function comparePrefixes(left: Prefix, right: Prefix): number {
  return left.family - right.family || compareWords(left.words, right.words) || left.length - right.length;
}

/** Orders prefixes the more specific first, then by family and address: the order in which they are added. */
export function compareMoreSpecificFirst(left: Prefix, right: Prefix): number {
  return right.length - left.length || comparePrefixes(left, right);
}

/** Clears all bits beyond the first `length`. */
function maskWords(words: Words, length: number): Words {
  return [
    maskWord(words[0], length),
    maskWord(words[1], length - 32),
    maskWord(words[2], length - 64),
    maskWord(words[3], length - 96),
  ];
}

/** Clears all bits of a word beyond the first `bits`, which may be less than 0 or more than 32. */
function maskWord(value: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? value : (value & (0xffffffff << (32 - bits))) >>> 0;
}

/** Canonical text of an address: dotted quad, or RFC 5952 section 4 (with section 5 for mapped IPv4). */
export function formatAddress(family: Family, words: Words): string {
  return family === 4 ? formatIpv4(words[0]) : formatIpv6(words);
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatIpv6(words: Words): string {
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return `::ffff:${formatIpv4(words[3])}`;
  const groups = words.flatMap((value) => [value >>> 16, value & 0xffff]);
  const zeros = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/** The first of the longest runs of zero groups (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}

function parseAddressWithLength(
  text: string,
  what: string,
): { readonly address: IpAddress; readonly length: number } {
  const slash = text.indexOf("/");
  const addressText = slash < 0 ? text : text.slice(0, slash);
  let address: IpAddress;
  try {
    address = parseAddress(addressText);
  } catch (cause) {
    throw new SyntaxError(`Cannot parse ${what} "${text}": "${addressText}" is not an IP address`, { cause });
  }
  const bits = addressBits(address.family);
  if (slash < 0) return { address, length: bits };
  const lengthText = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) {
    throw new SyntaxError(`Cannot parse ${what} "${text}": length "${lengthText}" is not a number`);
  }
  const length = Number(lengthText);
  if (length > bits) throw new SyntaxError(`Cannot parse ${what} "${text}": length is over ${bits}`);
  return { address, length };
}

function parseIpv4(text: string): Words | null {
  const parts = text.split(".");
  if (
    parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
  ) {
    return null;
  }
  return [parts.reduce((value, part) => value * 256 + Number(part), 0), 0, 0, 0];
}

function parseIpv6(text: string): Words | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) =>
    half === "" ? [] : ipv6Groups(half, index === halves.length - 1)
  );
  if (head === null || head === undefined || tail === null) return null;
  if (tail === undefined) return head.length === 8 ? wordsOfGroups(head) : null;
  const missing = 8 - head.length - tail.length;
  if (missing < 1) return null;
  return wordsOfGroups([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** The 16-bit groups of one side of `::`; the address's last may be a dotted quad, which stands for two. */
function ipv6Groups(half: string, isEnd: boolean): number[] | null {
  const groups: number[] = [];
  const parts = half.split(":");
  for (const [index, part] of parts.entries()) {
    if (isEnd && index === parts.length - 1 && part.includes(".")) {
      const quad = parseIpv4(part);
      if (quad === null) return null;
      groups.push(quad[0] >>> 16, quad[0] & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else return null;
  }
  return groups;
}

function wordsOfGroups(groups: readonly number[]): Words {
  const at = (index: number): number => ((groups[index * 2] ?? 0) * 0x10000) + (groups[index * 2 + 1] ?? 0);
  return [at(0), at(1), at(2), at(3)];
}

function word(words: Words, index: number): number {
  return words[index] ?? 0;
}

function compareWords(left: Words, right: Words): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2] || left[3] - right[3];
}

function sameWords(left: Words, right: Words): boolean {
  return compareWords(left, right) === 0;
}
