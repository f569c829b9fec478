/** `run -cloud local -event`: what the kernel says is what the table has. */

import assert from "node:assert/strict";
import { type Router, routerTest } from "./router.ts";

const prefix = "198.51.100.0/24";
const other = "203.0.113.0/24";

/** A route that tells that all earlier news of the kernel has been dealt with. */
async function marker(router: Router, table: Readonly<Record<string, string>>): Promise<void> {
  await router.announce(["192.0.2.0/24"]);
  await router.untilTable({ ...table, "192.0.2.0/24": "10.0.0.7" });
}

routerTest("a route that comes, moves and goes does so in the table", async (router) => {
  router.start();
  await router.announce([prefix]);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.announce([prefix], "10.0.0.8");
  await router.untilTable({ [prefix]: "10.0.0.8" });
  await router.withdraw([prefix]);
  await router.untilTable({});
  assert.equal((await router.readFile()).version, 3);
});

routerTest("a route that was there before the start is in the table", async (router) => {
  await router.announce([prefix]);
  router.start();
  await router.untilTable({ [prefix]: "10.0.0.7" });
});

routerTest("a gateway outside the subnet makes this VM the next hop", async (router) => {
  router.start();
  await router.announce([prefix], "192.168.7.9");
  await router.untilTable({ [prefix]: "10.0.0.2" });
});

routerTest("-self names the address that routes point at", async (router) => {
  router.start("-self", "10.0.0.77/24");
  await router.announce([prefix], "192.168.7.9");
  await router.untilTable({ [prefix]: "10.0.0.77" });
});

routerTest("of several legs the lowest gateway decides", async (router) => {
  router.start();
  await router.ip(`route add ${prefix} proto bgp nexthop via 10.0.0.30 nexthop via 10.0.0.9`);
  await router.untilTable({ [prefix]: "10.0.0.9" });
});

routerTest("of several legs the one that the table has stays while it is among them", async (router) => {
  router.start();
  await router.announce([prefix], "10.0.0.30");
  await router.untilTable({ [prefix]: "10.0.0.30" });
  await router.ip(`route replace ${prefix} proto bgp nexthop via 10.0.0.30 nexthop via 10.0.0.9`);
  await marker(router, { [prefix]: "10.0.0.30" });
  await router.ip(`route replace ${prefix} proto bgp nexthop via 10.0.0.9 nexthop via 10.0.0.10`);
  await router.untilTable({ [prefix]: "10.0.0.9", "192.0.2.0/24": "10.0.0.7" });
});

routerTest("of two metrics the lower decides, and the other takes its place when it goes", async (router) => {
  router.start();
  await router.ip(
    `route add ${prefix} via 10.0.0.8 proto bgp metric 200`,
    `route add ${prefix} via 10.0.0.7 proto bgp metric 100`,
  );
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.ip(`route del ${prefix} metric 100`);
  await router.untilTable({ [prefix]: "10.0.0.8" });
  assert.equal((await router.readFile()).routes.length, 1);
});

routerTest("a lower metric that is not exported shadows the one that would be", async (router) => {
  router.start("-protocol", "bgp");
  await router.ip(`route add ${prefix} via 10.0.0.7 proto bgp metric 100`);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.ip(`route add ${prefix} via 10.0.0.9 proto static metric 10`);
  await router.untilTable({});
});

routerTest("-table 100 reads that table and not main", async (router) => {
  router.start("-table", "100");
  await router.ip(
    `route add ${other} via 10.0.0.8 proto bgp`,
    `route add ${prefix} via 10.0.0.7 proto bgp table 100`,
  );
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.ip(`route del ${prefix} table 100`);
  await router.untilTable({});
});

routerTest("IPv6 routes are left out, and with -ipv6 they are in", async (router) => {
  const run = router.start();
  await router.ip("route add 2001:db8:7::/48 via 2001:db8::7 proto bgp");
  await router.announce([prefix]);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await run.stop();
  router.start("-ipv6");
  await router.untilTable({ [prefix]: "10.0.0.7", "2001:db8:7::/48": "2001:db8::7" });
  await router.ip("route replace 2001:db8:7::/48 via 2001:db8::8 proto bgp");
  await router.untilTable({ [prefix]: "10.0.0.7", "2001:db8:7::/48": "2001:db8::8" });
});

routerTest("an IPv4 route by an IPv6 gateway makes this VM the next hop", async (router) => {
  router.start();
  await router.ip(`route add ${prefix} via inet6 2001:db8::7 dev eth0 proto bgp`);
  await router.untilTable({ [prefix]: "10.0.0.2" });
});

routerTest("a default route in any guise stays out, and with -allow-default it is in", async (router) => {
  const guises = ["0.0.0.0/1", "128.0.0.0/1"];
  const run = router.start();
  await router.announce([...guises, prefix]);
  await router.ip("route replace default via 10.0.0.1 proto bgp");
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await run.stop();
  router.start("-allow-default");
  await router.untilTable({
    [prefix]: "10.0.0.7",
    "0.0.0.0/1": "10.0.0.7",
    "128.0.0.0/1": "10.0.0.7",
    "0.0.0.0/0": "10.0.0.1",
  });
});

routerTest("a link that goes down takes its routes along, without a word of the kernel", async (router) => {
  router.start("-netlink", "0");
  await router.announce([prefix], "192.168.7.9");
  await router.announce([other]);
  await router.untilTable({ [prefix]: "10.0.0.2", [other]: "10.0.0.7" });
  await router.ip("link set tun0 down");
  await router.untilTable({ [other]: "10.0.0.7" });
  await router.ip("link set tun0 up", `route add ${prefix} via 192.168.7.9 proto bgp`);
  await router.untilTable({ [prefix]: "10.0.0.2", [other]: "10.0.0.7" });
});

routerTest("a leg that loses its carrier decides no more", async (router) => {
  router.start("-netlink", "0");
  await router.ip(`route add ${prefix} proto bgp nexthop via 10.0.0.7 nexthop via 192.168.7.9`);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.ip("link set fabric down");
  await router.untilTable({ [prefix]: "10.0.0.2" });
});

routerTest("a changed address of this VM is the next hop of its routes at once", async (router) => {
  router.start("-netlink", "0");
  await router.announce([prefix], "192.168.7.9");
  await router.untilTable({ [prefix]: "10.0.0.2" });
  await router.ip(
    "address del 10.0.0.2/24 dev eth0",
    "address add 10.0.0.3/24 dev eth0",
    "route add default via 10.0.0.1",
  );
  await router.untilTable({ [prefix]: "10.0.0.3" });
});

routerTest("-include, -exclude, -interface and -blackhole choose what is exported", async (router) => {
  const flags = ["-exclude", "10.8.1.0/24", "-include", "10.8.0.0/16+", "-include", "172.16.0.0/12 le 16"];
  router.start(...flags, "-interface", "tun0", "-blackhole");
  await router.announce(["10.8.1.0/24", "10.8.2.0/24", "172.16.0.0/16", "172.17.1.0/24", prefix]);
  await router.ip("route add 10.8.3.0/24 dev tun0", "route add blackhole 10.8.4.0/24 proto bird");
  await router.untilTable({
    "10.8.2.0/24": "10.0.0.7",
    "172.16.0.0/16": "10.0.0.7",
    "10.8.3.0/24": "10.0.0.2",
    "10.8.4.0/24": "10.0.0.2",
  });
});

routerTest("periodic mode follows the kernel by reading it anew", async (router) => {
  const flags = ["-cloud", "local", "-local-file", router.file, "-netlink", "1", "-sync", "1"];
  const run = router.spawn(flags);
  await router.announce([prefix]);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.announce([prefix], "10.0.0.8");
  await router.untilTable({ [prefix]: "10.0.0.8" });
  await router.withdraw([prefix]);
  await router.untilTable({});
  await router.announce([prefix]);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  await router.writeFile([]);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  assert.equal((await run.stop()).code, 0);
});
