/** The shipped unit on OpenStack. */

import assert from "node:assert/strict";
import { openstackMissing, type OpenstackRig, startOpenstack } from "../../fakes/openstack/rig.ts";
import { type Credential, type GuestCloud, guestTest, metadataAddress } from "./cloud_guest.ts";

guestTest("OpenStack", openstackMissing(), async (): Promise<GuestCloud> => {
  const rig = await startOpenstack();
  return {
    name: "openstack",
    links: [
      "link add eth0 type veth peer name fabric0",
      "address add 10.0.0.20/24 dev eth0",
      "link set eth0 up",
      "link set fabric0 up",
    ],
    via: "via 10.0.0.5",
    servers: [rig.proxy.port, { port: rig.proxy.port, at: metadataAddress }],
    variables: {},
    credentials: credentialsOf(rig),
    prefixes: async () => (await rig.routes()).map(({ destination }) => destination),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
});

function credentialsOf(rig: OpenstackRig): readonly Credential[] {
  const { OS_AUTH_URL: url = "", OS_REGION_NAME: region = "" } = rig.environment();
  const common = { OS_AUTH_URL: url, OS_REGION_NAME: region };
  const { id, secret } = rig.credential;
  const logins = (): number => rig.proxy.callsTo(/^POST \/identity\/v3\/auth\/tokens/).length;
  let before = 0;
  const wasUsed = (): void => {
    const now = logins();
    assert.ok(now > before, "it logged in");
    before = now;
  };
  const clouds = [
    "clouds:",
    "  edge:",
    "    auth_type: v3applicationcredential",
    `    region_name: ${region}`,
    "    auth:",
    `      auth_url: ${url}`,
    `      application_credential_id: ${id}`,
  ].join("\n");
  return [
    {
      name: "an application credential in variables",
      variables: {
        ...common,
        OS_AUTH_TYPE: "v3applicationcredential",
        OS_APPLICATION_CREDENTIAL_ID: id,
        OS_APPLICATION_CREDENTIAL_SECRET: secret,
      },
      wasUsed,
    },
    {
      name: "a password in variables",
      variables: {
        ...common,
        OS_USERNAME: "alice",
        OS_PASSWORD: "secret",
        OS_USER_DOMAIN_ID: "default",
        OS_PROJECT_NAME: "demo",
        OS_PROJECT_DOMAIN_ID: "default",
      },
      wasUsed,
    },
    {
      name: "clouds.yaml with secure.yaml",
      variables: {
        CLOUDROUTESYNC_OS_CLOUD: "edge",
        OS_CLIENT_CONFIG_FILE: "/srv/openstack/clouds.yaml",
        OS_CLIENT_SECURE_FILE: "/srv/openstack/secure.yaml",
      },
      files: {
        "/srv/openstack/clouds.yaml": clouds,
        "/srv/openstack/secure.yaml":
          `clouds: {edge: {auth: {application_credential_secret: "${secret}"}}}\n`,
      },
      wasUsed,
    },
    {
      name: "clouds.yaml in /etc/openstack",
      variables: { CLOUDROUTESYNC_OS_CLOUD: "edge" },
      files: {
        "/etc/openstack/clouds.yaml": `${clouds}\n      application_credential_secret: "${secret}"\n`,
      },
      wasUsed,
    },
  ];
}
