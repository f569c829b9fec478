// @ts-check
/// <reference lib="dom" />
/** The page: joins the service's events with what is shown. It asks, and changes nothing. */

import {
  ageText,
  clockText,
  countdownText,
  counted,
  countText,
  durationText,
  nextSteps,
  quantile,
  titleOf,
  whyText,
} from "./format.js";
import { byPrefix, countRows, filtered, indexed, states } from "./routes.js";
import { ask, AskError, follow } from "./stream.js";
import { element, RouteTable, stateMark } from "./table.js";

/** @typedef {import("./documents.ts").StatusDocument} StatusDocument */
/** @typedef {import("./documents.ts").ChangeDocument} ChangeDocument */
/** @typedef {import("./documents.ts").RowsEvent} RowsEvent */
/** @typedef {import("./documents.ts").RoutesDocument} RoutesDocument */
/** @typedef {import("./routes.js").IndexedRow} IndexedRow */

/** Changes that are shown. */
const mostChanges = 200;
/** The key of the token in the tab's own storage, which ends with the tab. */
const tokenKey = "cloudroutesync-token";

const page = {
  /** @type {StatusDocument | null} */
  status: null,
  /** What the service's clock is ahead of the browser's, in milliseconds. */
  ahead: 0,
  heardAt: 0,
  /** @type {Map<string, IndexedRow>} */
  rows: new Map(),
  /** @type {readonly IndexedRow[]} in the order of their prefixes */
  sorted: [],
  revision: 0,
  leftOut: 0,
  /** @type {Readonly<Record<string, string>>} */
  reasons: {},
  /** @type {readonly ChangeDocument[]} */
  changes: [],
  filter: { words: "", group: "", reason: "" },
  token: sessionStorage.getItem(tokenKey) ?? "",
};

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find #${id} in the page`);
  return found;
}

/**
 * Sets a text if it differs, so that readers of live regions hear each text once.
 *
 * @param {string} id
 * @param {string} text
 */
function setText(id, text) {
  const found = byId(id);
  if (found.textContent !== text) found.textContent = text;
}

const table = new RouteTable(byId("rows"), (row) => showDetail(row));

// What the service says

/** @param {import("./stream.js").StreamEvent} event */
function heard({ event, data }) {
  const value = JSON.parse(data);
  page.heardAt = Date.now();
  if (event === "status") {
    page.ahead = value.now - Date.now();
    if (value.revision > page.revision) void askRows().catch(showTrouble);
    page.status = value.status;
    showStatus(value.status);
  } else if (event === "changes") {
    page.changes = [...value.changes, ...(value.whole ? [] : page.changes)].slice(0, mostChanges);
    showChanges();
  } else if (event === "rows") takeRows(value);
}

/** @param {RowsEvent} event */
function takeRows({ from, revision, rows, gone }) {
  if (revision <= page.revision) return;
  if (rows === null || from !== page.revision) return void askRows().catch(showTrouble);
  const known = rows.every(({ prefix }) => page.rows.has(prefix)) && gone.length === 0;
  for (const row of rows) page.rows.set(row.prefix, indexed(row));
  for (const prefix of gone) page.rows.delete(prefix);
  page.revision = revision;
  page.sorted = known
    ? page.sorted.map((row) => page.rows.get(row.prefix) ?? row)
    : [...page.rows.values()].sort(byPrefix);
  showRows();
}

let asking = false;

/** Asks for all rows, once at a time. */
async function askRows() {
  if (asking) return;
  asking = true;
  try {
    const response = await ask("routes", page.token, AbortSignal.timeout(30_000));
    /** @type {RoutesDocument} */
    const { revision, leftOut, reasons, rows } = await response.json();
    page.rows = new Map(rows.map((row) => [row.prefix, indexed(row)]));
    page.sorted = [...page.rows.values()].sort(byPrefix);
    Object.assign(page, { revision, leftOut, reasons });
    showRows();
  } finally {
    asking = false;
  }
}

// What is shown of the service

/** @param {StatusDocument} status */
function showStatus(status) {
  const { service, since, state } = status;
  document.documentElement.dataset.state = state === "ok" && !status.inStep ? "moving" : state;
  const title = titleOf(status);
  document.title = `${title} · ${service.instance ?? "cloudroutesync"}`;
  setText("verdict", title);
  setText("why", whyText(status));
  byId("since").title = since;
  setText(
    "who",
    [service.instance ?? "this VM is not known yet", service.cloud, `owner ${service.owner}`].join(" · "),
  );
  setText("version", service.version);
  showSteps(nextSteps(status));
  showFlow(status);
  showHeld(status);
  showPeers(status);
  showIcon(state);
  tickClock();
}

/** @param {ReturnType<typeof nextSteps>} steps */
function showSteps(steps) {
  const list = byId("steps");
  const key = JSON.stringify(steps);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(
    ...steps.map(({ command, does }) => element("li", "", ...commandOf(command), element("p", "", does))),
  );
  byId("nothing").hidden = steps.length > 0;
}

/**
 * A command, and a button that copies it.
 *
 * @param {string} command
 * @returns {readonly Node[]}
 */
function commandOf(command) {
  const code = element("code", "", command);
  const button = element("button", "copy", "copy");
  button.setAttribute("aria-label", `copy ${command}`);
  button.addEventListener("click", () => void copy(code, button));
  return [code, button];
}

/**
 * Copies a command; a browser that lets no script copy (a page without TLS) has it selected.
 *
 * @param {HTMLElement} code
 * @param {HTMLElement} button
 */
async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = "copied";
    setTimeout(() => button.textContent = "copy", 1_500);
  } catch {
    getSelection()?.selectAllChildren(code);
  }
}

/** @param {StatusDocument} status */
function showFlow({ flow, cloud }) {
  const sum = (/** @type {"owned" | "foreign" | "peers" | "pending" | "held"} */ key) =>
    flow.tables.reduce((total, table) => total + table[key], 0);
  const isKnown = flow.tables.some(({ known }) => known);
  setText("kernel-count", countText(flow.kernelRoutes));
  setText("wanted-count", countText(flow.wanted));
  setText("cloud-count", isKnown ? countText(sum("owned")) : "unknown");
  const others = [
    [sum("peers"), "of peers"],
    [sum("foreign"), "foreign"],
    [sum("pending"), "pending"],
    [sum("held"), "held"],
  ].filter(([count]) => count !== 0).map(([count, word]) => `${countText(Number(count))} ${word}`);
  setText(
    "cloud-note",
    isKnown ? others.join(" · ") || "nothing else in the table" : "the table is not read yet",
  );
  const readings = cloud.tables.flatMap(({ lastReading }) => lastReading ?? []).sort();
  byId("read").dataset.time = readings[0] ?? "";
  const tries = cloud.tables.flatMap(({ nextTry }) => nextTry ?? []).sort();
  byId("read").dataset.next = tries[0] ?? "";
  showQuotas(flow.tables);
}

/** @param {StatusDocument["flow"]["tables"]} tables */
function showQuotas(tables) {
  const bars = tables.flatMap(({ table, quotas }) =>
    quotas.map(({ families, used, limit }) => {
      const name = `${tables.length > 1 ? `${table} ` : ""}${
        families.map((family) => `IPv${family}`).join(" and ")
      }`;
      return limit === null ? null : quotaBar(name, used, limit);
    })
  ).filter((bar) => bar !== null);
  const none = element("p", "note", "the cloud names no limit");
  byId("quotas").replaceChildren(...(bars.length > 0 ? bars : [none]));
}

/**
 * @param {string} name
 * @param {number} used
 * @param {number} limit
 * @returns {HTMLElement}
 */
function quotaBar(name, used, limit) {
  const bar = document.createElement("meter");
  Object.assign(bar, { max: limit, high: limit * 0.9, optimum: 0, value: used });
  bar.setAttribute("aria-label", `quota ${name}`);
  const numbers = element("b", "", `${countText(used)} of ${countText(limit)}`);
  return element("div", "quota", element("p", "", numbers, ` ${name}`), bar);
}

/** @param {StatusDocument} status */
function showHeld({ held, flow }) {
  const part = byId("held");
  part.hidden = held.length === 0;
  const key = JSON.stringify(held);
  if (part.dataset.key === key) return;
  part.dataset.key = key;
  byId("holds").replaceChildren(...held.map(({ table, count, until, release }) => {
    const clock = element("span", "countdown", "");
    clock.dataset.until = until ?? "";
    clock.setAttribute("role", "timer");
    const of = flow.tables.length > 1 ? ` of ${table}` : "";
    const what = `until ${counted(count, "held withdrawal")}${of} ${
      count === 1 ? "goes" : "go"
    }, if the kernel still says so.`;
    const now = element("span", "release", "To let them go now: ", ...commandOf(release));
    return element("li", "", clock, element("span", "", what), now);
  }));
}

/** @param {StatusDocument} status */
function showPeers({ peers }) {
  const part = byId("peers");
  part.hidden = peers.length === 0;
  const key = JSON.stringify(peers);
  if (part.dataset.key === key) return;
  part.dataset.key = key;
  byId("peer-list").replaceChildren(...peers.map(({ address, state, since, why }) => {
    const age = element("span", "age", "");
    age.dataset.since = since ?? "";
    const item = element(
      "li",
      "",
      element("b", "", address),
      element("span", "state", state),
      age,
      element("span", "note", why),
    );
    item.dataset.state = state;
    return item;
  }));
}

/** What changes each second without news. */
function tickClock() {
  const { status } = page;
  if (status === null) return;
  const now = Date.now() + page.ahead;
  const since = Date.parse(status.since);
  setText("since", `for ${ageText(now - since)}, since ${clockText(since)}`);
  setText("uptime", `up ${ageText(now - Date.parse(status.service.startedAt))}`);
  const { time = "", next = "" } = byId("read").dataset;
  const read = time === "" ? "never read" : `read ${ageText(now - Date.parse(time))} ago`;
  const wait = next === "" ? "" : `, next try in ${ageText(Date.parse(next) - now)}`;
  setText("read", read + wait);
  for (const age of document.querySelectorAll("#peers .age")) {
    const start = age instanceof HTMLElement ? age.dataset.since ?? "" : "";
    age.textContent = start === "" ? "" : `for ${ageText(now - Date.parse(start))}`;
  }
  for (const clock of document.querySelectorAll(".countdown")) {
    const until = clock instanceof HTMLElement ? clock.dataset.until ?? "" : "";
    clock.textContent = until === "" ? "held" : countdownText(Date.parse(until) - now);
  }
}

/** @param {StatusDocument["state"]} state */
function showIcon(state) {
  const colours = { ok: "%231a7f5a", starting: "%236b7280", degraded: "%23c77700", failing: "%23c0392b" };
  const icon = document.querySelector("link[rel=icon]");
  const circle = `<circle cx='8' cy='8' r='6' fill='${colours[state]}'/>`;
  const href =
    `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${circle}</svg>`;
  if (icon?.getAttribute("href") !== href) icon?.setAttribute("href", href);
}

// The changes

function showChanges() {
  const { changes } = page;
  byId("changes").replaceChildren(...changes.map(changeItem));
  byId("no-changes").hidden = changes.length > 0;
  const times = changes.flatMap(({ milliseconds }) => milliseconds ?? []);
  const [median, slowest] = [quantile(times, 0.5), quantile(times, 1)];
  setText(
    "latency",
    median === null || slowest === null
      ? "no change of the kernel yet"
      : `median ${durationText(median)}, slowest ${durationText(slowest)} of the last ${times.length}`,
  );
  setText("latency-count", median === null ? "–" : durationText(median));
  drawLatency(changes);
}

/** What was done, as a sign. */
const signs = { add: "+", replace: "~", delete: "−" };

/**
 * @param {ChangeDocument} change
 * @returns {HTMLElement}
 */
function changeItem({ time, action, prefix, from, to, cause, milliseconds }) {
  const at = element("time", "", clockText(time));
  at.setAttribute("datetime", time);
  at.title = time;
  const sign = element("span", "sign", signs[action]);
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", action);
  const item = element(
    "li",
    "",
    sign,
    element("b", "", prefix),
    element("span", "ms", milliseconds === null ? "" : durationText(milliseconds)),
    at,
    element("span", "way", `${from ?? "none"} → ${to ?? "none"}`, element("span", "cause", cause)),
  );
  item.dataset.action = action;
  item.dataset.cause = cause;
  return item;
}

/**
 * A bar a change, the newest on the right, on a logarithmic scale from 1 ms to 10 s.
 *
 * @param {readonly ChangeDocument[]} changes
 */
function drawLatency(changes) {
  const shape = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    return made;
  };
  const timed = changes.filter(({ milliseconds }) => milliseconds !== null).slice(0, 100);
  const bars = timed.map(({ milliseconds, cause }, index) => {
    const height = Math.max(1, Math.min(32, Math.log10(Math.max(1, milliseconds ?? 1)) / 4 * 32));
    return shape("rect", { x: 397 - index * 4, y: 32 - height, width: 3, height, class: cause });
  });
  byId("latency-bars").replaceChildren(...bars);
}

// The routes

function showRows() {
  const { filter, sorted } = page;
  const { groups, reasons } = countRows(sorted, filter.group);
  for (const choice of document.querySelectorAll("#groups [data-count]")) {
    const group = choice instanceof HTMLElement ? choice.dataset.count ?? "" : "";
    choice.textContent = countText(group === "" ? sorted.length : groups.get(group) ?? 0);
  }
  showReasons(reasons);
  const rows = filtered(sorted, filter);
  table.show(rows);
  const isAddress = /^[0-9a-f.:]+$/i.test(filter.words.trim()) && /[.:]/.test(filter.words);
  const match = isAddress && rows[0] !== undefined ? `, longest match first: ${rows[0].prefix}` : "";
  setText("found", `${counted(rows.length, "prefix").replace(/xs$/, "xes")}${match}`);
  byId("left-out").hidden = page.leftOut === 0;
  setText(
    "left-out",
    `${
      counted(page.leftOut, "further kernel route")
    } are not listed: there are too many, or it is not known yet who this VM is`,
  );
  byId("empty").hidden = rows.length > 0;
  const selected = page.rows.get(table.selected);
  if (selected !== undefined && !byId("detail").hidden) showDetail(selected);
}

/** @param {Map<string, number>} reasons */
function showReasons(reasons) {
  const select = byId("reason");
  if (!(select instanceof HTMLSelectElement)) return;
  const chosen = page.filter.reason;
  const named = [...reasons].sort(([, one], [, other]) => other - one);
  if (chosen !== "" && !reasons.has(chosen)) named.push([chosen, 0]);
  const key = JSON.stringify([named, chosen]);
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  const names = Object.fromEntries(Object.entries(states).map(([state, { name }]) => [state, name]));
  select.replaceChildren(
    new Option("every reason", ""),
    ...named.map(([reason, count]) =>
      new Option(`${names[reason] ?? reason} (${countText(count)})`, reason, false, reason === chosen)
    ),
  );
}

/** @param {IndexedRow} row */
function showDetail(row) {
  const part = byId("detail");
  part.hidden = false;
  setText("detail-prefix", row.prefix);
  const kernel = row.kernel.map(({ via, protocol, metric, reason }) =>
    element(
      "li",
      "",
      `${via}, ${protocol}, metric ${metric}: `,
      element("b", "", reason === null ? "wanted" : reason),
      reason === null ? "" : ` – ${page.reasons[reason] ?? "dropped"}`,
    )
  );
  const cloud = row.cloud.map(({ table, state, to, owner, why }) =>
    element(
      "li",
      "",
      `${table}: `,
      stateMark(state),
      to === null ? " no route" : ` ${owner} → ${to}`,
      why === null ? "" : ` – ${why}`,
    )
  );
  const none = (/** @type {string} */ text) => [element("li", "none", text)];
  byId("detail-kernel").replaceChildren(
    ...(kernel.length > 0 ? kernel : none("no route for exactly this prefix")),
  );
  byId("detail-cloud").replaceChildren(...(cloud.length > 0 ? cloud : none("no route, and none is wanted")));
  byId("detail-command").replaceChildren(...commandOf(`cloudroutesync explain ${row.prefix}`));
}

// The connection

/** @param {unknown} error */
function showTrouble(error) {
  const status = error instanceof AskError ? error.status : 0;
  byId("login").hidden = status !== 401;
  if (status === 401) {
    setText("login-why", page.token === "" ? "" : "This token is not the service's.");
    if (!byId("login").contains(document.activeElement)) byId("token").focus();
  }
  const since = page.heardAt === 0 ? "" : `; what is shown is of ${clockText(page.heardAt)}`;
  setText(
    "trouble",
    status === 401 ? "" : `${error instanceof Error ? error.message : "No connection"}${since}`,
  );
  document.documentElement.dataset.link = status === 401 ? "locked" : "broken";
  setText("link", status === 401 ? "locked" : "not connected");
}

function showConnected() {
  byId("login").hidden = true;
  setText("trouble", "");
  setText("link", "live");
  document.documentElement.dataset.link = "live";
}

/** Follows the service for as long as the page is open. */
async function run() {
  for (let failures = 0;; failures++) {
    try {
      page.revision = 0;
      await askRows();
      await follow(page.token, (event) => {
        failures = 0;
        showConnected();
        heard(event);
      });
      throw new AskError(0, "The service ended the connection");
    } catch (error) {
      showTrouble(error);
      if (error instanceof AskError && error.status === 401) await tokenGiven();
      else await new Promise((done) => setTimeout(done, Math.min(10_000, 1_000 * 2 ** failures)));
    }
  }
}

/** Waits until a token was typed. */
async function tokenGiven() {
  await new Promise((done) => byId("login").addEventListener("submit", done, { once: true }));
}

/** @param {Event} event */
function login(event) {
  event.preventDefault();
  const field = byId("token");
  if (!(field instanceof HTMLInputElement)) return;
  page.token = field.value.trim();
  sessionStorage.setItem(tokenKey, page.token);
  field.value = "";
}

/** @param {Event} event */
function filterChanged({ target }) {
  if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return;
  if (target.id === "search") page.filter.words = target.value;
  else if (target.id === "reason") page.filter.reason = target.value;
  else Object.assign(page.filter, { group: target.value, reason: "" });
  byId("rows").scrollTop = 0;
  showRows();
}

byId("filters").addEventListener("input", filterChanged);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("login").addEventListener("submit", login);
byId("detail-close").addEventListener("click", () => {
  byId("detail").hidden = true;
  table.focusSelected();
});
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    byId("search").focus();
  }
  if (event.key === "Escape") byId("detail").hidden = true;
});
setInterval(tickClock, 1_000);
void run();
