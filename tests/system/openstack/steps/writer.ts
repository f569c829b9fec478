/** Reading the router, and writes that are taken or meet another writer. */

import assert from "node:assert/strict";
import type { Change } from "../../../../src/clouds/cloud.ts";
import type { RigSteps } from "../rig_steps.ts";
import {
  add,
  afterReading,
  hideExtension,
  peer,
  ready,
  rejects,
  replace,
  routeText,
  self,
  withdraw,
} from "./helpers.ts";

/** See the head of this file. */
export const writeSteps: RigSteps = {
  async "read() gives one route a pair, and foreign texts as they are written"(rig): Promise<void> {
    await rig.addRoutes([
      { destination: "198.51.100.0/24", nexthop: self },
      { destination: "198.51.100.0/24", nexthop: peer },
      { destination: "203.0.113.7/24", nexthop: self },
      { destination: "2001:DB8:0::/32", nexthop: "fd00:10::20" },
    ]);
    const { routes, quotas, version } = await (await ready(rig)).read();
    assert.deepEqual(routes.map(routeText).sort(), [
      "198.51.100.0/24 > 10.0.0.20",
      "198.51.100.0/24 > 10.0.0.30",
      "2001:db8::/32 > fd00:10::20 (written as 2001:DB8:0::/32)",
      "203.0.113.0/24 > 10.0.0.20 (written as 203.0.113.7/24)",
    ]);
    assert.deepEqual(quotas, [{ families: [4, 6], used: 4, limit: 30, perNextHop: true }]);
    assert.match(version ?? "", /^[0-9]+$/);
  },

  async "write() adds 30 routes in one call and gives the table back"(rig): Promise<void> {
    const table = await ready(rig);
    const prefixes = Array.from({ length: 30 }, (_, index) => `198.51.${index}.0/24`);
    const state = await table.read();
    await table.write([add("192.0.2.0/24", self)], state);
    await table.write([withdraw("192.0.2.0/24", self)], state);
    rig.proxy.clear();
    const result = await table.write(prefixes.map((prefix) => add(prefix, self)), state);
    assert.equal(rig.proxy.callsTo(/PUT/).length, 1);
    assert.deepEqual(result.outcomes, prefixes.map(() => null));
    assert.equal(result.state?.routes.length, 30);
    assert.deepEqual(result.state?.quotas, [{ families: [4, 6], used: 30, limit: 30, perNextHop: true }]);
    assert.deepEqual(result.state, await table.read());
    assert.equal((await rig.routes()).length, 30);
  },

  async "write() changes a next hop without a moment in which the prefix has none"(rig): Promise<void> {
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    const between: string[][] = [];
    rig.proxy.inject({
      match: /extraroutes/,
      change: async (response) => {
        between.push(await rig.routeTexts());
        return response;
      },
    });
    const result = await table.write([replace("198.51.100.0/24", [self], [peer])], state);
    assert.deepEqual(between, [
      ["198.51.100.0/24 via 10.0.0.20", "198.51.100.0/24 via 10.0.0.30"],
      ["198.51.100.0/24 via 10.0.0.30"],
    ]);
    assert.deepEqual(result.outcomes, [null]);
    assert.deepEqual(result.state?.routes.map(routeText), ["198.51.100.0/24 > 10.0.0.30"]);
  },

  async "write() leaves a next hop alone that stays, and touches no other pair of the prefix"(
    rig,
  ): Promise<void> {
    await rig.setRoutes([
      { destination: "198.51.100.0/24", nexthop: self },
      { destination: "198.51.100.0/24", nexthop: "10.0.0.77" },
    ]);
    const table = await ready(rig);
    await table.write([replace("198.51.100.0/24", [self], [peer, self])], await table.read());
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.100.0/24 via 10.0.0.20",
      "198.51.100.0/24 via 10.0.0.30",
      "198.51.100.0/24 via 10.0.0.77",
    ]);
    assert.equal(rig.proxy.callsTo(/remove_extraroutes/).length, 0);
    await table.write([withdraw("198.51.100.0/24", self, peer)], await table.read());
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.77"]);
  },

  async "write() does what is done already once more without harm"(rig): Promise<void> {
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    const result = await table.write([add("198.51.100.0/24", self), withdraw("192.0.2.0/24", self)], state);
    assert.deepEqual(result.outcomes, [null, null]);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.20"]);
  },

  async "write() says conflict for a pair that another has written since the reading"(rig): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "198.51.100.0/24", nexthop: peer }]);
    const changes = [add("198.51.100.0/24", peer), add("198.51.101.0/24", peer)];
    await rejects(table.write(changes, state), "conflict", /198.51.100.0\/24 via 10.0.0.30 .* since/);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.30"]);
  },

  async "write() says conflict where another route of the prefix, however written, came since the reading"(
    rig,
  ): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "198.51.100.7/24", nexthop: "10.0.0.77" }]);
    await rejects(table.write([add("198.51.100.0/24", self)], state), "conflict", /198.51.100.7\/24/);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.7/24 via 10.0.0.77"]);
  },

  async "write() goes on where others have changed other routes since the reading"(rig): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const { outcomes } = await table.write([add("198.51.100.0/24", self)], state);
    assert.deepEqual(outcomes, [null]);
    assert.equal((await rig.routes()).length, 2);
  },

  async "write() says conflict when another writes between its two calls"(rig): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    afterReading(rig, { destination: "203.0.113.0/24", nexthop: "10.0.0.77" });
    const error = await rejects(table.write([add("198.51.100.0/24", self)], state), "conflict", /revision/);
    assert.equal(error.status, 412);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },

  async "write() sends each addition on the condition that the router is as the answer before showed it"(
    rig,
  ): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    rig.proxy.clear();
    const changes = [
      add("198.51.1.0/24", self),
      add("198.51.2.0/24", "192.0.2.99"),
      add("198.51.3.0/24", peer),
    ];
    const { outcomes } = await table.write(changes, state);
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "invalid", null]);
    const revision = Number(state.version);
    const conditions = rig.proxy.callsTo(/add_extraroutes/).filter(({ requestBody }) =>
      requestBody.includes("destination")
    ).map(({ ifMatch, status }) => [ifMatch, status]);
    assert.deepEqual(conditions, [
      [`revision_number=${revision}`, 400],
      [`revision_number=${revision}`, 400],
      [`revision_number=${revision}`, 200],
      [`revision_number=${revision + 1}`, 400],
      [`revision_number=${revision + 1}`, 200],
    ]);
  },

  async "write() finds in each part of a list what another has written while it looked for a bad change"(
    rig,
  ): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    rig.proxy.inject({
      match: /add_extraroutes/,
      times: 1,
      change: async (response) => {
        await rig.addRoutes([{ destination: "198.51.2.0/24", nexthop: peer }]);
        return response;
      },
    });
    const { outcomes } = await table.write(
      [add("198.51.1.0/24", "192.0.2.99"), add("198.51.2.0/24", peer)],
      state,
    );
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), ["invalid", "conflict"]);
  },

  async "write() exchanges pairs in a full router though others have written since the reading"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const { outcomes } = await table.write([replace("198.51.100.0/24", [self], [peer])], state);
    assert.deepEqual(outcomes, [null]);
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.100.0/24 via 10.0.0.30",
      "203.0.113.0/24 via 10.0.0.77",
    ]);
  },

  async "write() sends no condition to a Neutron that knows none, and still says conflict"(
    rig,
  ): Promise<void> {
    hideExtension(rig, "revision-if-match");
    const table = await ready(rig);
    const state = await table.read();
    await table.write([add("198.51.101.0/24", peer)], state);
    assert.deepEqual(rig.proxy.callsTo(/PUT/).map(({ ifMatch }) => ifMatch), [null]);
    await rig.addRoutes([{ destination: "198.51.100.0/24", nexthop: peer }]);
    await rejects(table.write([add("198.51.100.0/24", peer)], state), "conflict", /since/);
  },

  async "write() replaces a foreign route by its exact text"(rig): Promise<void> {
    await rig.addRoutes([{ destination: "198.51.100.7/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    const [from] = state.routes;
    assert.ok(from !== undefined);
    const change: Change = { action: "replace", prefix: from.prefix, from, to: [self] };
    await table.write([change], state);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.20"]);
  },

  async "write() writes IPv6 in the form that it reads back"(rig): Promise<void> {
    const table = await ready(rig);
    const result = await table.write([add("2001:db8:0:1::/64", "fd00:10::20")], await table.read());
    assert.deepEqual(result.state?.routes.map(routeText), ["2001:db8:0:1::/64 > fd00:10::20"]);
    assert.equal(result.state?.routes[0]?.id, undefined);
  },
};
