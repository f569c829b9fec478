/**
 * Routing daemons on Google's guests, whose interfaces have a /32: what README and terraform/gcp say to set makes routes by way of the
 * peer, which the program then writes.
 */

import assert from "node:assert/strict";
import { daemonsMissing } from "../../demo/bgp_daemons.ts";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { RouterVm } from "../router_vm.ts";
import { until, untilSame } from "../until.ts";
import { HostRouteNetwork, type HostRouteVm } from "./host_route_network.ts";

const ignore = skips(await daemonsMissing(), namespacesMissing(), await binaryMissing());
const repository = new URL("../../../", import.meta.url);

const router: HostRouteVm = {
  address: addresses.router,
  peer: addresses.neighbour,
  system: 65001,
  peerSystem: 65002,
  prefix: "192.168.1.0/24",
  loopback: "192.168.1.1/24",
};
const neighbour: HostRouteVm = {
  address: addresses.neighbour,
  peer: addresses.router,
  system: 65002,
  peerSystem: 65001,
  prefix: "192.168.2.0/24",
  loopback: "192.168.2.1/24",
};

/** What README's table of daemons says in code of a daemon on Google Cloud, for a peer. */
async function advice(daemon: string, peer: string): Promise<readonly string[]> {
  const readme = await Deno.readTextFile(new URL("README.md", repository));
  const row = readme.split("\n").find((line) => line.startsWith(`| ${daemon} `)) ?? "";
  const [, onGoogle = ""] = row.split("On Google Cloud");
  return [...onGoogle.matchAll(/`([^`]+)`/g)].map(([, code = ""]) =>
    code.replaceAll("PEER", peer).replaceAll("ens4", "eth0")
  );
}

/** A template of terraform/gcp, filled in. */
async function template(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await Deno.readTextFile(new URL(`terraform/gcp/${name}`, repository));
  return text.replaceAll(
    /\$\{(\w+)\}/g,
    (_, key: string) => values[key] ?? assert.fail(`${name} takes ${key}`),
  );
}

async function frrConfiguration(vm: HostRouteVm): Promise<string> {
  const configuration = await template("frr.conf.tftpl", {
    name: `vm-${vm.system}`,
    interface: "eth0",
    address: vm.address,
    asn: `${vm.system}`,
    prefix: vm.prefix,
    loopback: vm.loopback,
    peer_address: vm.peer,
    peer_asn: `${vm.peerSystem}`,
  });
  const lines = await advice("FRR", vm.peer);
  assert.ok(lines.length >= 2, "README says what to set");
  for (const line of lines) assert.ok(configuration.includes(line), `terraform's frr.conf lacks "${line}"`);
  return configuration.replace(
    "ebgp-multihop 2\n",
    `ebgp-multihop 2\n neighbor ${vm.peer} timers connect 1\n`,
  );
}

async function birdConfiguration(vm: HostRouteVm): Promise<string> {
  const [route, multihop, exported, ...rest] = await advice("BIRD", vm.peer);
  assert.deepEqual(rest, []);
  return [
    `router id ${vm.address};`,
    "protocol device { scan time 1; }",
    'protocol direct { ipv4; interface "lo"; }',
    `protocol static { ipv4; ${route}; }`,
    `protocol kernel { ipv4 { ${exported}; }; }`,
    "protocol bgp {",
    `  local ${vm.address} as ${vm.system};`,
    `  neighbor ${vm.peer} as ${vm.peerSystem};`,
    `  ${multihop};`,
    "  connect delay time 1; connect retry time 1; error wait time 1, 2;",
    "  ipv4 { import all; export where source = RTS_DEVICE; };",
    "}",
    "",
  ].join("\n");
}

for (
  const [daemon, configuration] of [["frr", frrConfiguration], ["bird", birdConfiguration]] as const
) {
  Deno.test(
    { name: `${daemon} as README sets it up on a /32 writes routes by way of the peer`, ignore },
    async () => {
      await using rig = GcpRig.start();
      await using network = await HostRouteNetwork.create(addresses.gateway, [router, neighbour]);
      for (const vm of [router, neighbour]) {
        const values = { interface: "eth0", gateway: addresses.gateway, peer_address: vm.peer };
        await network.sh(vm, await template("neighbour.sh.tftpl", values));
        await network.start(vm, daemon, await configuration(vm));
      }
      const namespace = network.namespaceOf(router);
      await until(
        "the kernel has the route by way of the peer",
        async () =>
          / via 10\.0\.0\.3 dev eth0 /.test(await namespace.must(["ip", "route", "show", neighbour.prefix])),
      );
      await using program = new RouterVm({
        cloud: "gcp",
        namespace: network.handOver(router),
        binary: await binaryPath(),
        folder: await Deno.makeTempDir(),
        flags: ["-owner", "edge"],
        gateway: addresses.neighbour,
        environment: () => rig.environment,
        relay: await rig.relayInto(namespace),
      });
      await program.telling(async () => {
        assert.equal((await program.command("apply")).code, 0);
        await untilSame([`${neighbour.prefix} ${addresses.neighbour}`], () => rig.summary);
      });
    },
  );
}
