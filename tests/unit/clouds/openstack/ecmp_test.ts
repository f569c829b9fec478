import assert from "node:assert/strict";
import { noEcmpReason } from "../../../../src/clouds/openstack/ecmp.ts";
import type { Port } from "../../../../src/clouds/openstack/schemas.ts";

/** Of what Neutron 19.7 and 20.0 have with ML2 and the router plugin, as far as they differ. */
const wallaby: readonly string[] = ["extraroute", "extraroute-atomic", "revision-if-match"];
const yoga = [...wallaby, "quota-check-limit"];

function reason(extensions: readonly string[], ...owners: readonly string[]): string | null {
  const ports = owners.map((device_owner): Port => ({
    id: "p",
    network_id: "n",
    device_id: "r1",
    device_owner,
    fixed_ips: [],
    mac_address: "fa:16:3e:00:00:01",
    security_groups: [],
    allowed_address_pairs: [],
  }));
  return noEcmpReason(new Set(extensions), [ports]);
}

Deno.test("noEcmpReason() has none for a plain router of a Neutron that is proven to be 20 or newer", () => {
  assert.equal(reason(yoga, "network:router_interface", "network:router_gateway"), null);
});

Deno.test("noEcmpReason() names a Neutron that may be older, and routers that are no plain ones", () => {
  assert.match(reason(wallaby, "network:router_interface") ?? "", /not known to be 20/);
  assert.match(reason([], "network:router_interface") ?? "", /not known to be 20/);
  assert.match(reason(yoga, "network:ha_router_replicated_interface") ?? "", /r1 is highly available/);
  assert.match(
    reason(yoga, "network:router_interface", "network:router_interface_distributed") ?? "",
    /r1 is distributed/,
  );
});
