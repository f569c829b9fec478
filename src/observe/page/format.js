// @ts-check
/** Times, counts and commands as people read them. Pure. */

/** @typedef {import("./documents.ts").StatusDocument} StatusDocument */

/**
 * A number of milliseconds: `340 ms`, `4.2 s`, `12 min`, `3 h 12 min`, `5 d 3 h`.
 *
 * @param {number} ms
 * @returns {string}
 */
export function durationText(ms) {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/**
 * How long ago something was, in whole seconds at least, so that a text which changes each second does not flicker.
 *
 * @param {number} ms
 * @returns {string}
 */
export function ageText(ms) {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : durationText(ms);
}

/**
 * What is left of a time: `1:43`, `0:00`.
 *
 * @param {number} ms
 * @returns {string}
 */
export function countdownText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * `10,240`, whatever the browser's language: the page is in English.
 *
 * @param {number} count
 * @returns {string}
 */
export function countText(count) {
  return count.toLocaleString("en");
}

/**
 * `1 route`, `2 routes`.
 *
 * @param {number} count
 * @param {string} noun
 * @returns {string}
 */
export function counted(count, noun) {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * The time of day in the browser's time zone, as the log's reader has it.
 *
 * @param {string | number} time ISO 8601, or milliseconds since the epoch.
 * @returns {string}
 */
export function clockText(time) {
  return new Date(time).toLocaleTimeString("en-GB");
}

/**
 * The value below which a part of the values lies; null of none.
 *
 * @param {readonly number[]} values
 * @param {number} part 0 to 1.
 * @returns {number | null}
 */
export function quantile(values, part) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
}

/** Errors of these kinds are cured by what `doctor` names. */
const doctorKinds = ["denied", "invalid", "quota", "gone"];

/**
 * What to type next, the most urgent first; none where nothing is to be done.
 *
 * @param {Pick<StatusDocument, "state" | "held" | "problems" | "errors">} status
 * @returns {readonly { command: string, does: string }[]}
 */
export function nextSteps({ state, held, problems, errors }) {
  /** @type {Map<string, string>} */
  const steps = new Map();
  const add = (/** @type {string} */ command, /** @type {string} */ does) => {
    if (!steps.has(command)) steps.set(command, does);
  };
  for (const { count, release } of held) {
    add(release, `lets ${count === 1 ? "the held withdrawal" : `the ${count} held withdrawals`} go now`);
  }
  if (state === "failing") add("journalctl -u cloudroutesync -n 50", "shows why the kernel cannot be read");
  for (const { prefix, problem, command: text } of problems) {
    // The service says in brackets what else helps.
    const [, command = text, remark = ""] = /^(.*?)( \(.*\))?$/.exec(text) ?? [];
    add(command, `${prefix}: ${problem}${remark}`);
  }
  if (errors.some(({ kind }) => kind !== undefined && doctorKinds.includes(kind))) {
    add("cloudroutesync doctor", "names the missing permission or limit");
  }
  if (state === "degraded" && steps.size === 0) add("cloudroutesync doctor", "names what to correct");
  return [...steps].slice(0, 3).map(([command, does]) => ({ command, does }));
}

/**
 * Why the verdict is what it is, one sentence a line. The name of the only table says nothing new.
 *
 * @param {Pick<StatusDocument, "why" | "flow">} status
 * @returns {string}
 */
export function whyText({ why, flow }) {
  const [only, ...others] = flow.tables;
  const name = only === undefined || others.length > 0 ? "" : `${only.table}: `;
  return why.split("; ").map((sentence) => sentence.startsWith(name) ? sentence.slice(name.length) : sentence)
    .join("\n");
}

/** What each verdict of the service is called in the banner. */
export const stateTitles = {
  ok: "In step",
  starting: "Starting",
  degraded: "Degraded",
  failing: "Failing",
};

/**
 * The verdict's title: `ok` though changes are under way is not in step yet.
 *
 * @param {Pick<StatusDocument, "state" | "inStep">} status
 * @returns {string}
 */
export function titleOf({ state, inStep }) {
  return state === "ok" && !inStep ? "Bringing into step" : stateTitles[state];
}
