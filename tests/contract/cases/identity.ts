/** Who this VM is. */

import assert from "node:assert/strict";
import type { CloudIdentity } from "../../../src/clouds/cloud.ts";
import { parseInterfaceAddress, prefixContainsAddress } from "../../../src/routes/prefix.ts";
import { failure, needed, never, only } from "../helpers.ts";
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

  async "-self picks the interface of this VM that has the address"({ rig, open }: Bench): Promise<void> {
    const { addresses: [own] } = await (await open()).identify(never);
    assert.ok(own !== undefined);
    const { address, ids } = await needed(rig.addInterface?.bind(rig))();
    assert.notDeepEqual(ids, rig.self);
    const first = await (await open({ self: [parseInterfaceAddress(`${own.text}/24`)] })).identify(never);
    assert.deepEqual(first.self, rig.self);
    const second = await (await open({ self: [address] })).identify(never);
    assert.deepEqual(second.self, ids);
    const texts = second.attachments.flatMap(({ addresses }) => addresses.map(({ text }) => text));
    assert.ok(texts.includes(address.address.text), `${texts} lack ${address.address.text}`);
    if (rig.subnets === undefined) return;
    const subject = await open({ self: [address] });
    const table = only(await subject.prepare(never));
    assert.equal(await rig.subnets.tableOf(), null, "the first interface's subnet is left alone");
    const { ownSubnets = [] } = await subject.read(table, never);
    assert.ok(ownSubnets.some((subnet) => prefixContainsAddress(subnet, address.address)));
  },

  async "-self with an address that no interface has is refused, and those that there are named"(
    { rig, open }: Bench,
  ): Promise<void> {
    const [own] = (await (await open()).identify(never)).addresses;
    const subject = await open({ self: [parseInterfaceAddress("203.0.113.9/24")] });
    const error = await failure(subject.identify(never));
    assert.equal(error.kind, "invalid", error.message);
    assert.match(
      error.message,
      /^Cannot use -self 203\.0\.113\.9: no interface of this VM has that address, they have /,
    );
    assert.ok(own !== undefined && error.message.includes(own.text), error.message);
    assert.equal(rig.traffic.writes, 0);
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
