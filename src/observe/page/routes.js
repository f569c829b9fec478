// @ts-check
/** Searching and filtering rows. Pure. */

/** @typedef {import("./documents.ts").RouteRow} RouteRow */
/** @typedef {import("./documents.ts").RowState} RowState */
/** @typedef {{ family: 4 | 6, value: bigint, length: number }} Range an address is a range of its full length */
/** @typedef {RouteRow & { range: Range | null, order: string, text: string }} IndexedRow */
/** @typedef {{ words: string, group: string, reason: string }} Filter */

/** What each state is called, and the group that it is shown with. */
export const states = {
  "failing": { name: "failing", group: "attention" },
  "blocked": { name: "blocked by a foreign route", group: "attention" },
  "over-quota": { name: "over quota", group: "attention" },
  "would-loop": { name: "would loop", group: "attention" },
  "unresolved": { name: "next hop unknown", group: "attention" },
  "held": { name: "withdrawal held", group: "attention" },
  "pending": { name: "pending", group: "attention" },
  "passive": { name: "passive", group: "in-step" },
  "standby": { name: "standby", group: "in-step" },
  "peer": { name: "at a peer", group: "in-step" },
  "in-step": { name: "in step", group: "in-step" },
  "foreign": { name: "foreign", group: "foreign" },
  "dropped": { name: "dropped", group: "dropped" },
};

/**
 * Reads an address or a prefix; null if it is none.
 *
 * @param {string} text
 * @returns {Range | null}
 */
export function parseRange(text) {
  const [address = "", lengthText, ...rest] = text.trim().split("/");
  const family = address.includes(":") ? 6 : 4;
  const value = family === 6 ? parseIpv6(address) : parseIpv4(address);
  const bits = bitsOf(family);
  const length = lengthText === undefined ? bits : Number(lengthText);
  if (value === null || rest.length > 0 || lengthText === "" || !Number.isInteger(length)) return null;
  return length < 0 || length > bits ? null : { family, value, length };
}

/**
 * @param {string} text
 * @returns {bigint | null}
 */
function parseIpv4(text) {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const bytes = text.split(".").map(Number);
  return bytes.some((byte) => byte > 255)
    ? null
    : BigInt(bytes.reduce((value, byte) => value * 256 + byte, 0));
}

/**
 * @param {string} text
 * @returns {bigint | null}
 */
function parseIpv6(text) {
  const [head = "", tail, ...rest] = text.split("::");
  const groupsOf = (/** @type {string} */ part) => part === "" ? [] : part.split(":");
  const first = groupsOf(head);
  const last = groupsOf(tail ?? "");
  const missing = 8 - first.length - last.length;
  if (rest.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return null;
  const groups = [...first, ...Array(missing).fill("0"), ...last];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * @param {4 | 6} family
 * @returns {number}
 */
function bitsOf(family) {
  return family === 4 ? 32 : 128;
}

/**
 * Whether one range lies inside another.
 *
 * @param {Range} outer
 * @param {Range} inner
 * @returns {boolean}
 */
export function contains(outer, inner) {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  const shift = BigInt(bitsOf(outer.family) - outer.length);
  return outer.value >> shift === inner.value >> shift;
}

/**
 * A row with what searching and sorting it needs.
 *
 * @param {RouteRow} row
 * @returns {IndexedRow}
 */
export function indexed(row) {
  const range = parseRange(row.prefix);
  const words = [
    row.prefix,
    row.verdict,
    states[row.state].name,
    ...row.kernel.flatMap(({ via, protocol }) => [via, protocol]),
    ...row.cloud.flatMap(({ table, to, owner }) => [table, to ?? "", owner ?? ""]),
  ];
  return { ...row, range, order: orderOf(range), text: words.join(" ").toLowerCase() };
}

/**
 * A text that sorts as the prefixes do: by family, address and length.
 *
 * @param {Range | null} range
 * @returns {string}
 */
function orderOf(range) {
  if (range === null) return "9";
  const { family, value, length } = range;
  return `${family}${value.toString(16).padStart(32, "0")}${String(length).padStart(3, "0")}`;
}

/**
 * @param {IndexedRow} one
 * @param {IndexedRow} other
 * @returns {number}
 */
export function byPrefix(one, other) {
  return one.order < other.order ? -1 : one.order > other.order ? 1 : 0;
}

/**
 * The reasons and states that a row can be filtered by.
 *
 * @param {RouteRow} row
 * @returns {string}
 */
export function reasonOf(row) {
  return row.state === "dropped" ? row.reason ?? "dropped" : row.state;
}

/**
 * The rows that a filter lets through. An address finds the prefixes that contain it, its longest match first; a prefix those inside.
 *
 * @param {readonly IndexedRow[]} rows in the order of their prefixes.
 * @param {Filter} filter
 * @returns {readonly IndexedRow[]}
 */
export function filtered(rows, { words, group, reason }) {
  const range = parseRange(words);
  const isAddress = range !== null && !words.includes("/");
  const parts = range === null ? words.toLowerCase().split(/\s+/).filter((part) => part !== "") : [];
  const found = rows.filter((row) =>
    (group === "" || states[row.state].group === group) &&
    (reason === "" || reasonOf(row) === reason) &&
    (range === null ||
      (row.range !== null && (isAddress ? contains(row.range, range) : contains(range, row.range)))) &&
    parts.every((part) => row.text.includes(part))
  );
  return isAddress ? found.toReversed() : found;
}

/**
 * How many rows there are of each group, and of each reason of the group that is shown.
 *
 * @param {readonly IndexedRow[]} rows
 * @param {string} group
 * @returns {{ groups: Map<string, number>, reasons: Map<string, number> }}
 */
export function countRows(rows, group) {
  /** @type {Map<string, number>} */
  const groups = new Map();
  /** @type {Map<string, number>} */
  const reasons = new Map();
  for (const row of rows) {
    const own = states[row.state].group;
    groups.set(own, (groups.get(own) ?? 0) + 1);
    if (group !== "" && own !== group) continue;
    const reason = reasonOf(row);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return { groups, reasons };
}
