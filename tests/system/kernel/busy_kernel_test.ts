/** A kernel that is busy, or keeps something back: what is read of it must be right all the same. */

import assert from "node:assert/strict";
import type { Namespace } from "../namespace.ts";
import { namespacesMissing } from "../namespace.ts";
import { patienceMs, until } from "../until.ts";
import { MonitorRig } from "./monitor_rig.ts";

const ignore = namespacesMissing() !== null;

/** By hand it was 50. */
const attempts = 12;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Adds and deletes without an end, as fast as `ip` can, until it is disposed of. */
class Storm implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #file: string;

  private constructor(child: Deno.ChildProcess, file: string) {
    this.#child = child;
    this.#file = file;
  }

  /** @param lines of `ip -batch`. */
  static async start(namespace: Namespace, family: 4 | 6, lines: readonly string[]): Promise<Storm> {
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, lines.join("\n") + "\n");
    // The shell goes with its standard input, however the test ends.
    const script =
      `while kill -0 $PPID; do ip -${family} -force -batch ${file} > /dev/null 2>&1; done & read line; kill $!`;
    return new Storm(namespace.spawn(["sh", "-c", script], { stdin: "piped" }), file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
    await Deno.remove(this.#file);
  }
}

/** Devices a0 and b0 with routes, b0 with enough addresses for a dump of several datagrams. */
async function busyRig(): Promise<MonitorRig> {
  const rig = await MonitorRig.create({ tables: [254] });
  await rig.namespace.veth("b0", "b1", "10.0.1.1/24");
  await rig.namespace.batch([
    ...range(600).map((index) => `address add 172.30.${index >> 8}.${index & 255}/32 dev b0`),
    ...range(2_000).map((index) => `route add 198.51.${index >> 8}.${index & 255}/32 via 10.0.0.2`),
  ]);
  await rig.ip("-6 address add 2001:db8::1/64 dev a0 nodad");
  const routes6 = range(4_000).map((index) =>
    `route add 2001:db9:${index.toString(16)}::/64 via 2001:db8::2`
  );
  await rig.namespace.must(["ip", "-6", "-batch", "-"], routes6.join("\n") + "\n");
  return rig;
}

/** Addresses that come and go on a device with routes. */
const flappingAddresses = range(200).flatMap((index) => [
  `address add 10.9.${index}.1/32 dev a0`,
  `address del 10.9.${index}.1/32 dev a0`,
]);

Deno.test({
  name: "KernelMonitor reads the right table every time while addresses come and go without a pause",
  ignore,
  async fn(): Promise<void> {
    await using rig = await busyRig();
    const isStatic = (line: string): boolean => !line.startsWith("10.9.");
    const routes = await rig.agrees();
    const addresses = (await rig.addresses()).filter(isStatic);
    assert.ok(routes.length > 6_000 && addresses.length > 602);
    await using _storm = await Storm.start(rig.namespace, 4, flappingAddresses);
    for (const attempt of range(attempts)) {
      const seen = await rig.fresh(attempt % 2 === 0 ? "periodic" : "events");
      assert.deepEqual(seen.table, routes, `routes of attempt ${attempt}`);
      assert.deepEqual(seen.addresses.filter(isStatic), addresses, `addresses of attempt ${attempt}`);
    }
    assert.deepEqual(await rig.table(), routes);
    assert.deepEqual((await rig.health()).errors, []);
  },
});

Deno.test({
  name: "KernelMonitor misses no IPv6 route every time while others come and go without a pause",
  ignore,
  async fn(): Promise<void> {
    await using rig = await busyRig();
    const isStatic = (line: string): boolean => !line.includes("2001:db8:ff");
    const routes = await rig.agrees();
    const flapping = range(200).flatMap((index) => [
      `route add 2001:db8:ff${index.toString(16).padStart(2, "0")}::/48 via 2001:db8::2`,
      `route del 2001:db8:ff${index.toString(16).padStart(2, "0")}::/48 via 2001:db8::2`,
    ]);
    await using _storm = await Storm.start(rig.namespace, 6, flapping);
    for (const attempt of range(attempts)) {
      const { table } = await rig.fresh(attempt % 2 === 0 ? "periodic" : "events");
      assert.deepEqual(table.filter(isStatic), routes, `routes of attempt ${attempt}`);
      await rig.resync();
      assert.deepEqual((await rig.table()).filter(isStatic), routes, `routes after dump ${attempt}`);
    }
    assert.deepEqual((await rig.health()).errors, []);
  },
});

Deno.test({
  name: "KernelMonitor lets the links of containers come and go without a dump",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ tables: [254], families: [4] });
    await rig.namespace.batch(
      range(1_000).map((index) => `route add 198.51.${index >> 8}.${index & 255}/32 via 10.0.0.2`),
    );
    await rig.agrees();
    const before = await rig.quiet();
    const pods = range(50);
    await rig.namespace.batch(
      pods.flatMap((pod) => [
        `link add pod${pod} type veth peer name eth${pod}`,
        `link set pod${pod} up`,
        `link set eth${pod} up`,
      ]),
    );
    await rig.namespace.batch(pods.map((pod) => `link del pod${pod}`));
    await rig.ip("route add 203.0.113.0/24 via 10.0.0.2");
    const routes = await rig.agrees();
    assert.ok(routes.join().includes("203.0.113.0/24"));
    const after = await rig.health();
    assert.ok(after.events > before.events + 100);
    assert.equal(after.dumps, before.dumps);
    await rig.ip("link set a0 down");
    assert.equal((await rig.agrees()).length, 0);
  },
});

Deno.test({
  name: "KernelMonitor lets the links of pods go with their routes, without a dump",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ families: [4] });
    const pods = range(20);
    await rig.namespace.batch(
      pods.flatMap((pod) => [
        `link add pod${pod} type veth peer name eth${pod}`,
        `link set eth${pod} up`,
        `link set pod${pod} up`,
        `address add 169.254.1.1/32 dev pod${pod} scope link`,
        `route add 10.244.0.${pod}/32 dev pod${pod} scope link`,
        `route add 10.244.0.${pod}/32 via 10.0.0.2 metric 32 proto bird`,
        `route add 10.245.0.${pod}/32 dev pod${pod} table 1000`,
      ]),
    );
    assert.equal((await rig.agrees()).filter((line) => line.includes("@pod")).length, 40);
    const before = await rig.quiet();
    await rig.namespace.batch(pods.slice(0, 10).map((pod) => `link del pod${pod}`));
    await rig.namespace.batch(pods.slice(10).map((pod) => `link set pod${pod} down`));
    const routes = await rig.agrees();
    assert.equal(routes.filter((line) => line.includes("@pod")).length, 0);
    assert.equal(routes.filter((line) => line.includes("254 10.244.0.")).length, 20);
    assert.equal((await rig.quiet()).dumps, before.dumps);
  },
});

Deno.test({
  name: "KernelMonitor drops an IPv6 route when its lifetime ends, while the kernel still lists it",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ families: [6] });
    await rig.ip("-6 address add 2001:db8::1/64 dev a0 nodad");
    await rig.ip("-6 route add 2001:db9::/64 via 2001:db8::2 expires 3");
    const has = async (): Promise<boolean> => (await rig.table()).join().includes("2001:db9::/64");
    await until("the route is there", has, patienceMs, 10);
    await until("the route is gone", async () => !await has(), patienceMs, 10);
    assert.ok((await rig.ip("-6 route show 2001:db9::/64")).includes("2001:db9::/64"));
    assert.equal((await rig.namespace.run(["ip", "-6", "route", "get", "2001:db9::1"])).code, 2);
  },
});

Deno.test({
  name: "KernelMonitor keeps the routes behind one that is too large for the kernel's dumps",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ tables: [254], families: [4] });
    await rig.ip("address add 10.0.0.1/16 dev a0");
    const behind = range(20).map((index) => `route add 198.51.100.${index}/32 via 10.0.0.2`);
    await rig.namespace.batch([...behind, "route add 20.0.0.0/24 via 10.0.0.2"]);
    const before = await rig.agrees();
    const script = new URL("wide_route.ts", import.meta.url).pathname;
    const device = JSON.parse(await rig.ip("-j link show a0"))[0].ifindex;
    await rig.namespace.must(
      [Deno.execPath(), "run", "--allow-all", "--no-check", script, "30.0.0", "2100", `${device}`],
    );
    const dumped = await rig.truth();
    assert.ok(
      !dumped.join().includes("198.51.100.1/32"),
      "this kernel dumps such a route: the test shows nothing",
    );
    await rig.resync();
    await rig.resync();
    const isSmall = (line: string): boolean => !line.includes("30.0.0.0/24");
    const now = await rig.table();
    assert.deepEqual(now.filter(isSmall), before);
    assert.equal(now.length, before.length + 1, "the large one is there too");
    const why =
      "Cannot read all IPv4 routes of table 254: the kernel's dump is not whole (it ends at 30.0.0.0/24, " +
      "whose 2100 next hops do not fit into one message); what is known of the rest is kept";
    assert.equal((await rig.health()).lastError, why);
    assert.deepEqual((await rig.health()).errors, [why]);
    // What goes behind it goes here too, told or not.
    await rig.ip("route del 198.51.100.3/32");
    await rig.resync();
    assert.ok(!(await rig.table()).join().includes("198.51.100.3/32"));
    await rig.ip("route del 30.0.0.0/24");
    await rig.resync();
    await rig.agrees();
    assert.equal((await rig.health()).lastError, null);
  },
});

Deno.test({
  name: "KernelMonitor finds the IPv6 route by an object again that the kernel's dumps hid between two legs",
  ignore,
  async fn(): Promise<void> {
    await using rig = await MonitorRig.create({ families: [6] });
    const prefix = "2001:db9::/64";
    await rig.ip("-6 address add 2001:db8::1/64 dev a0 nodad");
    await rig.ip("-6 nexthop add id 5 via 2001:db8::5 dev a0");
    await rig.ip(`-6 route add ${prefix} via 2001:db8::2`);
    await rig.ip(`-6 route append ${prefix} nhid 5`);
    await rig.ip(`-6 route append ${prefix} via 2001:db8::3`);
    await rig.agrees();
    await rig.resync();
    assert.ok(!(await rig.agrees()).join().includes("2001:db8::5"), "this kernel hides nothing");
    await rig.ip(`-6 route del ${prefix} via 2001:db8::2`);
    assert.ok((await rig.agrees()).join().includes("2001:db8::5"));
  },
});
