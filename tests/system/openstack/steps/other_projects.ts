/**
 * Routers and networks of other projects. Neutron shares networks by RBAC, no routers: those show to their own project, and to whom the
 * operator's policy lets see all (https://docs.openstack.org/neutron/latest/admin/config-rbac.html).
 */

import assert from "node:assert/strict";
import { parseAddress } from "../../../../src/routes/prefix.ts";
import { openOpenstack } from "../../../../src/clouds/openstack/openstack.ts";
import { ConnectedCloud } from "../../../fakes/connected_cloud.ts";
import { openstackOptions } from "../../../fakes/openstack/options.ts";
import type { OpenstackRig } from "../../../fakes/openstack/rig.ts";
import type { RigSteps } from "../rig_steps.ts";
import { add, open, rejects, self, signal } from "./helpers.ts";

/** A role that the policy of {@linkcode lettingUse} names. */
const roleName = "router-user";

/** See the head of this file. */
export const otherProjectSteps: RigSteps = {
  async "locate() says that the subnet's router is another project's, and doctor what to do"(
    rig,
  ): Promise<void> {
    await withTheirRouter(rig, async (id) => {
      const message = new RegExp(
        `Cannot use the router of subnet .*10\\.0\\.0\\.0/24.*, ${id} at 10\\.0\\.0\\.1: it belongs to another project`,
      );
      await rejects(open(rig).locate(signal()), "gone", message);
      const [finding, ...others] = await open(rig).check({ fix: false }, signal());
      assert.deepEqual([finding?.name, finding?.status, others.length], ["identity", "bad", 0]);
      assert.match(finding?.detail ?? "", message);
      assert.match(finding?.remedy ?? "", /log in for the project that has both network and router/);
      await rejects(open(rig, { router: id }).locate(signal()), "gone", /no router of this project/);
    });
  },

  async "a router of another project that the operator lets this login write is written, its quota unknown"(
    rig,
  ): Promise<void> {
    await withTheirRouter(rig, async (id) => {
      const cloud = await lettingUse(rig);
      const [table] = await cloud.prepare(signal());
      assert.deepEqual(table, { id, name: "theirs", ours: false });
      const state = await cloud.read(table, signal());
      assert.deepEqual(state.quotas, [{ families: [4, 6], used: 0, limit: null, perNextHop: true }]);
      const { outcomes } = await cloud.write(table, [add("198.51.100.0/24", self)], state, signal());
      assert.deepEqual(outcomes, [null]);
      const findings = await cloud.check({ fix: false }, signal());
      const verdicts = Object.fromEntries(findings.map(({ name, status }) => [name, status]));
      assert.deepEqual(
        [verdicts["identity"], verdicts["route quota of router theirs"], verdicts["routes of router theirs"]],
        ["ok", "unknown", "ok"],
      );
    });
  },

  async "what fits into a router of another project is there, and its limit is known then"(
    rig,
  ): Promise<void> {
    await withTheirRouter(rig, async (_id, project) => {
      await rig.admin.neutron("PUT", `quotas/${project}`, { quota: { router_route: 5 } });
      const cloud = await lettingUse(rig);
      const [table] = await cloud.prepare(signal());
      assert.ok(table !== undefined);
      const numbers = Array.from({ length: 12 }, (_, index) => index);
      const changes = numbers.map((index) => add(`198.51.${index}.0/24`, self));
      rig.proxy.clear();
      const { outcomes } = await cloud.write(
        table,
        changes,
        await cloud.read(table, signal()),
        signal(),
      );
      assert.deepEqual(
        outcomes.map((outcome) => outcome?.kind ?? "done"),
        numbers.map((index) => index < 5 ? "done" : "quota"),
      );
      assert.ok(rig.proxy.callsTo(/PUT/).length <= 6, "one refusal, and log2 of what was refused");
      const after = await cloud.read(table, signal());
      assert.deepEqual(after.quotas, [{ families: [4, 6], used: 5, limit: 5, perNextHop: true }]);
    });
  },

  async "a peer's address is nobody's only where no port of any project has it, or may send from it"(
    rig,
  ): Promise<void> {
    const { project } = await newProject(rig);
    const port = async (project_id: string, host: number, values = {}): Promise<string> => {
      const fixed_ips = [{ subnet_id: rig.ids.subnet4, ip_address: `10.0.0.${host}` }];
      const { id } = await rig.admin.create("neutron", "ports", "port", {
        ...{
          network_id: rig.ids.network,
          project_id,
          fixed_ips,
          device_id: "vm",
          device_owner: "compute:nova",
        },
        ...values,
      });
      return id;
    };
    const pairs = { allowed_address_pairs: [{ ip_address: "10.0.0.78" }] };
    const ports = [await port(project, 77), await port(rig.ids.project, 79, pairs)];
    try {
      const connection = await open(rig).connection(signal());
      const ask = async (): Promise<Readonly<Record<string, string>>> => {
        const peers = ["10.0.0.76", "10.0.0.77", "10.0.0.78", "10.9.0.1"].map((text) => ({
          address: parseAddress(text),
          nextHops: [text],
        }));
        const dead = await connection.findDead?.(peers, signal()) ?? [];
        return Object.fromEntries(dead.map(({ address: { text }, cause }) => [text, cause]));
      };
      assert.deepEqual(await ask(), { "10.0.0.76": "no port has 10.0.0.76" });
      for (const id of ports.splice(0)) await rig.admin.neutron("DELETE", `ports/${id}`);
      const gone = await ask();
      assert.match(gone["10.0.0.77"] ?? "", /^port .* does not exist any more$/);
      assert.equal(gone["10.0.0.78"], "no port has 10.0.0.78");
      assert.equal(gone["10.9.0.1"], undefined, "it is in no subnet that was asked for");
    } finally {
      for (const id of ports) await rig.admin.neutron("DELETE", `ports/${id}`);
    }
  },

  async "the project that has network and router is the one to log in for, for a VM of another project"(
    rig,
  ): Promise<void> {
    const { project, cloud } = await newProject(rig);
    const net = await rig.admin.create("neutron", "networks", "network", {
      name: "shared",
      project_id: project,
    });
    await rig.admin.create("neutron", "rbac-policies", "rbac_policy", {
      object_type: "network",
      object_id: net.id,
      action: "access_as_shared",
      target_tenant: rig.ids.project,
    });
    const subnet = await rig.admin.create("neutron", "subnets", "subnet", {
      network_id: net.id,
      project_id: project,
      ip_version: 4,
      cidr: "10.1.0.0/24",
    });
    const router = await rig.admin.create("neutron", "routers", "router", {
      name: "netteam",
      project_id: project,
    });
    await rig.admin.neutron("PUT", `routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
    const port = await rig.member.create("neutron", "ports", "port", {
      network_id: net.id,
    });
    const [{ ip_address: address }] = port.fixed_ips as [{ ip_address: string }]; // as Neutron answers
    rig.proxy.inject({
      match: /network_data.json/,
      answer: () => Response.json({ links: [{ vif_id: port.id }] }),
    });
    await rejects(open(rig).locate(signal()), "gone", /none is on it that this project can see/);
    const [table] = await cloud.prepare(signal());
    assert.deepEqual(table, { id: router.id, name: "netteam", ours: false });
    const state = await cloud.read(table, signal());
    assert.equal(state.quotas[0]?.limit, 30);
    const { outcomes } = await cloud.write(table, [add("198.51.100.0/24", address)], state, signal());
    assert.deepEqual(outcomes, [null]);
  },
};

/** A project with a member of its own, and a cloud that is logged in as that member. */
async function newProject(
  rig: OpenstackRig,
): Promise<{ readonly project: string; readonly cloud: ConnectedCloud }> {
  const name = `team-${crypto.randomUUID().slice(0, 8)}`;
  const { id: project } = await rig.admin.create("keystone", "projects", "project", {
    name,
    domain_id: "default",
  });
  const user = await rig.admin.create("keystone", "users", "user", { name, password: "secret" });
  await grant(rig, project, user.id, "member");
  return { project, cloud: loggedIn(rig, { OS_USERNAME: name, OS_PROJECT_NAME: name }) };
}

/** Runs with a router of another project in the place of this project's on the VM's subnet. */
async function withTheirRouter(
  rig: OpenstackRig,
  body: (id: string, project: string) => Promise<void>,
): Promise<void> {
  const { project } = await newProject(rig);
  const { id } = await rig.admin.create("neutron", "routers", "router", {
    name: "theirs",
    project_id: project,
  });
  const own = async (doing: string): Promise<void> => {
    for (const subnet of [rig.ids.subnet4, rig.ids.subnet6]) {
      await rig.member.neutron("PUT", `routers/${rig.ids.router}/${doing}_router_interface`, {
        subnet_id: subnet,
      });
    }
  };
  const interface4 = { subnet_id: rig.ids.subnet4 };
  await own("remove");
  await rig.admin.neutron("PUT", `routers/${id}/add_router_interface`, interface4);
  try {
    await body(id, project);
  } finally {
    await rig.admin.neutron("PUT", `routers/${id}`, { router: { routes: [] } });
    await rig.admin.neutron("PUT", `routers/${id}/remove_router_interface`, interface4);
    await rig.admin.neutron("DELETE", `routers/${id}`);
    await own("add");
    await setPolicy(rig, {});
  }
}

/** A cloud whose login the operator's policy lets see and write routers of other projects, but not read their quotas. */
async function lettingUse(rig: OpenstackRig): Promise<ConnectedCloud> {
  const { roles } = await rig.admin.keystone("GET", `roles?name=${roleName}`) as { roles: unknown[] };
  if (roles.length === 0) await rig.admin.create("keystone", "roles", "role", { name: roleName });
  const name = `user-${crypto.randomUUID().slice(0, 8)}`;
  const user = await rig.admin.create("keystone", "users", "user", { name, password: "secret" });
  for (const role of ["member", roleName]) await grant(rig, rig.ids.project, user.id, role);
  await setPolicy(rig, {
    context_with_global_access: `role:admin or role:${roleName}`,
    get_router: `role:reader`,
    update_router: `role:admin or role:${roleName}`,
    add_extraroutes: `role:${roleName}`,
    remove_extraroutes: `role:${roleName}`,
  });
  return loggedIn(rig, { OS_USERNAME: name, OS_PROJECT_NAME: "demo" });
}

/** Neutron reads its policy anew when the file has changed (oslo.policy). */
async function setPolicy(rig: OpenstackRig, rules: Readonly<Record<string, string>>): Promise<void> {
  await Deno.writeTextFile(`${rig.folder}/policy.yaml`, `${JSON.stringify(rules)}\n`);
}

async function grant(rig: OpenstackRig, project: string, user: string, role: string): Promise<void> {
  const { roles } = await rig.admin.keystone("GET", `roles?name=${role}`) as { roles: { id: string }[] };
  await rig.admin.keystone("PUT", `projects/${project}/users/${user}/roles/${roles[0]?.id}`);
}

function loggedIn(rig: OpenstackRig, login: Readonly<Record<string, string>>): ConnectedCloud {
  return new ConnectedCloud(openOpenstack(openstackOptions({
    OS_AUTH_URL: `${rig.proxy.url}/identity/v3`,
    OS_PASSWORD: "secret",
    CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    ...login,
  })));
}
