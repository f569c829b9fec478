/** What changed in the rows. */

import assert from "node:assert/strict";
import { RouteBoard } from "../../../src/observe/route_board.ts";
import { type RouteRow, worstState } from "../../../src/observe/route_row.ts";

const row = (prefix: string, state: RouteRow["state"] = "in-step"): RouteRow => ({
  prefix,
  kernel: [],
  verdict: "wanted",
  reason: null,
  state,
  cloud: [],
});

Deno.test("RouteBoard names new, changed and gone rows, and nothing where nothing changed", () => {
  const board = new RouteBoard();
  const [one, other, kept] = [row("10.0.0.0/8"), row("10.1.0.0/16"), row("10.3.0.0/16")];
  const first = board.update({ rows: [one, other, kept], leftOut: 0 });
  assert.deepEqual(first, { from: 0, revision: 1, rows: null, gone: [] });
  assert.equal(board.update({ rows: [one, other, kept], leftOut: 0 }), null);
  const changed = [row("10.0.0.0/8", "held"), row("10.2.0.0/16")];
  assert.deepEqual(board.update({ rows: [...changed, kept], leftOut: 0 }), {
    from: 1,
    revision: 2,
    rows: changed,
    gone: ["10.1.0.0/16"],
  });
  const document = JSON.parse(board.document);
  assert.deepEqual([document.format, document.revision, document.rows], [2, 2, [...changed, kept]]);
  assert.match(document.reasons.shadowed, /lower metric/);
});

Deno.test("RouteBoard does not name rows one by one where there are thousands", () => {
  const board = new RouteBoard();
  const rows = Array.from({ length: 1_500 }, (_, index) => row(`10.${index >> 8}.${index & 255}.0/24`));
  board.update({ rows: rows.slice(0, 10), leftOut: 0 });
  assert.deepEqual(board.update({ rows, leftOut: 7 }), { from: 1, revision: 2, rows: null, gone: [] });
  assert.deepEqual([JSON.parse(board.document).rows.length, JSON.parse(board.document).leftOut], [1_500, 7]);
});

Deno.test("RouteBoard counts on after it forgot its rows", () => {
  const board = new RouteBoard();
  board.update({ rows: [row("10.0.0.0/8")], leftOut: 0 });
  board.forget();
  assert.deepEqual(JSON.parse(board.document).rows, []);
  assert.equal(board.update({ rows: [row("10.0.0.0/8")], leftOut: 0 })?.revision, 2);
});

Deno.test("worstState() is what needs a person first", () => {
  assert.equal(worstState(["in-step", "blocked", "pending"]), "blocked");
  assert.equal(worstState(["foreign", "in-step"]), "in-step");
  assert.equal(worstState([]), "dropped");
});
