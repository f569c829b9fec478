/** What a table holds after changes of which the cloud said only that they are done. */

import assert from "node:assert/strict";
import { withChanges } from "../../../src/sync/changed_state.ts";
import {
  addChange,
  cloudRoute,
  deleteChange,
  quota,
  replaceChange,
  tableState,
} from "../../fakes/cloud_routes.ts";

Deno.test("withChanges() adds, replaces and deletes, and counts the places", () => {
  const before = tableState(
    [cloudRoute("10.1.0.0/16", "eni-1", null), cloudRoute("10.2.0.0/16", "eni-1", null)],
    [quota(2, 50), quota(7, 50, [6])],
  );
  const after = withChanges(before, [
    addChange("10.3.0.0/16"),
    addChange("10.4.0.0/16"),
    replaceChange("10.1.0.0/16"),
    deleteChange("10.2.0.0/16"),
  ]);
  assert.deepEqual(
    after.routes.map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`).sort(),
    ["10.1.0.0/16 eni-2", "10.3.0.0/16 eni-1", "10.4.0.0/16 eni-1"],
  );
  assert.deepEqual(after.quotas.map(({ used }) => used), [3, 7]);
});

Deno.test("withChanges() leaves a route of the cloud's own beside the one that is changed", () => {
  const propagated = { ...cloudRoute("10.1.0.0/16", "vgw-1", null), fixed: true };
  const before = tableState([cloudRoute("10.1.0.0/16", "eni-1", null), propagated]);
  const after = withChanges(before, [deleteChange("10.1.0.0/16")]);
  assert.deepEqual(after.routes, [propagated]);
});
