/** Route events: several routes of one key, overruns, and storms. Each must end in the kernel's table. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { namespacesMissing } from "../namespace.ts";
import { MonitorRig } from "./monitor_rig.ts";

const ignore = skips(namespacesMissing());
const prefix4 = "198.51.100.0/24", prefix6 = "2001:db8:1::/48";

/** Changes of one prefix, one after the other; the tables are compared after each. */
const sequences: Readonly<Record<string, readonly string[]>> = {
  "IPv4 routes of one key are appended, prepended, replaced and deleted": [
    `route add ${prefix4} via 10.0.0.2`,
    `route append ${prefix4} via 10.0.0.3`,
    `route append ${prefix4} via 10.0.0.4`,
    `route prepend ${prefix4} via 10.0.0.5`,
    `route replace ${prefix4} via 10.0.0.6`,
    `route replace ${prefix4} via 10.0.0.6`,
    `route del ${prefix4} via 10.0.0.3`,
    `route append ${prefix4} via 10.0.0.3 proto bird`,
    `route del ${prefix4} via 10.0.0.6`,
    `route del ${prefix4}`,
    `route del ${prefix4}`,
  ],
  "IPv4 routes of several metrics and TOS come and go": [
    `route add ${prefix4} via 10.0.0.2 metric 20`,
    `route add ${prefix4} via 10.0.0.3 metric 10`,
    `route add ${prefix4} via 10.0.0.4 metric 30`,
    `route add ${prefix4} via 10.0.0.5 tos 4 metric 20`,
    `route replace ${prefix4} via 10.0.0.6 metric 20`,
    `route append ${prefix4} via 10.0.0.7 metric 20`,
    `route del ${prefix4} metric 10`,
    `route replace ${prefix4} via 10.0.0.8 metric 40`,
    `route add ${prefix4} via 10.0.0.9 table 1000`,
    `route del ${prefix4} table 1000`,
  ],
  "an IPv4 route changes its kind": [
    `route add blackhole ${prefix4}`,
    `route replace ${prefix4} via 10.0.0.2`,
    `route replace unreachable ${prefix4}`,
    `route replace ${prefix4} nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3`,
    `route replace ${prefix4} via inet6 fe80::9 dev a0`,
    `route replace ${prefix4} nexthop via inet6 fe80::9 dev a0 nexthop via 10.0.0.3 dev a0`,
    `route replace ${prefix4} dev a0`,
    `route del ${prefix4}`,
  ],
  "IPv6 legs are appended, replaced and deleted": [
    `-6 route add ${prefix6} via 2001:db8::2`,
    `-6 route append ${prefix6} via 2001:db8::3`,
    `-6 route append ${prefix6} via 2001:db8::4`,
    `-6 route del ${prefix6} via 2001:db8::3`,
    `-6 route replace ${prefix6} nexthop via 2001:db8::5 nexthop via 2001:db8::6 weight 3`,
    `-6 route del ${prefix6} via 2001:db8::5`,
    `-6 route replace ${prefix6} via 2001:db8::7`,
    `-6 route prepend ${prefix6} via 2001:db8::8`,
    `-6 route add ${prefix6} via 2001:db8::9 metric 10`,
    `-6 route replace blackhole ${prefix6} metric 10`,
    `-6 route del ${prefix6} metric 10`,
    `-6 route del ${prefix6}`,
  ],
  "IPv4 routes differ in one attribute": [
    `route add ${prefix4} via 10.0.0.2`,
    `route append ${prefix4} via 10.0.0.2 mtu 1400`,
    `route append ${prefix4} via 10.0.0.2 src 10.0.0.1`,
    `route append ${prefix4} via 10.0.0.2 realm 5`,
    `route append ${prefix4} via 10.0.0.2 dev a0 onlink`,
    `route append ${prefix4} encap ip id 1 dst 192.0.2.1 via 10.0.0.2 dev a0`,
    `route append ${prefix4} encap ip id 2 dst 192.0.2.1 via 10.0.0.2 dev a0`,
    `route append ${prefix4} nhid 7`,
    `route del ${prefix4} via 10.0.0.2 mtu 1400`,
    `route del ${prefix4} via 10.0.0.2`,
    `route del ${prefix4} via 10.0.0.2`,
    `route del ${prefix4} encap ip id 2 dst 192.0.2.1 via 10.0.0.2 dev a0`,
    `route del ${prefix4} nhid 7`,
    `route del ${prefix4}`,
    `route del ${prefix4}`,
    `route del ${prefix4}`,
  ],
  "an IPv4 multipath has a twin of other weights": [
    `route add ${prefix4} nexthop via 10.0.0.2 nexthop via 10.0.0.3`,
    `route append ${prefix4} nexthop via 10.0.0.2 nexthop via 10.0.0.3 weight 3`,
    `route del ${prefix4} nexthop via 10.0.0.2 nexthop via 10.0.0.3 weight 3`,
    `route del ${prefix4}`,
  ],
  "IPv6 routes of other kinds are appended to a gateway": [
    `-6 route add ${prefix6} via 2001:db8::2`,
    `-6 route append unreachable ${prefix6}`,
    `-6 route append ${prefix6} via 2001:db8::3`,
    `-6 route append ${prefix6} dev a1`,
    `-6 route del ${prefix6} via 2001:db8::3`,
    `-6 route append ${prefix6} nhid 8`,
    `-6 route replace ${prefix6} dev a0`,
    `-6 route append ${prefix6} via 2001:db8::4`,
    `-6 route del ${prefix6} via 2001:db8::2`,
    `-6 route replace ${prefix6} nexthop via 2001:db8::5 nexthop via 2001:db8::6`,
    `-6 route del ${prefix6} via 2001:db8::6`,
    `-6 route replace blackhole ${prefix6}`,
    `-6 route del ${prefix6} via 2001:db8::5`,
    `-6 route del ${prefix6}`,
  ],
  "a blackhole and a prohibit are appended to IPv6 gateways": [
    `-6 route add ${prefix6} via 2001:db8::2`,
    `-6 route append blackhole ${prefix6}`,
    `-6 route del ${prefix6} via 2001:db8::2`,
    `-6 route append ${prefix6} via 2001:db8::3`,
    `-6 route replace prohibit ${prefix6}`,
    `-6 route del ${prefix6}`,
    `-6 route del ${prefix6}`,
  ],
  "IPv6 legs are of two protocols": [
    `-6 route add ${prefix6} via 2001:db8::2 proto bgp`,
    `-6 route append ${prefix6} via 2001:db8::3 proto dhcp`,
    `-6 route append ${prefix6} via 2001:db8::4 proto bird`,
    `-6 route del ${prefix6} via 2001:db8::2`,
    `-6 route append ${prefix6} nexthop via 2001:db8::5 nexthop via 2001:db8::6`,
    `-6 route del ${prefix6} via 2001:db8::3`,
    `-6 route del ${prefix6} via 2001:db8::4`,
    `-6 route del ${prefix6} proto boot`,
  ],
  "IPv6 legs differ in their tunnels": [
    `-6 route add ${prefix6} via 2001:db8::2 dev a0`,
    `-6 route append ${prefix6} encap ip6 id 1 dst fc00::1 via 2001:db8::2 dev a0`,
    `-6 route append ${prefix6} encap ip6 id 2 dst fc00::1 via 2001:db8::2 dev a0`,
    `-6 route del ${prefix6} encap ip6 id 1 dst fc00::1 via 2001:db8::2 dev a0`,
    `-6 route del ${prefix6}`,
  ],
};

for (const [name, commands] of Object.entries(sequences)) {
  Deno.test({
    name: `KernelMonitor follows when ${name}`,
    ignore,
    async fn(): Promise<void> {
      await using rig = await MonitorRig.create();
      await rig.namespace.batch([
        "address add 2001:db8::1/64 dev a0 nodad",
        "nexthop add id 7 via 10.0.0.2 dev a0",
        "nexthop add id 8 via 2001:db8::8 dev a0",
      ]);
      for (const command of commands) {
        const before = await rig.agrees();
        await rig.ip(command);
        const after = await rig.agrees();
        const repeated = commands.indexOf(command) !== commands.lastIndexOf(command);
        if (!repeated) assert.notDeepEqual(after, before, `"${command}" changed nothing`);
      }
      assert.deepEqual((await rig.health()).errors, []);
    },
  });
}

Deno.test({
  name: "KernelMonitor needs no dump for a route of its own key that is added, replaced and deleted",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ families: [4] });
    await rig.ip(`route add ${prefix4} via 10.0.0.2 metric 20`);
    await rig.agrees();
    const { dumps } = await rig.quiet();
    await rig.ip(`route replace ${prefix4} via 10.0.0.3 metric 20`);
    await rig.agrees();
    await rig.ip(`route del ${prefix4} metric 20`);
    assert.ok(!(await rig.agrees()).join().includes(prefix4));
    assert.equal((await rig.health()).dumps, dumps);
  },
});

Deno.test({
  name: "KernelMonitor ends in the right table when the receive buffer overruns",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ families: [4], receiveBuffer: 4096 });
    const awake = await rig.standStill(1500);
    const added = Array.from({ length: 3000 }, (_, index) => route("add", index, 2));
    const deleted = added.filter((_, index) => index % 3 === 0).map((line) => line.replace("add", "del"));
    await rig.namespace.batch([...added, ...deleted]);
    await awake();
    assert.equal((await rig.agrees()).length, 2001);
    const { overruns, errors } = await rig.health();
    assert.ok(overruns > 0, "the buffer did not overrun");
    assert.deepEqual(errors, []);
  },
});

Deno.test({
  name: "KernelMonitor ends in the right table when 100,000 routes flap",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ families: [4] });
    const indexes = Array.from({ length: 100_000 }, (_, index) => index);
    await rig.namespace.batch(indexes.map((index) => route("add", index, 2)));
    await rig.namespace.batch(indexes.map((index) => route("del", index, 2)));
    await rig.namespace.batch(
      indexes.filter((index) => index % 50 === 0).map((index) => route("add", index, 3)),
    );
    assert.equal((await rig.agrees()).length, 2001);
    assert.deepEqual((await rig.health()).errors, []);
  },
});

Deno.test({
  name: "KernelMonitor ends in the right table when a link flaps",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create();
    await rig.ip(`route add ${prefix4} nexthop via 10.0.0.2 dev a0 onlink nexthop via 10.0.0.3 dev a0`);
    for (let round = 0; round < 20; round++) {
      await rig.namespace.batch([
        "link set a0 down",
        "link set a0 up",
        `route replace ${prefix4} via 10.0.0.${2 + round}`,
        "link set a1 down",
        "link set a1 up",
      ]);
    }
    assert.ok((await rig.agrees()).join().includes("10.0.0.21@a0"));
    assert.deepEqual((await rig.health()).errors, []);
  },
});

Deno.test({
  name: "KernelMonitor dumps periodically and sees what it is not told when events are off",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ events: false, redumpMs: 50 });
    await rig.ip(`route add ${prefix4} via 10.0.0.2`);
    assert.ok((await rig.agrees()).join().includes(prefix4));
    assert.equal((await rig.health()).events, 0);
  },
});

function route(action: string, index: number, host: number): string {
  return `route ${action} 11.${index >> 16}.${(index >> 8) & 255}.${
    index & 255
  }/32 via 10.0.0.${host} proto bgp`;
}
