/** Changes of routes that the kernel does not announce: each must end in the right table without a periodic dump. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { namespacesMissing } from "../namespace.ts";
import { MonitorRig } from "./monitor_rig.ts";

const ignore = skips(namespacesMissing());

/** One row: what is there, what happens, and what must then be gone, or there, or flagged. */
interface Row {
  readonly name: string;
  readonly before: readonly string[];
  readonly sysctl?: readonly [string, number];
  readonly happens: readonly string[];
  /** Text that the table must contain afterwards. */
  readonly present?: readonly string[];
  /** Text that the table must not contain afterwards, though it did before. */
  readonly absent?: readonly string[];
}

/** A second pair, for routes with two legs. */
const secondPair = [
  "link add b0 type veth peer name b1",
  "address add 10.0.1.1/24 dev b0",
  "link set b0 up",
  "link set b1 up",
];
/** IPv6 on the two pairs. */
const families6 = [
  "address add 2001:db8::1/64 dev a0 nodad",
  "address add 2001:db8:1::1/64 dev b0 nodad",
];
const plain6 = "2001:db8:ffff::/48";
const multi6 = `route add ${plain6} nexthop via 2001:db8::2 nexthop via 2001:db8:1::2`;
const plain = "198.51.100.0/24", multi = "203.0.113.0/24";

const rows: readonly Row[] = [
  {
    name: "link down takes its routes, in every table",
    before: [`route add ${plain} via 10.0.0.2`, `route add ${plain} via 10.0.0.2 table 1000`],
    happens: ["link set a0 down"],
    absent: [`254 ${plain}`, `1000 ${plain}`, "10.0.0.0/24"],
  },
  {
    name: "one leg of a multipath goes down",
    before: [...secondPair, `route add ${multi} nexthop via 10.0.0.2 nexthop via 10.0.1.2 weight 3`],
    happens: ["link set b0 down"],
    present: ["10.0.1.2@b0*3!dead!linkdown"],
  },
  {
    name: "the last leg of a multipath goes down",
    before: [
      ...secondPair,
      `route add ${multi} nexthop via 10.0.0.2 nexthop via 10.0.1.2`,
      "link set b0 down",
    ],
    happens: ["link set a0 down"],
    absent: [multi],
  },
  {
    name: "link up again revives the legs",
    before: [
      ...secondPair,
      `route add ${multi} nexthop via 10.0.0.2 nexthop via 10.0.1.2`,
      "link set b0 down",
    ],
    happens: ["link set b0 up"],
    present: [`10.0.0.2@a0*1 10.0.1.2@b0*1`],
  },
  {
    name: "carrier lost",
    before: [`route add ${plain} via 10.0.0.2`],
    happens: ["link set a1 down"],
    present: ["10.0.0.2@a0*1!linkdown"],
  },
  {
    name: "carrier lost, route by next-hop object",
    before: ["nexthop add id 7 via 10.0.0.2 dev a0", `route add ${plain} nhid 7`],
    happens: ["link set a1 down"],
    absent: [plain],
  },
  {
    name: "last address deleted",
    before: [`route add ${plain} via 10.0.0.2`],
    happens: ["address del 10.0.0.1/24 dev a0"],
    absent: [plain],
  },
  {
    name: "last address of a multipath's leg deleted",
    before: [...secondPair, `route add ${multi} nexthop via 10.0.0.2 nexthop via 10.0.1.2`],
    happens: ["address del 10.0.1.1/24 dev b0"],
    absent: ["10.0.1.0/24"],
  },
  {
    name: "address of a multipath's dead leg added again",
    before: [
      ...secondPair,
      "address add 10.0.2.1/24 dev b0",
      `route add ${multi} nexthop via 10.0.0.2 nexthop via 10.0.1.2`,
      "link set b0 down",
      "address flush dev b0",
      "link set b0 up",
    ],
    happens: ["address add 10.0.1.1/24 dev b0"],
    present: ["10.0.1.0/24"],
  },
  {
    name: "address deleted that is a route's source on another link",
    before: [
      "address add 10.0.9.1/32 dev lo",
      `route add ${plain} via 10.0.0.2 src 10.0.9.1`,
    ],
    happens: ["address del 10.0.9.1/32 dev lo"],
    absent: [plain],
  },
  {
    name: "link enslaved to a bridge and freed",
    before: [
      "link add br0 type bridge",
      "link set br0 up",
      `route add ${plain} via 10.0.0.2`,
    ],
    happens: ["link set a0 master br0", "link set a0 nomaster"],
    present: [plain],
  },
  {
    name: "link renamed",
    before: [
      `route add ${plain} via 10.0.0.2`,
      "link set a0 down",
      "link set a0 up",
      `route add ${plain} via 10.0.0.2`,
    ],
    happens: ["link set a0 name c0"],
    present: ["10.0.0.2@c0"],
    absent: ["@a0"],
  },
  {
    name: "another link takes the index of one that is gone",
    before: [
      "link add d0 index 77 type veth peer name d1",
      "address add 10.0.7.1/24 dev d0",
      "link set d1 up",
      "link set d0 up",
      `route add ${plain} via 10.0.7.2`,
    ],
    happens: [
      "link del d0",
      "link add e0 index 77 type veth peer name e1",
      "link set e1 up",
      "link set e0 up",
    ],
    absent: [plain, "@d0"],
  },
  {
    name: "IPv6 link down",
    before: [...secondPair, ...families6, `route add ${plain6} via 2001:db8::2`],
    happens: ["link set a0 down"],
    absent: [plain6],
  },
  {
    name: "IPv6 one leg of a multipath goes down",
    before: [...secondPair, ...families6, multi6],
    happens: ["link set b0 down"],
    present: ["2001:db8::2@a0"],
  },
  {
    name: "IPv6 link up again",
    before: [...secondPair, ...families6, multi6, "link set b0 down"],
    happens: ["link set b0 up"],
    present: ["2001:db8::2@a0"],
  },
  {
    name: "IPv6 carrier lost",
    before: [...secondPair, ...families6, multi6],
    happens: ["link set b1 down"],
    present: ["!linkdown"],
  },
  {
    name: "IPv6 last address deleted",
    before: [...secondPair, ...families6, `route add ${plain6} via 2001:db8::2`],
    happens: ["address del 2001:db8::1/64 dev a0"],
    present: [plain6],
    absent: ["2001:db8::/64"],
  },
  {
    name: "IPv6 address deleted that is a default route's source, of a link that no route leaves by",
    before: [
      ...secondPair,
      ...families6,
      "link add c0 type veth peer name c1",
      "address add 2001:db8:9::1/64 dev c0 nodad",
      "route add default via 2001:db8::2 src 2001:db8:9::1",
    ],
    happens: ["address del 2001:db8:9::1/64 dev c0"],
    present: ["::/0"],
    absent: ["2001:db8:9::1"],
  },
  {
    name: "IPv6 link deleted, with one leg of a multipath",
    before: [...secondPair, ...families6, multi6],
    happens: ["link del b0"],
    present: ["2001:db8::2@a0"],
  },
  {
    name: "link deleted, with one leg of a multipath",
    before: [
      ...secondPair,
      `route add ${multi} nexthop via 10.0.0.2 nexthop via 10.0.1.2`,
      `route add ${plain} via 10.0.1.2`,
    ],
    happens: ["link del b0"],
    absent: [multi, plain],
  },
  {
    name: "next-hop object deleted",
    before: ["nexthop add id 7 via 10.0.0.2 dev a0", `route add ${plain} nhid 7`],
    happens: ["nexthop del id 7"],
    absent: [plain],
  },
  {
    name: "next-hop group shrinks",
    before: [
      ...secondPair,
      "nexthop add id 7 via 10.0.0.2 dev a0",
      "nexthop add id 8 via 10.0.1.2 dev b0",
      "nexthop add id 9 group 7/8",
      `route add ${multi} nhid 9`,
    ],
    happens: ["nexthop del id 8"],
    absent: ["10.0.1.2@b0"],
    present: ["10.0.0.2@a0"],
  },
  {
    name: "next-hop object replaced, its route names it only",
    sysctl: ["net/ipv4/nexthop_compat_mode", 0],
    before: ["nexthop add id 7 via 10.0.0.2 dev a0", `route add ${plain} nhid 7`],
    happens: ["nexthop replace id 7 via 10.0.0.9 dev a0"],
    absent: ["10.0.0.2@a0"],
    present: ["10.0.0.9@a0"],
  },
  {
    name: "next-hop group replaced, its route names it only",
    sysctl: ["net/ipv4/nexthop_compat_mode", 0],
    before: [
      "nexthop add id 7 via 10.0.0.2 dev a0",
      "nexthop add id 8 via 10.0.0.3 dev a0",
      "nexthop add id 9 group 7",
      `route add ${plain} nhid 9`,
    ],
    happens: ["nexthop replace id 9 group 7,2/8,5"],
    present: ["10.0.0.2@a0*2 10.0.0.3@a0*5"],
  },
];

for (const row of rows) {
  Deno.test({
    name: `KernelMonitor ends in the right table when this happens: ${row.name}`,
    ignore,
    async fn(): Promise<void> {
      await using rig = await MonitorRig.create();
      if (row.sysctl !== undefined) await rig.namespace.sysctl(...row.sysctl);
      await rig.namespace.batch(row.before);
      const before = (await rig.agrees()).join("\n");
      for (const text of row.absent ?? []) assert.ok(before.includes(text), `${text} was not there before`);
      await rig.namespace.batch(row.happens);
      const after = (await rig.agrees()).join("\n");
      for (const text of row.present ?? []) assert.ok(after.includes(text), `${text} is not in\n${after}`);
      for (const text of row.absent ?? []) assert.ok(!after.includes(text), `${text} is still in\n${after}`);
      assert.deepEqual((await rig.health()).errors, []);
    },
  });
}

Deno.test({
  name: "KernelMonitor ends in the right table when a link moves to another namespace",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create();
    await rig.ip(`route add ${plain} via 10.0.0.2`);
    await rig.agrees();
    const other = rig.namespace.spawn(["unshare", "--net", "sleep", "60"], { stdin: "null" });
    try {
      await moveLink(rig, other.pid);
      assert.ok(!(await rig.agrees()).join().includes(plain));
    } finally {
      other.kill("SIGTERM");
      await other.status;
    }
  },
});

/** The other namespace takes a moment to come up; until then the move changes nothing. */
async function moveLink(rig: MonitorRig, pid: number): Promise<void> {
  for (;;) {
    await rig.namespace.run(["ip", "link", "set", "a0", "netns", `${pid}`]);
    if ((await rig.namespace.run(["ip", "link", "show", "a0"])).code !== 0) return;
  }
}
