/** The shipped unit on Azure. */

import assert from "node:assert/strict";
import { clientId, clientSecret, federatedToken, tenant } from "../../fakes/azure/login.ts";
import { addresses, AzureRig, ids } from "../../fakes/azure/rig.ts";
import { makeClientCertificate, opensslMissing } from "../../fakes/certificates.ts";
import { type Credential, type GuestCloud, guestTest, metadataAddress } from "./cloud_guest.ts";

const authorityFile = "/etc/ssl/private-cloud.pem";

guestTest("Azure", opensslMissing(), async (): Promise<GuestCloud> => {
  const rig = await AzureRig.start();
  const authority = await Deno.readTextFile(rig.authorityFile);
  const certificate = await Deno.readTextFile(await makeClientCertificate(rig.folder));
  rig.login.certificate = certificate;
  return {
    name: "azure",
    links: [
      "link add eth0 type veth peer name fabric0",
      `address add ${addresses.router}/24 dev eth0`,
      "link set eth0 up",
      "link set fabric0 up",
    ],
    via: `via ${addresses.other}`,
    servers: [rig.arm.port, rig.login.port, { port: rig.imds.port, at: metadataAddress }],
    variables: { CLOUDROUTESYNC_AZURE_ENDPOINT: rig.arm.url, SSL_CERT_FILE: authorityFile },
    credentials: credentialsOf(rig, authority, certificate),
    prefixes: () => {
      const { state } = rig.arm;
      return Promise.resolve(state.has(ids.ownTable) ? Object.keys(state.routes(ids.ownTable)) : []);
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
});

function credentialsOf(rig: AzureRig, authority: string, certificate: string): readonly Credential[] {
  const files = { [authorityFile]: authority };
  const application = {
    AZURE_TENANT_ID: tenant,
    AZURE_CLIENT_ID: clientId,
    AZURE_AUTHORITY_HOST: rig.login.url,
  };
  /** The last log-in has a field that begins so. */
  const loggedInWith = (field: string, value: RegExp) => (): void => {
    assert.match(rig.login.requests.at(-1)?.get(field) ?? "", value);
    rig.login.requests.length = 0;
  };
  const identityUsed = (clientIdAsked: string | null) => (): void => {
    const asked = rig.imds.tokenRequests.at(-1);
    assert.ok(asked !== undefined, "the metadata service was asked for a token");
    assert.equal(asked.get("client_id"), clientIdAsked);
    rig.imds.tokenRequests.length = 0;
  };
  return [
    { name: "the VM's managed identity", variables: {}, files, wasUsed: identityUsed(null) },
    {
      name: "a user-assigned managed identity",
      variables: { AZURE_CLIENT_ID: clientId },
      wasUsed: identityUsed(clientId),
    },
    {
      name: "a client secret",
      variables: { ...application, AZURE_CLIENT_SECRET: clientSecret },
      wasUsed: loggedInWith("client_secret", /^a-good-secret$/),
    },
    {
      name: "a client certificate",
      variables: { ...application, AZURE_CLIENT_CERTIFICATE_PATH: "/etc/azure/application.pem" },
      files: { "/etc/azure/application.pem": certificate },
      wasUsed: loggedInWith("client_assertion", /^eyJ/),
    },
    {
      name: "a workload identity",
      variables: { ...application, AZURE_FEDERATED_TOKEN_FILE: "/var/run/secrets/azure/token" },
      files: { "/var/run/secrets/azure/token": federatedToken },
      wasUsed: loggedInWith("client_assertion", new RegExp(`^${federatedToken}$`)),
    },
  ];
}
