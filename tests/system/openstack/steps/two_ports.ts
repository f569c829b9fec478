/** A VM with two ports on the subnet of one router. */

import assert from "node:assert/strict";
import { parseInterfaceAddress } from "../../../../src/routes/prefix.ts";
import type { OpenstackRig } from "../../../fakes/openstack/rig.ts";
import type { RigSteps } from "../rig_steps.ts";
import { open, self, signal } from "./helpers.ts";

const second = "10.0.0.40";

/** See the head of this file. */
export const twoPortSteps: RigSteps = {
  async "-self picks the port that routes point at, also by an address that it may use besides its own"(
    rig,
  ): Promise<void> {
    const fixed = [{ subnet_id: rig.ids.subnet4, ip_address: second }];
    const port = await rig.member.create("neutron", "ports", "port", {
      network_id: rig.ids.network,
      fixed_ips: fixed,
      allowed_address_pairs: [{ ip_address: "10.0.0.99" }],
    });
    rig.proxy.inject({
      match: /network_data.json/,
      answer: () => Response.json({ links: [{ vif_id: rig.ids.port }, { vif_id: port.id }] }),
    });
    try {
      assert.deepEqual(await selfAndChecked(rig, second), [second, [port.id]]);
      assert.deepEqual(await selfAndChecked(rig, "10.0.0.99"), ["10.0.0.99", [port.id]]);
      assert.deepEqual(await selfAndChecked(rig, self), [self, [rig.ids.port]]);
      await assert.rejects(selfAndChecked(rig, "10.0.0.98"), /-self 10.0.0.98: no interface of this VM/);
    } finally {
      await rig.member.neutron("DELETE", `ports/${port.id}`);
    }
  },
};

/** The next hop of routes to this VM, and the ports that doctor looks at, with `-self`. */
async function selfAndChecked(
  rig: OpenstackRig,
  address: string,
): Promise<readonly [string | null, string[]]> {
  const cloud = open(rig, { self: [parseInterfaceAddress(`${address}/24`)] });
  const { self: own } = await cloud.identify(signal());
  const findings = await cloud.check({ fix: false }, signal());
  return [own[4], findings.flatMap(({ name }) => /^forwarding by port (.*)/.exec(name)?.[1] ?? [])];
}
