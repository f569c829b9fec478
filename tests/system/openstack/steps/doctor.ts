/** What doctor finds. */

import assert from "node:assert/strict";
import type { Finding } from "../../../../src/clouds/cloud.ts";
import { parsePrefix, type Prefix } from "../../../../src/routes/prefix.ts";
import type { OpenstackRig } from "../../../fakes/openstack/rig.ts";
import type { RigSteps } from "../rig_steps.ts";
import {
  hideAtomic,
  hideExtension,
  open,
  peer,
  portPairs,
  ready,
  self,
  setPortPairs,
  signal,
} from "./helpers.ts";

/** See the head of this file. */
export const doctorSteps: RigSteps = {
  async "check() with fix allows the port what is routed to it, and no more, where no rule names its group"(
    rig,
  ): Promise<void> {
    await withOwnGroup(rig, async () => {
      await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }, {
        destination: "203.0.113.0/24",
        nexthop: peer,
      }]);
      const ownPrefixes = (): Prefix[] => [parsePrefix("10.8.0.0/16")];
      assert.equal((await forwarding(rig, { fix: false, ownPrefixes }))?.status, "bad");
      assert.equal((await forwarding(rig, { fix: true, ownPrefixes }))?.status, "fixed");
      assert.equal((await forwarding(rig, { fix: false, ownPrefixes }))?.status, "ok");
      assert.deepEqual(await portPairs(rig), ["10.8.0.0/16", "198.51.100.0/24"]);
    });
  },

  async "check() with fix changes nothing where the default group's rules would let all of it in"(
    rig,
  ): Promise<void> {
    await setPortPairs(rig, []);
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const finding = await forwarding(rig, { fix: true });
    assert.equal(finding?.status, "bad");
    assert.match(finding?.remedy ?? "", /ip-address=198.51.100.0\/24 .*security group [0-9a-f-]{36}/);
    assert.deepEqual(await portPairs(rig), []);
  },

  async "check() finds the pair that lets everybody in by the default group's rules"(rig): Promise<void> {
    await setPortPairs(rig, ["0.0.0.0/0"]);
    const finding = await forwarding(rig, { fix: true });
    assert.equal(finding?.status, "bad");
    assert.match(finding?.detail ?? "", /0.0.0.0\/0, which lets everybody in wherever a rule lets in/);
    await setPortPairs(rig, []);
  },

  async "check() with fix overwrites no address pair that another has set since the port was read"(
    rig,
  ): Promise<void> {
    await withOwnGroup(rig, async () => {
      rig.proxy.inject({
        match: /GET .*quotas/,
        times: 1,
        change: async (response) => {
          await setPortPairs(rig, ["192.0.2.0/24"]);
          return response;
        },
      });
      const finding = await forwarding(rig, { fix: true, ownPrefixes: () => [parsePrefix("10.8.0.0/16")] });
      assert.equal(finding?.status, "bad");
      assert.match(finding?.detail ?? "", /current revision/);
      assert.deepEqual(await portPairs(rig), ["192.0.2.0/24"]);
    });
  },

  async "check() with fix sends no condition to a Neutron that knows none"(rig): Promise<void> {
    await withOwnGroup(rig, async () => {
      hideExtension(rig, "revision-if-match");
      await forwarding(rig, { fix: true, ownPrefixes: () => [parsePrefix("10.8.0.0/16")] });
      assert.deepEqual(rig.proxy.callsTo(/PUT .*ports/).map(({ ifMatch, status }) => [ifMatch, status]), [
        [null, 200],
      ]);
    });
  },

  async "check() asks for the calls that the service would make, and changes nothing"(rig): Promise<void> {
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: peer }]);
    const revision = (await (await ready(rig)).read()).version;
    const name = "routes of router r1";
    const probe = async (): Promise<readonly [string | undefined, readonly string[]]> => {
      rig.proxy.calls.length = 0;
      const findings = await open(rig).check({ fix: false }, signal());
      const calls = rig.proxy.callsTo(/PUT/).map(({ path }) => path.replace(/^.*\/routers\/[^/]+/, ""));
      return [findings.find((finding) => finding.name === name)?.status, calls];
    };
    assert.deepEqual(await probe(), ["ok", ["/add_extraroutes", "/remove_extraroutes"]]);
    hideAtomic(rig);
    assert.deepEqual(await probe(), ["ok", [""]]);
    assert.deepEqual((await (await ready(rig)).read()).version, revision);
    rig.proxy.inject({ match: /PUT .*\/routers\//, times: 1, answer: () => forbidden("update_router") });
    assert.equal((await probe())[0], "bad");
  },

  async "check() finds no fault in a quota that this login may not read, as the service does not"(
    rig,
  ): Promise<void> {
    rig.proxy.inject({ match: /GET .*quotas/, answer: () => forbidden("get_quota") });
    const findings = await open(rig).check({ fix: false }, signal());
    assert.equal(findings.find(({ name }) => name === "route quota of router r1")?.status, "unknown");
    assert.equal((await (await ready(rig)).read()).quotas[0]?.limit, null);
  },

  async "check() tells of a full router and of a metadata service that is not there"(rig): Promise<void> {
    await rig.setRouteQuota(1);
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const quota = (await open(rig).check({ fix: false }, signal())).find(({ name }) =>
      name === "route quota of router r1"
    );
    assert.equal(quota?.status, "bad");
    assert.match(quota?.detail ?? "", /1 of 1/);
    rig.proxy.inject({ match: /network_data/, answer: () => new Response("", { status: 503 }) });
    const [router] = await open(rig).check({ fix: false }, signal());
    assert.deepEqual([router?.name, router?.status], ["identity", "unknown"]);
  },
};

/** What doctor says of this VM's port. */
async function forwarding(
  rig: OpenstackRig,
  options: { readonly fix: boolean; readonly ownPrefixes?: () => readonly Prefix[] },
): Promise<Finding | undefined> {
  const findings = await open(rig).check(options, signal());
  return findings.find(({ name }) => name === `forwarding by port ${rig.ids.port}`);
}

/** Runs with the port in a security group that no rule names; its address pairs are none before and after. */
async function withOwnGroup(rig: OpenstackRig, body: () => Promise<void>): Promise<void> {
  const path = `ports/${rig.ids.port}`;
  const { port } = await rig.member.neutron("GET", path) as { port: { security_groups: string[] } };
  const group = await rig.member.create("neutron", "security-groups", "security_group", { name: "router" });
  const set = (groups: readonly string[]): Promise<unknown> =>
    rig.member.neutron("PUT", path, { port: { security_groups: groups, allowed_address_pairs: [] } });
  await set([group.id]);
  try {
    await body();
  } finally {
    await set(port.security_groups);
    await rig.member.neutron("DELETE", `security-groups/${group.id}`);
  }
}

/** As Neutron answers who lacks a permission. */
function forbidden(rule: string): Response {
  const message = `(rule:${rule}) is disallowed by policy`;
  return Response.json({ NeutronError: { type: "PolicyNotAuthorized", message, detail: "" } }, {
    status: 403,
  });
}
