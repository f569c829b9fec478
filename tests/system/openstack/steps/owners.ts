/** Two writers of one router, each with a reading of its own: who owns a route that both want. */

import { alone } from "../../../fakes/groups.ts";
import assert from "node:assert/strict";
import { openOpenstack } from "../../../../src/clouds/openstack/openstack.ts";
import type { WantedRoute } from "../../../../src/routes/route_judge.ts";
import { parseAddress, parsePrefix } from "../../../../src/routes/prefix.ts";
import { Ledger } from "../../../../src/sync/ledger.ts";
import { memoryStore } from "../../../../src/sync/ledger_store.ts";
import { ApiBudget } from "../../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../../src/sync/wanted_routes.ts";
import type { SyncSettings } from "../../../../src/sync/table_round.ts";
import { systemClock } from "../../../../src/async/system_clock.ts";
import { openstackOptions } from "../../../fakes/openstack/options.ts";
import type { OpenstackRig } from "../../../fakes/openstack/rig.ts";
import type { RigSteps } from "../rig_steps.ts";

const peer = "10.0.0.30";
const shared = "198.51.100.0/24";
const sharedPair = { destination: shared, nexthop: peer };

/** See the head of this file. */
export const ownerSteps: RigSteps = {
  async "the pair that one has written since the other read stays when the other withdraws"(
    rig,
  ): Promise<void> {
    const first = await Writer.start(rig, "router-a");
    const second = await Writer.start(rig, "router-b");
    await first.announce(shared);
    await second.announce(shared);
    assert.deepEqual([...second.ledger.claims.keys()], []);
    assert.deepEqual(second.reconciler.status.conflicts, [shared]);
    await second.withdraw(shared);
    assert.deepEqual(await rig.routeTexts(), [`${shared} via ${peer}`]);
    await first.withdraw(shared);
    assert.deepEqual(await rig.routeTexts(), []);
  },

  async "the pair that an operator has written since the reading stays"(rig): Promise<void> {
    const writer = await Writer.start(rig, "router-a");
    await rig.addRoutes([sharedPair]);
    await writer.announce(shared);
    assert.deepEqual([...writer.ledger.claims.keys()], []);
    await writer.withdraw(shared);
    assert.deepEqual(await rig.routeTexts(), [`${shared} via ${peer}`]);
  },

  async "a route gets through though another writes between its calls, twice"(rig): Promise<void> {
    const writer = await Writer.start(rig, "router-a");
    // The second is written when the conflict has the router read again, which disturbs nobody.
    const others = [0, 1, 2].map((index) => `203.0.${index}.0/24 via 10.0.0.77`);
    let written = 0;
    rig.proxy.inject({
      match: /GET .*\/routers\//,
      times: others.length,
      change: async (response) => {
        await rig.addRoutes([{ destination: `203.0.${written++}.0/24`, nexthop: "10.0.0.77" }]);
        return response;
      },
    });
    await writer.announce(shared);
    assert.deepEqual(rig.proxy.callsTo(/PUT/).map(({ status }) => status), [412, 412, 200]);
    assert.deepEqual([...writer.ledger.claims], [[shared, { nextHops: [peer], confirmed: true }]]);
    await writer.withdraw(shared);
    assert.deepEqual(await rig.routeTexts(), others);
  },
};

const settings: SyncSettings = {
  coalesceMs: 0,
  withdrawDelayMs: 0,
  auditMs: 300_000,
  guard: { maxWithdraw: 0.3, holdMs: 120_000 },
  adopt: false,
  group: alone,
};

/** One instance of the program, without its kernel; it has read the router when it is started. */
class Writer {
  readonly reconciler: Reconciler;
  readonly ledger: Ledger;
  readonly #wanted: Map<string, WantedRoute>;

  private constructor(reconciler: Reconciler, ledger: Ledger, wanted: Map<string, WantedRoute>) {
    this.reconciler = reconciler;
    this.ledger = ledger;
    this.#wanted = wanted;
  }

  static async start(rig: OpenstackRig, owner: string): Promise<Writer> {
    const cloud = openOpenstack(openstackOptions(rig.environment(), { owner }));
    const connection = await cloud.identify(signal());
    const [table] = await connection.prepare(signal());
    assert.ok(table !== undefined);
    const wanted = new WantedRoutes();
    const { ledger } = await Ledger.open(memoryStore(null), { cloud: "openstack", table: table.id, owner });
    const reconciler = new Reconciler({
      isActive: () => true,
      cloud,
      connection: () => connection,
      table,
      owner,
      identity: () => connection.identity,
      wanted,
      ledger: { ledger, proven: false },
      clock: systemClock,
      budget: new ApiBudget(cloud, systemClock),
      settings,
    });
    await reconciler.round(signal());
    return new Writer(reconciler, ledger, wanted);
  }

  async announce(prefix: string): Promise<void> {
    const hop = parseAddress(peer);
    this.#wanted.set(prefix, {
      prefix: parsePrefix(prefix),
      nextHops: [{ neighbour: hop, gateway: hop }],
      metric: 20,
      protocol: 186,
    });
    await this.#settle(prefix);
  }

  async withdraw(prefix: string): Promise<void> {
    this.#wanted.delete(prefix);
    await this.#settle(prefix);
  }

  async #settle(prefix: string): Promise<void> {
    this.reconciler.notify([prefix]);
    await this.reconciler.settle(signal(), systemClock.now() + 20_000);
  }
}

function signal(): AbortSignal {
  return new AbortController().signal;
}
