/** Routes of every make that Linux has, and where the executable sends the cloud's packets for them. */

import assert from "node:assert/strict";
import { untilSame } from "../until.ts";
import { type Router, routerTest } from "./router.ts";

const prefix = "20.0.1.0/24";
const six = "2001:db8:77::/48";
const self = "10.0.0.2";
const neighbour = "10.0.0.7";

/** What `apply` writes for a prefix: its next hop, or null. */
async function applied(router: Router, of: string, ...flags: readonly string[]): Promise<string | null> {
  const { code, stderr } = await router.command("apply", ...flags);
  assert.equal(code, 0, stderr);
  return (await router.table())[of] ?? null;
}

/** The entries of `routes -output json` for a prefix, as `VERDICT REASON`. */
async function verdicts(router: Router, of: string, ...flags: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr } = await router.bare(["routes", "-output", "json", ...flags]);
  assert.notEqual(stdout, "", stderr);
  const { routes } = JSON.parse(stdout) as {
    readonly routes: readonly {
      readonly prefix: string;
      readonly verdict: string;
      readonly reason: string | null;
    }[];
  };
  return routes.filter((route) => route.prefix === of)
    .map(({ verdict, reason }) => reason === null ? verdict : `${verdict} ${reason}`);
}

/** Encapsulated routes: what `routes` calls the tunnel, and how they are made. */
const encapsulated: readonly (readonly [string, readonly string[]])[] = [
  ["ip", [`route add ${prefix} encap ip id 100 dst 192.0.2.1 via ${neighbour} dev eth0`]],
  ["ip6", [`route add ${prefix} encap ip6 id 100 dst 2001:db8::9 via ${neighbour} dev eth0`]],
  ["seg6", [`route add ${prefix} encap seg6 mode encap segs 2001:db8::9 via ${neighbour} dev eth0`]],
  ["ip", [
    `route add ${prefix} nexthop encap ip id 1 dst 192.0.2.1 via ${neighbour} dev eth0 nexthop via 10.9.9.9 dev tun0 onlink`,
  ]],
  ["ip", [
    `nexthop add id 7 encap ip id 1 dst 192.0.2.1 via ${neighbour} dev eth0`,
    `route add ${prefix} nhid 7`,
  ]],
];

for (const [kind, lines] of encapsulated) {
  routerTest(`an encapsulated route points at this VM: ${lines.join("; ")}`, async (router) => {
    await router.ip(...lines);
    assert.equal(await applied(router, prefix), self);
    const { stdout } = await router.bare(["routes"]);
    assert.match(
      stdout,
      new RegExp(`^20\\.0\\.1\\.0/24 .*10\\.0\\.0\\.7%eth0 \\(encap ${kind}, this VM\\).* +wanted$`, "m"),
    );
    const told = await router.command(`explain ${prefix}`);
    assert.match(told.stdout, new RegExp(`encap ${kind} via 10\\.0\\.0\\.7 dev eth0`));
    assert.match(told.stdout, /10\.0\.0\.7%eth0: next hop is this VM, encapsulation: /);
  });
}

routerTest(
  "one leg of two that is encapsulated points at this VM, the other at its gateway",
  async (router) => {
    await router.ip(
      `route add ${prefix} nexthop via ${neighbour} nexthop encap ip id 1 dst 192.0.2.1 via 10.0.0.8 dev eth0`,
    );
    const { document } = await router.document(`explain ${prefix}`);
    const [route] = (document as { routes: { nexthops: Record<string, unknown>[] }[] }).routes;
    assert.deepEqual(
      route?.nexthops.map(({ gateway, encapsulation, to, why }) => [gateway, encapsulation, to, why]),
      [
        [neighbour, null, "gateway", null],
        ["10.0.0.8", "ip", "self", "encapsulation"],
      ],
    );
  },
);

routerTest(
  "a neighbour's address by another device points at this VM, as FRR writes EVPN",
  async (router) => {
    await router.ip(
      "link add br100 type bridge",
      "link set br100 up",
      `route add ${prefix} via ${neighbour} dev br100 onlink`,
    );
    assert.equal(await applied(router, prefix), self);
    await router.ip(`route replace ${prefix} via ${neighbour} dev eth0`);
    assert.equal(await applied(router, prefix), neighbour);
    await router.ip(`route replace ${prefix} via ${neighbour} dev tun0 onlink`);
    assert.equal(await applied(router, prefix), self);
    const { stdout } = await router.command(`explain ${prefix}`);
    assert.match(stdout, /10\.0\.0\.7%tun0: next hop is this VM, other-device: /);
  },
);

routerTest(
  "an IPv4 route by an IPv6 gateway points at this VM where routes name addresses",
  async (router) => {
    await router.ip(`route add ${prefix} via inet6 2001:db8::20 dev eth0`);
    assert.equal(await applied(router, prefix), self);
    const { stdout } = await router.command(`explain ${prefix}`);
    assert.match(stdout, /via inet6 2001:db8::20 dev eth0/);
  },
);

routerTest(
  "a dead route shadows nothing: without carrier, where the kernel ignores such routes",
  async (router) => {
    await router.ip(
      `route add ${prefix} via ${neighbour} metric 10`,
      `route add ${prefix} via 192.168.7.9 metric 20`,
    );
    await router.ip("link set fabric down");
    assert.deepEqual(
      await verdicts(router, prefix),
      ["dropped link-down", "dropped shadowed"],
      "the kernel uses the first",
    );
    await router.namespace.sysctl("net/ipv4/conf/eth0/ignore_routes_with_linkdown", 1);
    assert.deepEqual(await verdicts(router, prefix), ["dropped link-down", "wanted"]);
    assert.match(await router.namespace.ip("route get 20.0.1.1"), /via 192\.168\.7\.9/);
    assert.equal(await applied(router, prefix), self);
  },
);

routerTest("throw ends the look-up in its table alone", async (router) => {
  await router.ip(`route add throw ${prefix} table 52`, `route add ${prefix} via ${neighbour}`);
  assert.deepEqual(await verdicts(router, prefix, "-table", "52", "-table", "main"), [
    "dropped type",
    "wanted",
  ]);
  assert.equal(await applied(router, prefix, "-table", "52", "-table", "main"), neighbour);
  await router.ip(`route add ${prefix} via 10.0.0.8 table 52 metric 9`);
  assert.deepEqual(await verdicts(router, prefix, "-table", "52,main"), [
    "dropped type",
    "dropped shadowed",
    "wanted",
  ]);
  await router.ip(`route del ${prefix} via ${neighbour}`, `route add throw ${prefix}`);
  assert.equal(await applied(router, prefix, "-table", "52,main", "-max-withdraw", "100"), null);
});

routerTest("every piece into which a VPN cuts the default is a default route", async (router) => {
  const pieces = ["0.0.0.0/1", "64.0.0.0/2", "12.0.0.0/7"];
  const pieces6 = ["::/3", "3000::/4", "2000::/3", "2400::/6"];
  for (const piece of pieces) await router.ip(`route add ${piece} via ${neighbour}`);
  for (const piece of pieces6) await router.ip(`route add ${piece} via 2001:db8::7`);
  for (const piece of [...pieces, ...pieces6]) {
    assert.deepEqual(await verdicts(router, piece, "-ipv6"), ["dropped default-route"], piece);
    assert.deepEqual(await verdicts(router, piece, "-ipv6", "-allow-default"), ["wanted"], piece);
  }
});

routerTest("-self overrides the address of its own family alone", async (router) => {
  await router.ip(`route add ${prefix} via 192.168.7.9`, `route add ${six} dev tun0`);
  const flags = ["-self", "10.0.0.10/24", "-ipv6", "-interface", "tun0"];
  assert.equal(await applied(router, six, ...flags), "2001:db8::2");
  assert.equal((await router.table())[prefix], "10.0.0.10");
});

routerTest("-protocol is the last word over -interface and -blackhole", async (router) => {
  await router.ip(
    `route add ${prefix} dev tun0 proto kernel`,
    "route add blackhole 20.0.2.0/24 proto kernel",
  );
  const both = ["-interface", "tun0", "-blackhole"];
  assert.deepEqual(await verdicts(router, prefix, ...both), ["wanted"]);
  assert.deepEqual(await verdicts(router, "20.0.2.0/24", ...both), ["wanted"]);
  assert.deepEqual(await verdicts(router, prefix, ...both, "-protocol", "bgp"), ["dropped protocol"]);
  assert.deepEqual(await verdicts(router, "20.0.2.0/24", ...both, "-protocol", "bgp"), ["dropped protocol"]);
});

routerTest("routes for some source addresses only are listed, with their reason", async (router) => {
  await router.ip(
    `route add ${six} from 2001:db8:1::/48 via 2001:db8::7`,
    `route add ${six} via 2001:db8::8 metric 2000`,
  );
  assert.deepEqual([...await verdicts(router, six, "-ipv6")].sort(), ["dropped source-specific", "wanted"]);
  assert.equal(await applied(router, six, "-ipv6"), "2001:db8::8");
  const { stdout } = await router.command(`explain ${six}`, "-ipv6");
  assert.match(stdout, /2001:db8:77::\/48 from 2001:db8:1::\/48 via 2001:db8::7 dev eth0/);
  const off = await router.command("explain 2001:db8:77::1");
  assert.match(off.stdout, /^2001:db8:77::\/48, the longest match of [^]* dropped, ipv6-off: /m);
  const none = await router.command("explain 2001:db9::1");
  assert.match(none.stdout, /^2001:db9::1\/128: no route that the kernel goes by matches 2001:db9::1$/m);
  const planned = await router.command("plan", "-ipv6", "-dropped");
  assert.match(planned.stdout, /^x 2001:db8:77::\/48 +source-specific$/m);
  assert.match(planned.stdout, /^kernel routes not wanted: .*1 source-specific/m);
});

routerTest("-interface knows a device by its other names, and says what is not there", async (router) => {
  await router.ip("link property add dev tun0 altname tunnel-to-berlin", `route add ${prefix} dev tun0`);
  assert.equal(await applied(router, prefix, "-interface", "tunnel-to-berlin"), self);
  const { stderr } = await router.command("apply", "-interface", "tun0,wg9");
  assert.equal(stderr.match(/Device wg9 of -interface does not exist/g)?.length, 1, stderr);
  assert.doesNotMatch(stderr, /Device tun0/);
  const { code, stdout } = await router.command("doctor", "-interface", "tun0,wg9");
  assert.equal(code, 1);
  assert.match(stdout, /^\[bad\] +device wg9: -interface names wg9, and no device has that name/m);
});

routerTest(
  "this VM is the address that the kernel sends from, in a running instance as in apply",
  async (router) => {
    const route = `route add ${six} dev tun0`;
    await router.ip(
      "route add ::/0 via fe80::1 dev eth0",
      route,
      "address add 2001:db8::b/64 dev eth0 nodad",
    );
    const flags = ["-ipv6", "-interface", "tun0"];
    const kernels = async (): Promise<string> =>
      /src (\S+)/.exec(await router.namespace.ip("-6 route get 2600::1"))?.[1] ?? "none";
    assert.equal(await applied(router, six, ...flags), await kernels());
    router.start("-event", "-netlink", "0", ...flags);
    for (
      const line of [
        "address add 2001:db8::a/64 dev eth0 nodad",
        "address change 2001:db8::a/64 dev eth0 preferred_lft 0 valid_lft 1000",
        "route replace ::/0 via fe80::1 dev eth0 src 2001:db8::2",
      ]
    ) {
      await router.ip(line);
      const expected = await kernels();
      await untilSame([expected], async () => [(await router.table())[six] ?? "none"]);
      const { document } = await router.document("plan", ...flags);
      assert.deepEqual(
        (document as { tables: { changes: unknown }[] }).tables[0]?.changes,
        [],
        `plan after ${line}`,
      );
    }
    await router.stop();
    await router.ip(
      "address add 2001:db8::c/128 dev eth0 nodad",
      "route replace ::/0 via fe80::1 dev eth0",
    );
    assert.notEqual(await applied(router, six, ...flags), "2001:db8::c", "no /128 beside a /64");
  },
);

routerTest("a route of the file without an owner is foreign", async (router) => {
  await Deno.writeTextFile(
    router.file,
    `{"version": 1, "routes": [{"prefix": "203.0.113.0/24", "nextHop": "10.0.0.99"}]}`,
  );
  await router.ip(`route add ${prefix} via ${neighbour}`);
  assert.equal(await applied(router, prefix), neighbour);
  assert.equal((await router.table())["203.0.113.0/24"], "10.0.0.99");
});
