// @ts-check
/// <reference lib="dom" />
/** The table of routes: of thousands of rows only those in view are in the document. */

import { states } from "./routes.js";

/** @typedef {import("./routes.js").IndexedRow} IndexedRow */

/** Rows beyond the edges of the view, so that scrolling shows no gap. */
const margin = 8;

/**
 * Makes an element.
 *
 * @param {string} name
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

/** See the head of this file. */
export class RouteTable {
  /**
   * @param {HTMLElement} scroller what scrolls; it holds a `table` with a `tbody`.
   * @param {(row: IndexedRow) => void} onSelect
   */
  constructor(scroller, onSelect) {
    const table = scroller.querySelector("table");
    const body = table?.tBodies[0];
    if (!table || !body) throw new Error("Cannot find the table of routes in the page");
    this.scroller = scroller;
    this.table = table;
    this.body = body;
    this.onSelect = onSelect;
    /** @type {readonly IndexedRow[]} */
    this.rows = [];
    /** The prefix of the row that was selected. */
    this.selected = "";
    this.drawing = 0;
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(scroller);
    body.addEventListener("click", (event) => this.clicked(event));
    scroller.addEventListener("keydown", (event) => this.keyed(event));
  }

  /**
   * Shows these rows.
   *
   * @param {readonly IndexedRow[]} rows
   */
  show(rows) {
    this.rows = rows;
    this.table.setAttribute("aria-rowcount", String(rows.length + 1));
    this.draw();
  }

  /** Draws the rows in view before the next frame. */
  draw() {
    if (this.drawing !== 0) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.drawNow();
    });
  }

  drawNow() {
    const { scroller, rows, body } = this;
    const height = this.rowHeight();
    const first = Math.max(0, Math.floor(scroller.scrollTop / height) - margin);
    const last = Math.min(rows.length, first + Math.ceil(scroller.clientHeight / height) + 2 * margin);
    const focused = body.contains(document.activeElement);
    const inView = rows.slice(first, last);
    // One row of those in view can be reached by the tab key: the selected one, else the first.
    const reachable = Math.max(0, inView.findIndex(({ prefix }) => prefix === this.selected));
    const drawn = inView.map((row, index) => {
      const made = this.rowElement(row, first + index);
      made.tabIndex = index === reachable ? 0 : -1;
      return made;
    });
    body.replaceChildren(spacer(first * height), ...drawn, spacer((rows.length - last) * height));
    // The row that had the focus was replaced.
    if (focused) this.focusSelected();
  }

  /** @returns {number} in pixels; the style sheet decides. */
  rowHeight() {
    return parseFloat(getComputedStyle(this.scroller).getPropertyValue("--row-height")) || 32;
  }

  /**
   * @param {IndexedRow} row
   * @param {number} index
   * @returns {HTMLElement}
   */
  rowElement(row, index) {
    const [kernel, ...others] = row.kernel;
    const made = element(
      "tr",
      "",
      cell("prefix", row.prefix),
      cell(
        "kernel",
        ...(kernel === undefined ? [element("span", "none", "none")] : [
          kernel.via.replace(/^via /, ""),
          element(
            "span",
            "note",
            `${kernel.protocol} ${kernel.metric}${others.length > 0 ? ` +${others.length}` : ""}`,
          ),
        ]),
      ),
      cell("verdict", ...verdictOf(row)),
      cell("cloud", ...cloudOf(row)),
    );
    made.dataset.index = String(index);
    made.dataset.state = row.state;
    made.setAttribute("role", "row");
    made.setAttribute("aria-rowindex", String(index + 2));
    made.setAttribute("aria-selected", String(row.prefix === this.selected));
    return made;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const row = event.target instanceof Element ? event.target.closest("tr[data-index]") : null;
    if (row instanceof HTMLElement) this.select(Number(row.dataset.index));
  }

  /** @param {KeyboardEvent} event */
  keyed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight()) - 2);
    const current = this.rows.findIndex(({ prefix }) => prefix === this.selected);
    /** @type {Record<string, number>} */
    const goals = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: this.rows.length - 1,
      Enter: current,
      " ": current,
    };
    const goal = goals[event.key];
    if (goal === undefined || this.rows.length === 0) return;
    event.preventDefault();
    this.select(Math.min(this.rows.length - 1, Math.max(0, goal)));
    this.focusSelected();
  }

  /**
   * Selects a row and brings it into view.
   *
   * @param {number} index
   */
  select(index) {
    const row = this.rows[index];
    if (row === undefined) return;
    this.selected = row.prefix;
    const { scroller } = this;
    const height = this.rowHeight();
    const head = this.table.tHead?.offsetHeight ?? 0;
    const top = index * height;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    const bottom = top + height + head;
    if (bottom > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = bottom - scroller.clientHeight;
    }
    this.drawNow();
    this.onSelect(row);
  }

  focusSelected() {
    const row = this.body.querySelector('tr[aria-selected="true"]');
    if (row instanceof HTMLElement) row.focus({ preventScroll: true });
    else this.scroller.focus({ preventScroll: true });
  }
}

/**
 * @param {string} className
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
function cell(className, ...children) {
  const made = element("td", className, ...children);
  // The style sheet lays rows out as blocks on a phone, which would take their meaning from them.
  made.setAttribute("role", "cell");
  made.title = made.textContent ?? "";
  return made;
}

/**
 * @param {number} height
 * @returns {HTMLElement}
 */
function spacer(height) {
  const made = element("tr", "spacer", element("td"));
  made.setAttribute("aria-hidden", "true");
  made.style.height = `${height}px`;
  return made;
}

/**
 * @param {IndexedRow} row
 * @returns {readonly (Node | string)[]}
 */
function verdictOf({ verdict, reason }) {
  if (verdict === "wanted") return ["wanted"];
  if (verdict === "absent") return [element("span", "none", "no kernel route")];
  return [element("span", "none", reason ?? "dropped")];
}

/**
 * @param {IndexedRow} row
 * @returns {readonly (Node | string)[]}
 */
function cloudOf({ state, cloud }) {
  if (state === "dropped") return [element("span", "none", "not wanted")];
  const decisive = cloud.find((each) => each.state === state);
  const to = decisive?.to ?? null;
  return [stateMark(state), ...(to === null ? [] : [element("span", "to", to)])];
}

/**
 * The state in a word, with a sign that does not need its colour.
 *
 * @param {IndexedRow["state"]} state
 * @returns {HTMLElement}
 */
export function stateMark(state) {
  const mark = element("span", "state", states[state].name);
  mark.dataset.group = states[state].group;
  mark.dataset.state = state;
  return mark;
}
