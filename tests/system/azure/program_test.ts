/** The executable as a router VM runs it, with a stand-in for Azure's API as its cloud. */

import assert from "node:assert/strict";
import { ArmRefusal, type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { addresses, AzureRig, ids, route } from "../../fakes/azure/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { bundleHoldsNoSecret } from "../bundle_secrets.ts";
import { namespacesMissing } from "../namespace.ts";
import { inOrder, type ListedChange, loggedChanges } from "../logged_changes.ts";
import { until } from "../until.ts";
import { AzureVm } from "./azure_vm.ts";

const ignore = skips(opensslMissing(), namespacesMissing(), await binaryMissing());

Deno.test(
  { name: "the executable keeps an Azure route table in step", ignore },
  async (t) => {
    await using rig = await AzureRig.start();
    await using vm = await AzureVm.create(rig, await binaryPath());
    for (const [name, test] of Object.entries(tests)) {
      await t.step(name, async () => {
        await vm.reset();
        await vm.telling(() => test(vm, rig));
      });
    }
  },
);

const prefix = "198.51.100.0/24";
const inTable = (prefixes: readonly string[], nextHop: string = addresses.other): Record<string, string> =>
  Object.fromEntries(prefixes.map((text) => [text, nextHop]));

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `198.18.${index >> 8}.${index & 255}/32`);
}

/** Somebody else writes into the table. */
function writeByHand(rig: AzureRig, tableId: string, change: (routes: Json[]) => Json[]): void {
  const shown = rig.arm.state.show(tableId);
  const properties = propertiesOf(shown);
  const routes = change(properties.routes as Json[]); // JSON objects
  rig.arm.state.place(tableId, { ...shown, properties: { ...properties, routes } });
}

function tableWrites(rig: AzureRig): number {
  return rig.arm.writes().filter(({ path, status }) => path.includes("/routeTables/") && status < 300).length;
}

const tests: Record<string, (vm: AzureVm, rig: AzureRig) => Promise<void>> = {
  async "a kernel route comes, changes its next hop and goes"(vm): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    await vm.announce([prefix], addresses.scaleSet);
    await vm.untilRoutes(inTable([prefix], addresses.scaleSet));
    await vm.withdraw([prefix]);
    await vm.untilRoutes({});
    assert.equal((await vm.stop()).code, 0);
  },

  async "a restart with nothing to do reads each thing once"(vm, rig): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    assert.equal((await vm.stop()).code, 0);
    rig.arm.calls.length = 0;
    vm.start();
    await until("the table is in step", () => vm.log.includes("is in step"));
    const read = rig.arm.calls.map(({ method, path }) => `${method} ${path.replace(/.*\/providers\//, "")}`);
    // Whether this VM may forward is asked besides, when it is.
    const forwarding = "GET Microsoft.Network/networkInterfaces/router-nic";
    assert.deepEqual(read.filter((call) => call !== forwarding), [
      "GET Microsoft.Network/networkInterfaces",
      "GET Microsoft.Network/virtualNetworks/vnet1",
      "GET Microsoft.Network/routeTables/cloudroutesync-route-table",
      "GET Microsoft.Network/locations/westeurope/usages",
    ]);
    assert.equal((await vm.stop()).code, 0);
  },

  async "a gateway of the network is named by its address, whether or not a machine has it"(
    vm,
  ): Promise<void> {
    vm.start();
    await vm.announce([prefix], "10.0.1.99");
    await vm.untilRoutes(inTable([prefix], "10.0.1.99"));
  },

  async "one of three routes goes, a fourth comes, the others stay untouched"(vm): Promise<void> {
    const [one = "", two = "", three = "", four = ""] = numbered(4);
    await vm.announce([one, two, three]);
    vm.start();
    await vm.untilRoutes(inTable([one, two, three]));
    await vm.withdraw([two]);
    await vm.untilRoutes(inTable([one, three]));
    await vm.announce([four]);
    await vm.untilRoutes(inTable([one, three, four]));
  },

  async "30 routes at once take at most two writes"(vm, rig): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    rig.arm.calls.length = 0;
    await vm.announce(numbered(30));
    await vm.untilRoutes(inTable([prefix, ...numbered(30)]));
    assert.ok(tableWrites(rig) <= 2, `${tableWrites(rig)} writes`);
  },

  async "900 routes that are there at the start take one write"(vm, rig): Promise<void> {
    await vm.announce(numbered(900));
    assert.equal((await vm.command("apply")).code, 0);
    await vm.untilRoutes(inTable(numbered(900)));
    assert.equal(tableWrites(rig), 2, "one makes the table, one fills it");
  },

  async "apply makes the changes that plan lists, before there is a table and after"(vm, rig): Promise<void> {
    const planned = async (): Promise<{ steps: unknown[]; changes: ListedChange[] }> => {
      const { stdout } = await vm.command("plan", "-output", "json");
      const { tables: [{ preparation: steps, changes }] } = JSON.parse(stdout);
      return { steps, changes };
    };
    const applied = async (): Promise<readonly ListedChange[]> => {
      const { code, stderr } = await vm.command("apply", "-log-format", "json");
      assert.equal(code, 0, stderr);
      return loggedChanges(stderr);
    };
    await vm.announce(numbered(3));
    const first = await planned();
    assert.deepEqual([first.steps.length > 0, first.changes.length], [true, 3]);
    assert.deepEqual(inOrder(await applied()), inOrder(first.changes));
    const [gone = "", moved = ""] = numbered(3);
    await vm.withdraw([gone]);
    await vm.announce([moved], addresses.scaleSet);
    await vm.announce([prefix]);
    const second = await planned();
    assert.deepEqual([second.steps, second.changes.length], [[], 3]);
    rig.arm.calls.length = 0;
    assert.deepEqual(inOrder(await applied()), inOrder(second.changes));
    assert.equal(tableWrites(rig), 1);
  },

  async "an IPv6 route and one with several next hops are carried"(vm): Promise<void> {
    vm.start("-ipv6");
    await vm.namespace.ip("-6 route add 2001:db8::/32 via fd00:1::20 proto bgp");
    const legs = `nexthop via ${addresses.other} nexthop via ${addresses.scaleSet}`;
    await vm.namespace.ip(`route add ${prefix} proto bgp ${legs}`);
    await vm.untilRoutes({
      "2001:db8::/32": "fd00:1::20",
      [prefix]: `${addresses.other},${addresses.scaleSet}`,
    });
  },

  async "a route by an IPv6 address of Azure's own router is left out"(vm): Promise<void> {
    vm.start("-ipv6");
    await vm.namespace.ip(
      "-6 route add 2001:db8:1::/48 via fe80::1234:5678:9abc dev eth0 onlink proto bgp",
    );
    await vm.namespace.ip("-6 route add 2001:db8::/32 via fd00:1::20 proto bgp");
    await vm.untilRoutes({ "2001:db8::/32": "fd00:1::20" });
    assert.match((await vm.command("routes", "-ipv6")).stdout, /2001:db8:1::\/48.*subnet-router/);
  },

  async "the frontend of an internal load balancer is a next hop by its own address"(vm): Promise<void> {
    vm.start();
    await vm.announce([prefix], addresses.loadBalancer);
    await vm.untilRoutes(inTable([prefix], addresses.loadBalancer));
  },

  async "an API that takes one next hop gets the lowest, once and for all"(vm, rig): Promise<void> {
    rig.arm.state.rules.ecmp = false;
    vm.start();
    const legs = `nexthop via ${addresses.scaleSet} nexthop via ${addresses.other}`;
    await vm.namespace.ip(`route add ${prefix} proto bgp ${legs}`);
    await vm.untilRoutes(inTable([prefix]));
    await vm.announce(["192.0.2.0/24"]);
    await vm.untilRoutes(inTable([prefix, "192.0.2.0/24"]));
    const refused = rig.arm.writes().filter(({ status }) => status === 400).length;
    assert.equal(refused, 1, "it is tried once");
    const { log } = await vm.stop();
    assert.equal(log.match(/takes one next hop a route/g)?.length, 1);
  },

  async "a foreign write between reading and writing survives"(vm, rig): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    rig.arm.beforeWrite = () => {
      rig.arm.beforeWrite = null;
      writeByHand(rig, ids.ownTable, (routes) => [...routes, route("by-hand", "192.0.2.0/24", "10.0.9.9")]);
    };
    await vm.announce(numbered(2));
    await vm.untilRoutes({ ...inTable([prefix, ...numbered(2)]), "192.0.2.0/24": "10.0.9.9" });
    assert.ok(rig.arm.writes().some(({ status }) => status === 412));
  },

  async "a route that an operator removed is put back, one that an operator added stays"(
    vm,
    rig,
  ): Promise<void> {
    vm.start("-audit", "1s");
    await vm.announce(numbered(2));
    await vm.untilRoutes(inTable(numbered(2)));
    writeByHand(
      rig,
      ids.ownTable,
      (routes) => [...routes.slice(1), route("by-hand", "192.0.2.0/24", "10.0.9.9")],
    );
    await vm.untilRoutes({ ...inTable(numbered(2)), "192.0.2.0/24": "10.0.9.9" });
    await vm.withdraw(numbered(2));
    await vm.untilRoutes({ "192.0.2.0/24": "10.0.9.9" });
  },

  async "routes that went while it was down are taken back at the next start"(vm): Promise<void> {
    await vm.announce(numbered(3));
    assert.equal((await vm.command("apply")).code, 0);
    await vm.withdraw(numbered(2));
    vm.start();
    await vm.untilRoutes(inTable(numbered(3).slice(2)));
  },

  async "a table of operators is filled and left as it was otherwise"(vm, rig): Promise<void> {
    rig.placeFormerTable();
    vm.start("-route-table", ids.formerTable);
    await vm.announce(numbered(2));
    await vm.untilRoutes({ ...inTable(numbered(2)), "0.0.0.0/0": "10.0.9.9" }, ids.formerTable);
    const { tags, properties } = rig.arm.state.show(ids.formerTable);
    assert.deepEqual(tags, { team: "network" });
    assert.equal((properties as Json).disableBgpRoutePropagation, true);
    assert.ok(!rig.arm.state.has(ids.ownTable));
  },

  async "a table that cannot be written is told in one sentence, and the others are kept"(
    vm,
    rig,
  ): Promise<void> {
    rig.placeFormerTable();
    const [locked, missing] = ["locked", "nowhere"].map((name) => ids.formerTable.replace(/[^/]+$/, name));
    assert.ok(locked !== undefined && missing !== undefined);
    rig.arm.state.place(locked, rig.arm.state.show(ids.formerTable));
    rig.arm.state.lock(locked, "ReadOnly");
    await vm.announce(numbered(3));
    vm.start(...[locked, missing, ids.formerTable].flatMap((id) => ["-route-table", id]));
    await vm.untilRoutes({ ...inTable(numbered(3)), "0.0.0.0/0": "10.0.9.9" }, ids.formerTable);
    const said = (words: RegExp): string[] => vm.log.split("\n").filter((line) => words.test(line));
    for (const words of [/WRN.*locked.*ScopeLocked/, /WRN.*nowhere.*(404|not found)/i]) {
      await until(`one sentence of ${words}`, () => said(words).length > 0);
    }
    await vm.announce(numbered(4));
    await vm.untilRoutes({ ...inTable(numbered(4)), "0.0.0.0/0": "10.0.9.9" }, ids.formerTable);
    assert.equal(said(/ScopeLocked/).length, 1, vm.log);
    assert.equal(said(/WRN.*nowhere/).length, 1, vm.log);
    assert.deepEqual(vm.routes(locked), { "0.0.0.0/0": "10.0.9.9" });
  },

  async "cleanup gives the subnet its former table back and everything else as it was"(
    vm,
    rig,
  ): Promise<void> {
    rig.placeFormerTable();
    const before = propertiesOf(rig.arm.state.show(ids.subnet));
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes({ ...inTable([prefix]), "0.0.0.0/0": "10.0.9.9" });
    await vm.stop();
    assert.equal((await vm.command("cleanup")).code, 0);
    assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)), before);
    assert.ok(!rig.arm.state.has(ids.ownTable));
  },

  async "bundle holds no token"(vm, rig): Promise<void> {
    vm.start("-debug");
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    await bundleHoldsNoSecret(vm, () => rig.arm.tap.seen);
  },

  async "plan says what would change and writes nothing"(vm, rig): Promise<void> {
    await vm.announce([prefix]);
    const { code, stdout } = await vm.command("plan", "-output", "json");
    assert.equal(code, 2);
    const { tables: [plan] } = JSON.parse(stdout) as {
      tables: { changes: { action: string; prefix: string; to: string }[] }[];
    };
    assert.deepEqual(plan?.changes.map(({ action, prefix, to }) => [action, prefix, to]), [[
      "add",
      prefix,
      addresses.other,
    ]]);
    assert.deepEqual(rig.arm.writes(), []);
    assert.equal((await vm.command("apply")).code, 0);
    rig.arm.calls.length = 0;
    assert.equal((await vm.command("plan")).code, 0);
    const tables = rig.arm.calls.map(({ path }) => path.toLowerCase()).filter((path) =>
      path.includes("/routetables/")
    );
    assert.deepEqual(tables, [...new Set(tables)], "it reads no table twice");
    assert.ok(tables.length > 0);
  },

  async "plan shows the table to be made, and what would turn the router's own packets back; apply leaves that out"(
    vm,
    rig,
  ): Promise<void> {
    rig.placeFormerTable();
    await vm.namespace.veth("tunnel0", "peer0", "10.200.0.1/24");
    await vm.namespace.ip("route add 198.51.100.7/32 via 10.0.1.1 dev eth0");
    await vm.announce([prefix, "192.0.2.0/24"], "10.200.0.2");
    const { code, stdout } = await vm.command("plan");
    assert.equal(code, 2, stdout);
    assert.match(stdout, /\* create route table cloudroutesync-route-table/);
    assert.match(stdout, /\* copy route 0\.0\.0\.0\/0 +→ 10\.0\.9\.9/);
    assert.match(stdout, /\* associate subnet vnet1\/clients +operators-table → cloudroutesync-route-table/);
    assert.match(
      stdout,
      /! 198\.51\.100\.0\/24 +would loop: this VM sends 198\.51\.100\.7\/32 by the subnet's router/,
    );
    assert.deepEqual(rig.arm.writes(), []);
    await vm.command("apply");
    await vm.untilRoutes({ "0.0.0.0/0": "10.0.9.9", "192.0.2.0/24": addresses.router });
    await vm.namespace.ip("link del tunnel0");
    await vm.namespace.ip("route del 198.51.100.7/32");
  },

  async "a table that Azure calls failed is written again"(vm, rig): Promise<void> {
    vm.start("-audit", "1s");
    await vm.announce(numbered(3));
    await vm.untilRoutes(inTable(numbered(3)));
    const isDone = (): boolean =>
      propertiesOf(rig.arm.state.show(ids.ownTable)).provisioningState === "Succeeded";
    await until("the writes are done", isDone);
    rig.arm.state.fail(ids.ownTable);
    await until("the table is written again", isDone);
    // On a fast machine the table fails before the program has seen it whole once, so that it is still the start's business.
    assert.match(
      (await vm.stop()).log,
      /replace 198\.18\.0\.0\/32 .*10\.0\.1\.20 -> 10\.0\.1\.20 \((drift|start)\)/,
    );
  },

  async "one refused route leaves the others in place, and is told"(vm, rig): Promise<void> {
    const [refused = "", ...others] = numbered(12);
    rig.arm.state.rules.refuseRoute = (item) =>
      propertiesOf(item).addressPrefix === refused
        ? new ArmRefusal(400, "InvalidRequestFormat", "Cannot parse the request.")
        : null;
    await vm.announce([refused, ...others]);
    vm.start();
    await vm.untilRoutes(inTable(others));
    const { log } = await vm.stop();
    assert.match(log, /Cannot add route 198\.18\.0\.0\/32 in route table .*InvalidRequestFormat/);
  },

  async "a route of this owner that points at a peer is the peer's, and no withdrawal takes it away"(
    vm,
    rig,
  ): Promise<void> {
    await vm.announce([prefix]);
    assert.equal((await vm.command("apply")).code, 0);
    await vm.withdraw([prefix]);
    await vm.announce(numbered(1), "10.0.1.99");
    assert.equal((await vm.command("apply", "-peer", addresses.other)).code, 0);
    await vm.untilRoutes({ ...inTable([prefix]), ...inTable(numbered(1), "10.0.1.99") });
    assert.equal((await vm.command("apply")).code, 0);
    await vm.untilRoutes(inTable(numbered(1), "10.0.1.99"));
    assert.deepEqual(rig.arm.writes().filter(({ method }) => method === "DELETE"), []);
  },

  async "an API that is down at the start is waited for"(vm, rig): Promise<void> {
    await rig.arm.stop();
    await vm.announce([prefix]);
    vm.start();
    await new Promise((wake) => setTimeout(wake, 1_000));
    rig.arm.start();
    await vm.untilRoutes(inTable([prefix]));
  },

  async "a change during an outage and a storm arrives when they are over"(vm, rig): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    rig.arm.faults.push({ matches: () => true, times: 1, status: 503 });
    rig.arm.faults.push({ matches: () => true, times: 2, status: 429, headers: { "retry-after": "1" } });
    await vm.announce(numbered(1));
    await vm.untilRoutes(inTable([prefix, ...numbered(1)]));
    const stormy = rig.arm.calls.filter(({ status }) => status === 429);
    assert.equal(stormy.length, 2);
    const pause = (stormy[1]?.at ?? 0) - (stormy[0]?.answeredAt ?? 0);
    assert.ok(pause >= 1_000, `the storm's second call came ${pause} ms after the first was answered`);
  },

  async "an operation that fails half-way is completed"(vm, rig): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    rig.arm.failingOperations = 1;
    await vm.announce(numbered(10));
    await vm.untilRoutes(inTable([prefix, ...numbered(10)]));
  },

  async "tokens that end and tokens that are refused are replaced"(vm, rig): Promise<void> {
    rig.imds.tokenLifetime = 1;
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    await new Promise((wake) => setTimeout(wake, 1_200));
    await vm.announce(numbered(1));
    await vm.untilRoutes(inTable([prefix, ...numbered(1)]));
    rig.imds.revokeTokens();
    await vm.announce(["192.0.2.0/24"]);
    await vm.untilRoutes(inTable([prefix, ...numbered(1), "192.0.2.0/24"]));
  },

  async "a route more than the table takes waits for room"(vm, rig): Promise<void> {
    rig.arm.state.rules.routeLimit = 20;
    rig.arm.publishedRouteLimit = 20;
    await vm.announce(numbered(21));
    vm.start();
    await until(() => JSON.stringify(vm.routes()), () => Object.keys(vm.routes()).length === 20);
    await vm.withdraw(numbered(1));
    await vm.untilRoutes(inTable(numbered(21).slice(1)));
  },

  async "a subnet without permission is told with the missing action"(vm, rig): Promise<void> {
    rig.arm.denied.add("Microsoft.Network/virtualNetworks/subnets/write");
    await vm.announce([prefix]);
    const { code, stderr } = await vm.command("apply");
    assert.equal(code, 1);
    assert.match(stderr, /Microsoft\.Network\/virtualNetworks\/subnets\/write/);
  },

  async "doctor tells what is missing, and mends IP forwarding"(vm, rig): Promise<void> {
    const names = async (...flags: string[]): Promise<Record<string, string>> => {
      const { stdout } = await vm.command("doctor", "-output", "json", ...flags);
      const { findings } = JSON.parse(stdout) as { findings: { name: string; status: string }[] };
      return Object.fromEntries(findings.map(({ name, status }) => [name, status]));
    };
    assert.equal((await names())["IP forwarding"], "bad");
    assert.equal((await names("-fix"))["IP forwarding"], "fixed");
    assert.equal((await names())["IP forwarding"], "ok");
    assert.equal(propertiesOf(rig.arm.state.show(ids.nic)).enableIPForwarding, true);
  },

  async "a call under way does not keep it from stopping"(vm, rig): Promise<void> {
    vm.start();
    await vm.announce([prefix]);
    await vm.untilRoutes(inTable([prefix]));
    rig.arm.latencyMs = 20_000;
    await vm.announce(numbered(1));
    await until("a call is under way", () => rig.arm.calls.some(({ status }) => status === 0));
    const { code } = await vm.stop();
    assert.equal(code, 0);
    assert.ok(rig.arm.calls.some(({ status }) => status === 0), "it waited for the answer");
    rig.arm.latencyMs = 0;
  },

  async "the first route is there soon after the start, and its memory is bounded"(vm): Promise<void> {
    await vm.announce([prefix]);
    vm.start();
    await vm.untilRoutes(inTable([prefix]));
    assert.ok(await vm.residentBytes() < 200e6);
  },
};
