/** Routers that `-route-table` names and that cannot be kept: the others are, and they are looked for again. */

import assert from "node:assert/strict";
import type { RigSteps } from "../rig_steps.ts";
import { open, rejects, signal } from "./helpers.ts";

/** See the head of this file. */
export const handedOverSteps: RigSteps = {
  async "a router that comes to be, and one that comes to this VM's subnet, are kept once they are looked up again"(
    rig,
  ): Promise<void> {
    const { ids, member } = rig;
    const make = async (name: string): Promise<string> =>
      (await member.create("neutron", "routers", "router", { name })).id;
    const strange = await make("strange");
    const cloud = open(rig, { routeTables: ["r1", "late", "strange"] });
    const [kept, stranger, missing] = await cloud.prepare(signal());
    assert.ok(kept !== undefined && stranger !== undefined && missing !== undefined);
    assert.deepEqual([kept.id, stranger.id, missing.id], [ids.router, strange, "late"]);
    assert.equal((await cloud.read(kept, signal())).table.id, ids.router);
    await rejects(cloud.read(stranger, signal()), "invalid", /router strange .* is on a subnet of it/);
    await rejects(cloud.read(missing, signal()), "gone", /Cannot find router "late"/);
    const late = await make("late");
    const ports = await Promise.all(
      [late, strange].map(async (router) => {
        const port = await member.create("neutron", "ports", "port", { network_id: ids.network });
        await member.neutron("PUT", `routers/${router}/add_router_interface`, { port_id: port.id });
        return { router, port: port.id };
      }),
    );
    try {
      await rejects(cloud.read(missing, signal()), "gone", /late .* has come since/);
      const tables = await cloud.prepare(signal());
      assert.deepEqual(tables.map(({ id }) => id), [ids.router, late, strange]);
      for (const table of tables) assert.deepEqual((await cloud.read(table, signal())).routes, []);
    } finally {
      for (const { router, port } of ports) {
        await member.neutron("PUT", `routers/${router}/remove_router_interface`, { port_id: port });
        await member.neutron("DELETE", `routers/${router}`);
      }
    }
  },
};
