/** Which of this VM's addresses routes point at where it has several ports. */

import assert from "node:assert/strict";
import { identityOf } from "../../../../src/clouds/openstack/identity.ts";
import type { Port, Subnet } from "../../../../src/clouds/openstack/schemas.ts";
import { findVm } from "../../../../src/clouds/openstack/vm.ts";
import { testTransport } from "../../../fakes/cloud_options.ts";

const { signal } = new AbortController();

const subnets: readonly Subnet[] = [
  { id: "s4", network_id: "n", cidr: "10.0.0.0/24", gateway_ip: "10.0.0.1" },
  { id: "s6", network_id: "n", cidr: "fd00:10::/64", gateway_ip: "fd00:10::1" },
  { id: "elsewhere", network_id: "n", cidr: "192.168.0.0/24", gateway_ip: null },
];

function portOf(id: string, ...fixed: readonly (readonly [subnet: string, address: string])[]): Port {
  return {
    id,
    network_id: "n",
    device_id: "vm",
    device_owner: "compute:nova",
    mac_address: "fa:16:3e:00:00:01",
    fixed_ips: fixed.map(([subnet_id, ip_address]) => ({ subnet_id, ip_address })),
    allowed_address_pairs: [],
    port_security_enabled: true,
    security_groups: [],
  };
}

const routerPort: Port = {
  ...portOf("r", ["s4", "10.0.0.1"], ["s6", "fd00:10::1"]),
  device_id: "router-1",
  device_owner: "network:router_interface",
};

/** What routes to a VM point at. @param links its ports as Nova names them. @param ports the same as Neutron lists them. */
async function selfOf(
  links: readonly string[],
  ports: readonly Port[],
): Promise<Readonly<Record<4 | 6, string | null>>> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ url }) =>
      Response.json(
        url.endsWith("meta_data.json") ? { uuid: "vm" } : { links: links.map((id) => ({ vif_id: id })) },
      ),
  );
  const neutron = {
    isForSystem: false,
    ports: () => Promise.resolve([...ports]),
    subnets: () => Promise.resolve([...subnets]),
    routerPorts: () => Promise.resolve([routerPort]),
    portsOfRouter: () => Promise.resolve([routerPort]),
    findRouters: () => Promise.resolve([{ id: "router-1", name: "edge" }]),
    routersWithTag: () => Promise.resolve([]),
  };
  const service = {
    transport: testTransport,
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    devices: () => [],
    readFile: () => null,
  };
  const vm = await findVm(neutron, service, { self: [], routeTables: [], router: null }, signal);
  return identityOf(vm).self;
}

const low = portOf("low", ["s4", "10.0.0.20"], ["s6", "fd00:10::20"]);
const high = portOf("high", ["s4", "10.0.0.40"], ["s6", "fd00:10::40"]);

Deno.test("of several ports the first of the server's is the next hop, in whatever order Neutron lists them", async () => {
  for (const listed of [[low, high], [high, low]]) {
    assert.deepEqual(await selfOf(["low", "high"], listed), { 4: "10.0.0.20", 6: "fd00:10::20" });
    assert.deepEqual(await selfOf(["high", "low"], listed), { 4: "10.0.0.40", 6: "fd00:10::40" });
  }
});

Deno.test("a port on no subnet of the router is passed over, though it is the server's first", async () => {
  const management = portOf("management", ["elsewhere", "192.168.0.9"]);
  assert.deepEqual(await selfOf(["management", "high"], [management, high]), {
    4: "10.0.0.40",
    6: "fd00:10::40",
  });
});

Deno.test("of several addresses of a port the lowest is the next hop, in whatever order Neutron lists them", async () => {
  const fixed = [["s4", "10.0.0.9"], ["s4", "10.0.0.10"], ["s6", "fd00:10::9"], [
    "s6",
    "fd00:10::a",
  ]] as const;
  for (const listed of [fixed, fixed.toReversed()]) {
    assert.deepEqual(await selfOf(["p"], [portOf("p", ...listed)]), { 4: "10.0.0.9", 6: "fd00:10::9" });
  }
});
