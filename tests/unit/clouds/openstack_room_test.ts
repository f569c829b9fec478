import assert from "node:assert/strict";
import type { Change, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { countFitting, roomAfter } from "../../../src/clouds/openstack/room.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";

const prefix = parsePrefix("198.51.100.0/24");

function change(from: string[], to: string[]): Change {
  return { action: "replace", prefix, from: { prefix, nextHops: from, owner: null }, to };
}

const state: TableState = {
  table: { id: "r", name: "r", ours: false },
  routes: [],
  quotas: [{ families: [4, 6], used: 28, limit: null }],
  version: null,
};

Deno.test("roomAfter() is what the limit leaves, never less than nothing", () => {
  assert.equal(roomAfter(new CloudError("quota", "full", { limit: 30 }), state), 2);
  assert.equal(roomAfter(new CloudError("quota", "full", { limit: 10 }), state), 0);
  assert.equal(roomAfter(new CloudError("quota", "full"), state), 0);
  assert.equal(roomAfter(new CloudError("denied", "no", { limit: 30 }), state), 0);
});

Deno.test("countFitting() counts the pairs that changes add, in their order", () => {
  const changes = [
    change([], ["10.0.0.2"]),
    change(["10.0.0.2"], ["10.0.0.2", "10.0.0.3"]),
    change([], ["10.0.0.2"]),
  ];
  assert.deepEqual([0, 1, 2, 3, 9].map((room) => countFitting(changes, room)), [0, 1, 2, 3, 3]);
  assert.equal(countFitting([change([], ["10.0.0.2", "10.0.0.3"])], 1), 0);
});
