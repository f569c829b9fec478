/** The executable as a router VM runs it, with the real Keystone and Neutron as its cloud. */

import assert from "node:assert/strict";
import { accessRules } from "../../../src/clouds/openstack/permissions.ts";
import {
  openstackMissing,
  type OpenstackRig,
  peerServer,
  startOpenstack,
} from "../../fakes/openstack/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { until, untilSame } from "../until.ts";
import { OpenstackVm } from "./openstack_vm.ts";
import { routesExhausted } from "./steps/helpers.ts";

const ignore = skips(openstackMissing(), namespacesMissing(), await binaryMissing());

Deno.test({ name: "the executable keeps a Neutron router in step", ignore }, async (t) => {
  await using rig = await startOpenstack();
  await using vm = await OpenstackVm.create(rig, await binaryPath());
  for (const [name, test] of Object.entries(tests)) {
    await t.step(name, async () => {
      await vm.reset();
      await vm.telling(() => test(rig, vm));
    });
  }
});

const peer = "10.0.0.30";
const foreign = { destination: "203.0.113.0/24", nexthop: "10.0.0.77" };
const foreignText = "203.0.113.0/24 via 10.0.0.77";

const tests: Record<string, (rig: OpenstackRig, vm: OpenstackVm) => Promise<void>> = {
  async "a kernel route comes, changes its next hop and goes"(rig, vm): Promise<void> {
    vm.start();
    await vm.announce(["198.51.100.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20"]);
    await vm.announce(["198.51.100.0/24"], "10.0.0.30");
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.30"]);
    await vm.withdraw(["198.51.100.0/24"]);
    await untilRoutes(rig, []);
    assert.equal((await vm.stop()).code, 0);
  },

  async "several next hops of one prefix are several pairs"(rig, vm): Promise<void> {
    vm.start();
    const legs = "nexthop via 10.0.0.5 nexthop via 10.0.0.30";
    await vm.namespace.ip(`route add 198.51.100.0/24 proto bgp ${legs}`);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.100.0/24 via 10.0.0.30"]);
    await vm.announce(["198.51.100.0/24"], "10.0.0.30");
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.30"]);
  },

  async "several next hops become one, and the log says why, where Neutron may be one that loses such routes"(
    rig,
    vm,
  ): Promise<void> {
    hide(rig, "quota-check-limit");
    const run = vm.start();
    const legs = "nexthop via 10.0.0.5 nexthop via 10.0.0.30";
    await vm.namespace.ip(`route add 198.51.100.0/24 proto bgp ${legs}`);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20"]);
    await vm.stop();
    assert.match(run.log, /one next hop a route: this Neutron is not known to be 20/);
  },

  async "a dead peer's pair goes, and this router's stays beside a living one's"(rig, vm): Promise<void> {
    const prefix = "198.51.100.0/24";
    await rig.addRoutes([{ destination: prefix, nexthop: peer }]);
    vm.start("-peer", peer, "-audit", "1s");
    await vm.announce([prefix]);
    await untilRoutes(rig, [`${prefix} via 10.0.0.20`, `${prefix} via ${peer}`]);
    rig.serverStatuses.set(peerServer, "SHUTOFF");
    // The kernel's news is what has the cloud asked at once; without any it is asked within a minute.
    await vm.announce([prefix], "10.0.0.6");
    await untilRoutes(rig, [`${prefix} via 10.0.0.20`]);
    rig.serverStatuses.delete(peerServer);
  },

  async "a router stands by where Neutron may be one that loses a prefix with two routers' pairs"(
    rig,
    vm,
  ): Promise<void> {
    const prefix = "198.51.100.0/24";
    hide(rig, "quota-check-limit");
    await rig.addRoutes([{ destination: prefix, nexthop: peer }]);
    vm.start("-peer", peer, "-audit", "1s");
    await vm.announce([prefix, "198.51.101.0/24"]);
    const own = "198.51.101.0/24 via 10.0.0.20";
    await untilRoutes(rig, [`${prefix} via ${peer}`, own]);
    assert.match((await vm.command("plan", "-peer", peer)).stdout, /198\.51\.100\.0\/24 .*standby/);
    rig.serverStatuses.set(peerServer, "SHUTOFF");
    // The kernel's news is what has the cloud asked at once; without any it is asked within a minute.
    await vm.announce([prefix], "10.0.0.6");
    await untilRoutes(rig, [`${prefix} via 10.0.0.20`, own]);
    rig.serverStatuses.delete(peerServer);
  },

  async "a rebuilt router takes all that its predecessor has left once -peer names it, what is wanted with -adopt"(
    rig,
    vm,
  ): Promise<void> {
    const old = "10.0.0.77";
    const [wanted, unwanted] = ["198.51.100.0/24", "198.51.101.0/24"] as const;
    const left = [wanted, unwanted].map((destination) => ({ destination, nexthop: old }));
    await rig.addRoutes(left);
    await vm.announce([wanted]);
    vm.start();
    await until("the foreign route is told", () => /foreign route .*in the way|blocked by/.test(vm.log));
    await untilRoutes(rig, [`${wanted} via ${old}`, `${unwanted} via ${old}`]);
    await vm.stop();
    vm.start("-adopt");
    await untilRoutes(rig, [`${wanted} via 10.0.0.20`, `${unwanted} via ${old}`]);
    await vm.forget();
    await rig.setRoutes(left);
    await vm.announce([wanted]);
    vm.start("-peer", old);
    await untilRoutes(rig, [`${wanted} via 10.0.0.20`]);
    assert.match(vm.log, new RegExp(`Peer ${old} is dead: no port has ${old}`));
  },

  async "30 routes at once take one look-up, one reading and one write"(rig, vm): Promise<void> {
    // Long enough for `ip -batch` on a busy machine.
    vm.start("-coalesce", "1s");
    await vm.announce(["192.0.2.0/24"]);
    await untilRoutes(rig, ["192.0.2.0/24 via 10.0.0.20"]);
    await vm.withdraw(["192.0.2.0/24"]);
    await untilRoutes(rig, []);
    rig.proxy.clear();
    const prefixes = numbered(30);
    await vm.announce(prefixes);
    await untilRoutes(rig, prefixes.map((prefix) => `${prefix} via 10.0.0.20`));
    const calls = rig.proxy.calls.map(({ method, path }) => `${method} ${path}`);
    // A neighbour is looked up anew when the kernel's route changes: its address may have moved to another VM.
    assert.ok(calls.length <= 3, calls.join("\n"));
    assert.equal(calls.filter((call) => call.startsWith("PUT ")).length, 1, calls.join("\n"));
  },

  async "a route that an operator removed is put back, one that an operator added stays"(
    rig,
    vm,
  ): Promise<void> {
    vm.start("-audit", "2s");
    await vm.announce(["198.51.100.0/24", "198.51.101.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.101.0/24 via 10.0.0.20"]);
    await rig.setRoutes([foreign, { destination: "198.51.101.0/24", nexthop: "10.0.0.20" }]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.101.0/24 via 10.0.0.20", foreignText]);
    await vm.withdraw(["198.51.100.0/24", "198.51.101.0/24"]);
    await untilRoutes(rig, [foreignText]);
  },

  async "a foreign route at a wanted prefix is left alone and told"(rig, vm): Promise<void> {
    await rig.addRoutes([foreign, { destination: "198.51.102.9/24", nexthop: "10.0.0.20" }]);
    await vm.announce(["203.0.113.0/24", "198.51.102.0/24", "198.51.100.0/24"]);
    vm.start();
    const expected = [
      "198.51.100.0/24 via 10.0.0.20",
      "198.51.102.9/24 via 10.0.0.20",
      foreignText,
    ];
    await untilRoutes(rig, expected);
    const plan = await vm.plan();
    assert.equal(plan.foreign, 2);
    await vm.withdraw(["203.0.113.0/24", "198.51.102.0/24", "198.51.100.0/24"]);
    await untilRoutes(rig, expected.slice(1));
  },

  async "the 31st route waits for room, and gets it"(rig, vm): Promise<void> {
    vm.start();
    const prefixes = numbered(30);
    await vm.announce(prefixes);
    await until("30 routes", async () => (await rig.routes()).length === 30);
    await vm.announce(["192.0.2.0/24"]);
    await until("the plan tells the quota", async () => {
      const { quota } = await vm.plan();
      return quota.used === 30 && quota.limit === 30;
    });
    assert.equal((await rig.routes()).length, 30);
    await vm.withdraw(prefixes.slice(0, 1));
    const others = prefixes.slice(1).map((prefix) => `${prefix} via 10.0.0.20`);
    await untilRoutes(rig, ["192.0.2.0/24 via 10.0.0.20", ...others]);
  },

  async "of 31 routes at once those that fit are there, and the one left out is told"(
    rig,
    vm,
  ): Promise<void> {
    vm.start();
    await vm.announce(numbered(31));
    await until("30 routes", async () => (await rig.routes()).length === 30);
    const { quota, changes } = await vm.plan();
    assert.deepEqual([quota.used, quota.limit, changes.length], [30, 30, 0]);
    const explanation = (await vm.command("explain", "198.18.30.0/24")).stdout;
    assert.match(explanation, /quota/);
  },

  async "of 31 routes at once those that fit are there though this login may not read the quota"(
    rig,
    vm,
  ): Promise<void> {
    hideQuota(rig);
    vm.start();
    await vm.announce(numbered(31));
    await until("30 routes", async () => (await rig.routes()).length === 30);
    const { quota } = await vm.plan();
    assert.deepEqual([quota.used, quota.limit], [30, null]);
    await vm.withdraw(numbered(1));
    const others = numbered(31).slice(1).map((prefix) => `${prefix} via 10.0.0.20`);
    await untilRoutes(rig, others);
  },

  async "of 31 routes at once those that fit are there where a refusal alone names the limit"(
    rig,
    vm,
  ): Promise<void> {
    hideQuota(rig);
    rig.proxy.inject({
      match: /PUT .*add_extraroutes/,
      change: (response) => Promise.resolve(response.status === 409 ? routesExhausted(30) : response),
    });
    vm.start();
    await vm.announce(numbered(31));
    await until("30 routes", async () => (await rig.routes()).length === 30);
  },

  async "another writer between reading and writing is noticed where Neutron has no atomic calls"(
    rig,
    vm,
  ): Promise<void> {
    hideAtomic(rig);
    const run = vm.start("-audit", "2s");
    await vm.announce(["198.51.100.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20"]);
    rig.proxy.inject({
      match: /PUT .*\/routers\/[^/]*$/,
      times: 1,
      delayMs: 500,
    });
    await vm.announce(["198.51.101.0/24"]);
    await new Promise((wake) => setTimeout(wake, 200));
    await rig.addRoutes([foreign]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.101.0/24 via 10.0.0.20", foreignText]);
    // Neutron refuses the write; a slow machine reads the router right before it and sees the other's revision there.
    const refused = rig.proxy.calls.some(({ status }) => status === 412);
    assert.ok(refused || /as last read/.test(run.log), "no conflict was provoked");
  },

  async "a revoked token is renewed"(rig, vm): Promise<void> {
    vm.start();
    await vm.announce(["198.51.100.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20"]);
    await rig.revokeToken();
    rig.proxy.clear();
    await vm.announce(["198.51.101.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.101.0/24 via 10.0.0.20"]);
    assert.deepEqual(rig.proxy.calls.slice(0, 2).map(({ status }) => status), [401, 201]);
  },

  async "what changed while Neutron was down for 10 s is there after it is back"(rig, vm): Promise<void> {
    vm.start();
    await vm.announce(["198.51.100.0/24", "198.51.101.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.101.0/24 via 10.0.0.20"]);
    await rig.stopNeutron();
    await vm.announce(["198.51.102.0/24"]);
    await vm.withdraw(["198.51.100.0/24"]);
    await new Promise((wake) => setTimeout(wake, 10_000));
    await rig.startNeutron();
    await untilRoutes(rig, ["198.51.101.0/24 via 10.0.0.20", "198.51.102.0/24 via 10.0.0.20"]);
  },

  async "a restart keeps what stands and does what was missed"(rig, vm): Promise<void> {
    await rig.addRoutes([foreign]);
    vm.start();
    await vm.announce(["198.51.100.0/24", "198.51.101.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20", "198.51.101.0/24 via 10.0.0.20", foreignText]);
    assert.equal((await vm.stop()).code, 0);
    await vm.withdraw(["198.51.100.0/24"]);
    await vm.announce(["198.51.102.0/24"]);
    vm.start();
    await untilRoutes(rig, ["198.51.101.0/24 via 10.0.0.20", "198.51.102.0/24 via 10.0.0.20", foreignText]);
  },

  async "routes of a call that SIGKILL cut off are known as ours afterwards"(rig, vm): Promise<void> {
    await rig.addRoutes([foreign]);
    rig.proxy.inject({
      match: /add_extraroutes/,
      times: 1,
      // Neutron has done it; the program never hears of it.
      change: async (response) => {
        await vm.kill();
        return response;
      },
    });
    vm.start();
    const prefixes = numbered(5);
    await vm.announce(prefixes);
    await untilRoutes(rig, [...prefixes.map((prefix) => `${prefix} via 10.0.0.20`), foreignText]);
    await vm.withdraw(prefixes);
    vm.start();
    await untilRoutes(rig, [foreignText]);
  },

  async "failing calls are made again until they hold"(rig, vm): Promise<void> {
    rig.proxy.inject({ match: /PUT/, times: 3, answer: () => new Response("", { status: 500 }) });
    vm.start();
    await vm.announce(["198.51.100.0/24"]);
    await untilRoutes(rig, ["198.51.100.0/24 via 10.0.0.20"]);
  },

  async "cleanup removes what is ours and nothing else"(rig, vm): Promise<void> {
    await rig.addRoutes([foreign]);
    vm.start();
    await vm.announce(numbered(12));
    await until("12 routes", async () => (await rig.routes()).length === 13);
    await vm.stop();
    const { code, stderr } = await vm.command("cleanup");
    assert.equal(code, 0, stderr);
    assert.deepEqual(await rig.routeTexts(), [foreignText]);
  },

  async "doctor finds port security in the way of a wanted route, and leaves open to whom is the operator's"(
    _rig,
    vm,
  ): Promise<void> {
    await vm.namespace.sysctl("net/ipv4/ip_forward", 1);
    assert.equal((await vm.command("doctor")).code, 0);
    await vm.namespace.ip("route add 198.51.100.0/24 dev eth0 proto bgp");
    const { code, stdout } = await vm.command("doctor", "-fix", "-interface", "eth0");
    assert.equal(code, 1, stdout);
    assert.match(
      stdout,
      /\[bad\] +forwarding by port .*198.51.100.0\/24.\n.*openstack port set --allowed-address/,
    );
    assert.doesNotMatch(stdout, /0\.0\.0\.0\/0/);
  },

  async "doctor -policy prints the access rules"(_rig, vm): Promise<void> {
    const { code, stdout } = await vm.command("doctor", "-policy");
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), accessRules);
  },
};

/** Prefixes 198.18.0.0/24, 198.18.1.0/24, … in the order of Neutron's sorted texts. */
function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `198.18.${index}.0/24`);
}

async function untilRoutes(rig: OpenstackRig, expected: readonly string[]): Promise<void> {
  await untilSame(expected, () => rig.routeTexts());
}

/** Neutron's answer to who may not read quotas: those of another project, or by the cloud's policy. */
function hideQuota(rig: OpenstackRig): void {
  const message = "(rule:get_quota) is disallowed by policy";
  rig.proxy.inject({
    match: /GET .*quotas/,
    answer: () =>
      Response.json({ NeutronError: { type: "PolicyNotAuthorized", message, detail: "" } }, { status: 403 }),
  });
}

/** Makes Neutron look as if it had no `extraroute-atomic`. */
function hideAtomic(rig: OpenstackRig): void {
  hide(rig, "extraroute-atomic");
}

/** Makes Neutron look as if it had not this extension. */
function hide(rig: OpenstackRig, hidden: string): void {
  rig.proxy.inject({
    match: /GET \/network\/v2.0\/extensions/,
    change: async (response) => {
      const { extensions } = await response.json() as { extensions: { alias: string }[] };
      return Response.json({ extensions: extensions.filter(({ alias }) => alias !== hidden) });
    },
  });
}
