/** Writes that are refused: quota, a bad change, a failing call, a Neutron without atomic calls. */

import assert from "node:assert/strict";
import type { RigSteps } from "../rig_steps.ts";
import {
  add,
  afterReading,
  hideAtomic,
  peer,
  ready,
  rejects,
  replace,
  routesExhausted,
  self,
  withdraw,
} from "./helpers.ts";

/** See the head of this file. */
export const refusalSteps: RigSteps = {
  async "write() says quota and its limit for a list that does not fit whole, and writes nothing of it"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const table = await ready(rig);
    const changes = [add("198.51.1.0/24", self), add("198.51.2.0/24", self)];
    const error = await rejects(table.write(changes, await table.read()), "quota", /limit is 2/);
    assert.equal(error.limit, 2);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },

  async "write() learns the limit of an older Neutron from its error, and read() knows it then"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    rig.proxy.inject({ match: /GET .*quotas/, answer: () => Response.json({ quota: { router: 10 } }) });
    rig.proxy.inject({ match: /PUT/, times: 1, answer: () => routesExhausted(2) });
    const table = await ready(rig);
    const before = await table.read();
    assert.equal(before.quotas[0]?.limit, null);
    const changes = [1, 2, 3].map((index) => add(`198.51.${index}.0/24`, self));
    await rejects(table.write(changes, before), "quota", /router/i);
    assert.deepEqual((await table.read()).quotas, [{
      families: [4, 6],
      used: 0,
      limit: 2,
      perNextHop: true,
    }]);
  },

  async "write() changes a next hop in a full router"(rig): Promise<void> {
    await rig.setRouteQuota(2);
    await rig.setRoutes([
      { destination: "198.51.100.0/24", nexthop: self },
      { destination: "203.0.113.0/24", nexthop: "10.0.0.77" },
    ]);
    const table = await ready(rig);
    const result = await table.write([replace("198.51.100.0/24", [self], [peer])], await table.read());
    assert.deepEqual(result.outcomes, [null]);
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.100.0/24 via 10.0.0.30",
      "203.0.113.0/24 via 10.0.0.77",
    ]);
  },

  async "write() says quota in a full router with a foreign pair that Neutron would not take again"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    const pairs = [{ destination: "198.51.100.0/24", nexthop: self }, {
      destination: "203.0.113.7/24",
      nexthop: "10.0.0.77",
    }];
    await rig.addRoutes(pairs);
    const table = await ready(rig);
    const change = replace("198.51.100.0/24", [self], [peer]);
    await rejects(table.write([change], await table.read()), "quota", /limit is 2/);
    assert.deepEqual(await rig.routes(), pairs);
  },

  async "write() says which change is bad and does the others"(rig): Promise<void> {
    const table = await ready(rig);
    const changes = [
      add("198.51.1.0/24", self),
      add("198.51.2.0/24", "192.0.2.99"),
      add("198.51.3.0/24", peer),
    ];
    const { outcomes } = await table.write(changes, await table.read());
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "invalid", null]);
    assert.match(outcomes[1]?.message ?? "", /^Cannot add 198.51.2.0\/24 via 192.0.2.99 .*not connected/);
    assert.deepEqual(await rig.routeTexts(), ["198.51.1.0/24 via 10.0.0.20", "198.51.3.0/24 via 10.0.0.30"]);
  },

  async "write() does the adds when the removal after them fails"(rig): Promise<void> {
    await rig.setRoutes([{ destination: "198.51.1.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    rig.proxy.inject({ match: /remove_extraroutes/, answer: () => new Response("boom", { status: 500 }) });
    const { outcomes, state: after } = await table.write([
      add("198.51.2.0/24", self),
      withdraw("198.51.1.0/24", self),
    ], state);
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "unavailable"]);
    assert.equal(after, undefined);
  },

  async "write() without extraroute-atomic carries over all foreign pairs"(rig): Promise<void> {
    hideAtomic(rig);
    await rig.setRoutes([
      { destination: "203.0.113.0/24", nexthop: "10.0.0.77" },
      { destination: "198.51.1.0/24", nexthop: self },
    ]);
    const table = await ready(rig);
    const result = await table.write([
      replace("198.51.1.0/24", [self], [peer]),
      add("198.51.2.0/24", self),
    ], await table.read());
    assert.deepEqual(result.outcomes, [null, null]);
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.1.0/24 via 10.0.0.30",
      "198.51.2.0/24 via 10.0.0.20",
      "203.0.113.0/24 via 10.0.0.77",
    ]);
    assert.equal(rig.proxy.callsTo(/extraroutes/).length, 0);
  },

  async "write() without extraroute-atomic says conflict when another has written since the reading"(
    rig,
  ): Promise<void> {
    hideAtomic(rig);
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    await rejects(table.write([add("198.51.1.0/24", self)], state), "conflict", /revision/);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },

  async "write() without extraroute-atomic says conflict when another writes between its two calls"(
    rig,
  ): Promise<void> {
    hideAtomic(rig);
    const table = await ready(rig);
    const state = await table.read();
    afterReading(rig, { destination: "203.0.113.0/24", nexthop: "10.0.0.77" });
    const error = await rejects(table.write([add("198.51.1.0/24", self)], state), "conflict", /revision/);
    assert.equal(error.status, 412);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },
};
