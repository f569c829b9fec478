/** Tokens, forms of credentials and permissions. */

import assert from "node:assert/strict";
import { accessRules } from "../../../../src/clouds/openstack/permissions.ts";
import { openOpenstack } from "../../../../src/clouds/openstack/openstack.ts";
import { openstackOptions } from "../../../fakes/openstack/options.ts";
import { ConnectedCloud } from "../../../fakes/connected_cloud.ts";
import type { OpenstackRig } from "../../../fakes/openstack/rig.ts";
import type { RigSteps } from "../rig_steps.ts";
import { add, hideAtomic, peer, ready, rejects, replace, self, signal, withExpiry } from "./helpers.ts";

/** See the head of this file. */
export const loginSteps: RigSteps = {
  async "a revoked token is renewed and the call made again"(rig): Promise<void> {
    const table = await ready(rig);
    await rig.revokeToken();
    rig.proxy.clear();
    await table.read();
    assert.deepEqual(rig.proxy.calls.slice(0, 3).map(({ status }) => status), [401, 201, 200]);
  },

  async "a token is renewed before it expires"(rig): Promise<void> {
    const soon = new Date(Date.now() + 30_000).toISOString();
    rig.proxy.inject({ match: /auth\/tokens/, times: 1, change: (response) => withExpiry(response, soon) });
    const table = await ready(rig);
    await table.read();
    assert.equal(rig.proxy.callsTo(/auth\/tokens/).length, 2);
    assert.deepEqual(rig.proxy.callsTo(/auth\/tokens|routers/).slice(0, 3).map(({ status }) => status), [
      201,
      201,
      200,
    ]);
  },

  async "a deleted application credential is denied"(rig): Promise<void> {
    const credential = await rig.restrictedCredential("short-lived", []);
    await rig.member.keystone("DELETE", `users/${rig.ids.user}/application_credentials/${credential.id}`);
    const cloud = new ConnectedCloud(openOpenstack(openstackOptions(rig.environment(credential))));
    await rejects(cloud.locate(signal()), "denied", /wrong, expired or deleted/);
  },

  async "password, token and clouds.yaml log in as well"(rig): Promise<void> {
    const common = {
      OS_AUTH_URL: `${rig.proxy.url}/identity`,
      OS_PROJECT_NAME: "demo",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    };
    const password = { ...common, OS_USERNAME: "alice", OS_PASSWORD: "secret" };
    const token = { ...common, OS_TOKEN: rig.member.token, OS_INTERFACE: "internal" };
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(
      `${folder}/clouds.yaml`,
      `clouds:\n  rig:\n    auth: {auth_url: "${common.OS_AUTH_URL}", project_id: ${rig.ids.project}, username: alice}\n`,
    );
    await Deno.writeTextFile(`${folder}/secure.yaml`, "clouds: {rig: {auth: {password: secret}}}\n");
    const file = {
      OS_CLIENT_CONFIG_FILE: `${folder}/clouds.yaml`,
      OS_CLIENT_SECURE_FILE: `${folder}/secure.yaml`,
      OS_CLOUD: "rig",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    };
    for (const environment of [password, token, file]) {
      const [table] = await new ConnectedCloud(openOpenstack(openstackOptions(environment))).locate(signal());
      assert.equal(table?.id, rig.ids.router);
    }
    await Deno.remove(folder, { recursive: true });
  },

  async "a trust logs in for the project of who gave it"(rig): Promise<void> {
    const { roles } = await rig.admin.keystone("GET", "roles?name=member") as { roles: { id: string }[] };
    const user = await rig.admin.create("keystone", "users", "user", { name: "carol", password: "secret" });
    const trust = await rig.member.create("keystone", "OS-TRUST/trusts", "trust", {
      trustor_user_id: rig.ids.user,
      trustee_user_id: user.id,
      project_id: rig.ids.project,
      impersonation: false,
      roles: [{ id: roles[0]?.id }],
    });
    const cloud = openWith(rig, { OS_USERNAME: "carol", OS_PASSWORD: "secret", OS_TRUST_ID: trust.id });
    assert.equal((await cloud.locate(signal()))[0]?.id, rig.ids.router);
    await rig.admin.keystone("DELETE", `users/${user.id}`);
  },

  async "system scope logs in, and where Neutron shows such a login nothing it is named"(
    rig,
  ): Promise<void> {
    const cloud = openWith(rig, { OS_USERNAME: "admin", OS_PASSWORD: "secret", OS_SYSTEM_SCOPE: "all" });
    await rejects(cloud.locate(signal()), "gone", /system_scope/);
    assert.deepEqual(rig.proxy.callsTo(/auth\/tokens/).map(({ status }) => status), [201]);
  },

  async "a profile that a vendor publishes says where to log in"(rig): Promise<void> {
    rig.proxy.inject({
      match: /GET \/.well-known\/openstack\/api/,
      answer: () =>
        Response.json({ name: "rig", profile: { auth: { auth_url: `${rig.proxy.url}/identity` } } }),
    });
    const folder = await Deno.makeTempDir();
    const auth = `{project_id: ${rig.ids.project}, username: alice, password: secret}`;
    await Deno.writeTextFile(
      `${folder}/clouds.yaml`,
      `clouds: {rig: {profile: "${rig.proxy.url}", auth: ${auth}}}`,
    );
    const cloud = new ConnectedCloud(openOpenstack(openstackOptions({
      OS_CLIENT_CONFIG_FILE: `${folder}/clouds.yaml`,
      OS_CLOUD: "rig",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    })));
    assert.equal((await cloud.locate(signal()))[0]?.id, rig.ids.router);
    await Deno.remove(folder, { recursive: true });
  },

  async "the access rules of policy() suffice for everything but the fix"(rig): Promise<void> {
    const credential = await rig.restrictedCredential("least", accessRules);
    const table = await ready(rig, rig.environment(credential));
    await table.write([add("198.51.1.0/24", self)], await table.read());
    await table.write([replace("198.51.1.0/24", [self], [peer])], await table.read());
    hideAtomic(rig);
    const other = await ready(rig, rig.environment(credential));
    await other.write([add("198.51.2.0/24", self)], await other.read());
    assert.equal((await rig.routes()).length, 2);
    rig.proxy.clear();
    const findings = await table.cloud.check({ fix: false }, signal());
    assert.deepEqual(
      findings.filter(({ status }) => status !== "ok").map(({ name, status }) => [name, status]),
      [
        [`forwarding by port ${rig.ids.port}`, "bad"],
      ],
    );
  },

  async "a missing access rule is denied and named"(rig): Promise<void> {
    const rules = accessRules.filter(({ path }) => !path.endsWith("/add_extraroutes"));
    const credential = await rig.restrictedCredential("too-little", rules);
    const table = await ready(rig, rig.environment(credential));
    const error = await rejects(
      table.write([add("198.51.1.0/24", self)], await table.read()),
      "denied",
      /access rules/,
    );
    assert.equal(error.action, "PUT /v2.0/routers/*/add_extraroutes");
  },

  async "a role that may only read is denied and the policy named"(rig): Promise<void> {
    const { roles } = await rig.admin.keystone("GET", "roles?name=reader") as { roles: { id: string }[] };
    const user = await rig.admin.create("keystone", "users", "user", { name: "bob", password: "secret" });
    await rig.admin.keystone("PUT", `projects/${rig.ids.project}/users/${user.id}/roles/${roles[0]?.id}`);
    const table = await ready(rig, {
      OS_AUTH_URL: `${rig.proxy.url}/identity/v3`,
      OS_PROJECT_NAME: "demo",
      OS_USERNAME: "bob",
      OS_PASSWORD: "secret",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    });
    const error = await rejects(
      table.write([add("198.51.1.0/24", self)], await table.read()),
      "denied",
      /add_extraroutes/,
    );
    assert.equal(error.action, "add_extraroutes");
    await rig.admin.keystone("DELETE", `users/${user.id}`);
  },
};

/** The cloud with a login of its own. */
function openWith(rig: OpenstackRig, login: Readonly<Record<string, string>>): ConnectedCloud {
  return new ConnectedCloud(openOpenstack(openstackOptions({
    OS_AUTH_URL: `${rig.proxy.url}/identity`,
    CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    ...login,
  })));
}
