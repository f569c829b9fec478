/** Routers of a group: which of them the cloud itself says are dead. Only its own word counts. */

import assert from "node:assert/strict";
import type { PeerRouter } from "../../../src/clouds/cloud.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { never } from "../helpers.ts";
import type { Bench } from "../rig.ts";
import type { Subject } from "../subject.ts";

export const deadPeerCases = {
  async "findDead() says of no router that runs that it is dead"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    assert.deepEqual(await deaths(subject, [standing(bench)]), {});
  },

  async "findDead() says that a router is dead whose machine is stopped, until it runs again"(
    bench: Bench,
  ): Promise<void> {
    const subject = await identified(bench);
    const peer = standing(bench);
    const cause = await bench.rig.neighbours.stop();
    assert.deepEqual(await deaths(subject, [peer]), { [peer.address.text]: cause });
    await bench.rig.neighbours.start();
    assert.deepEqual(await deaths(subject, [peer]), {});
  },

  async "findDead() tells a router that runs from one that does not"(bench: Bench): Promise<void> {
    const { neighbours } = bench.rig;
    const other = router(neighbours.absent, await neighbours.add());
    const subject = await identified(bench);
    const cause = await neighbours.stop();
    const peer = standing(bench);
    assert.deepEqual(await deaths(subject, [other, peer]), { [peer.address.text]: cause });
  },

  async "findDead() knows that a router is gone for good"(bench: Bench): Promise<void> {
    const { neighbours } = bench.rig;
    const { goneCause } = neighbours;
    const id = await neighbours.add();
    const peer = router(neighbours.absent, id);
    const subject = await identified(bench);
    assert.deepEqual(await deaths(subject, [peer]), {});
    await neighbours.remove();
    const cause = goneCause?.(id);
    assert.deepEqual(
      await deaths(subject, [peer]),
      cause === undefined ? {} : { [peer.address.text]: cause },
    );
  },

  async "findDead() takes a router of which one next hop is dead for living"(bench: Bench): Promise<void> {
    const { neighbours } = bench.rig;
    const id = await neighbours.add();
    const subject = await identified(bench);
    await neighbours.stop();
    const { address, nextHops } = standing(bench);
    assert.deepEqual(await deaths(subject, [{ address, nextHops: [id, ...nextHops] }]), {});
  },

  async "findDead() takes a state that it does not know for no proof"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    await bench.rig.neighbours.obscure();
    assert.deepEqual(await deaths(subject, [standing(bench)]), {});
  },

  async "findDead() that fails says of nobody that it is dead"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    await bench.rig.neighbours.stop();
    for (const kind of ["unavailable", "throttled", "denied"] as const) {
      const { action } = await bench.rig.fail(kind, "findDead");
      await assert.rejects(subject.findDead([standing(bench)], never), {
        name: "CloudError",
        kind,
        ...(action === undefined ? {} : { action }),
      });
      await bench.rig.heal();
    }
  },

  async "findDead() that gets no answer of the cloud's says of nobody that it is dead"(
    bench: Bench,
  ): Promise<void> {
    const subject = await identified(bench);
    for (const damage of ["empty", "truncated", "foreign", "incomplete"] as const) {
      await bench.rig.damage(damage, "findDead");
      const found = await subject.findDead([standing(bench)], never).catch(() => []);
      assert.deepEqual(found, [], damage);
      await bench.rig.heal();
    }
  },
};

function standing({ rig: { neighbours: { standing: { 4: { address, id } } } } }: Bench): PeerRouter {
  return router(address, id);
}

function router(address: string, id: string): PeerRouter {
  return { address: parseAddress(address), nextHops: [id] };
}

async function identified(bench: Bench): Promise<Subject> {
  const subject = await bench.open();
  await subject.identify(never);
  return subject;
}

/** Why each router is dead, by address. */
async function deaths(subject: Subject, peers: readonly PeerRouter[]): Promise<Record<string, string>> {
  const found = await subject.findDead(peers, never);
  return Object.fromEntries(found.map(({ address, cause }) => [address.text, cause]));
}
