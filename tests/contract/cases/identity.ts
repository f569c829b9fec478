/** Who this VM is. */

import assert from "node:assert/strict";
import type { CloudIdentity } from "../../../src/clouds/cloud.ts";
import { prefixContainsAddress } from "../../../src/routes/prefix.ts";
import { never } from "../helpers.ts";
import type { Bench } from "../rig.ts";

export const identityCases = {
  async "identify() says who this VM is"({ rig, open }: Bench): Promise<void> {
    const identity = await (await open()).identify(never);
    assert.notEqual(identity.instance, "");
    assert.deepEqual(identity.self, rig.self);
    assert.ok(identity.addresses.length > 0);
    assert.ok(identity.attachments.length > 0);
    for (const { addresses, networks } of identity.attachments) {
      const reached = addresses.find((address) =>
        networks.some((network) => prefixContainsAddress(network, address))
      );
      assert.ok(reached !== undefined, "no address is in what it reaches");
      assert.ok(identity.addresses.some(({ text }) => text === reached.text));
      assert.ok(identity.networks.some((network) => prefixContainsAddress(network, reached)));
    }
    for (const router of identity.subnetRouters) {
      assert.ok(identity.addresses.every(({ text }) => text !== router.text), `${router.text} is this VM`);
    }
  },

  async "identify() says the same each time, and to each run"({ open }: Bench): Promise<void> {
    const subject = await open();
    const first = textOf(await subject.identify(never));
    assert.deepEqual(textOf(await subject.identify(never)), first);
    assert.deepEqual(textOf(await (await open()).identify(never)), first);
  },

  async "identify() says the same to callers who come together"({ open }: Bench): Promise<void> {
    const subject = await open();
    const all = await Promise.all([1, 2, 3].map(() => subject.identify(never)));
    assert.deepEqual(all.map(textOf), all.map(() => textOf(all[0]!)));
  },

  async "identify() changes nothing"({ rig, open }: Bench): Promise<void> {
    const before = await rig.snapshot();
    await (await open()).identify(never);
    assert.equal(rig.traffic.writes, 0);
    assert.deepEqual(await rig.snapshot(), before);
  },
};

function textOf(identity: CloudIdentity): unknown {
  const { addresses, networks, subnetRouters, reserved, ...rest } = identity;
  const lists = { addresses, networks, subnetRouters, reserved };
  return {
    ...rest,
    ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.map(({ text }) => text)])),
  };
}
