import assert from "node:assert/strict";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { type OpenstackSettings, readSettings } from "../../../../src/clouds/openstack/credentials.ts";

const certificate = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

const applicationCredential = {
  OS_AUTH_URL: "https://keystone.example/v3/",
  OS_APPLICATION_CREDENTIAL_ID: "21dced0fd20347869b93710d2b98aae0",
  OS_APPLICATION_CREDENTIAL_SECRET: "hush",
};

function read(
  environment: Record<string, string>,
  files: Record<string, string> = {},
  osCloud: string | null = null,
): OpenstackSettings {
  const found = readSettings(osCloud, {
    environment: (name) => environment[name],
    readFile: (path) => files[path] ?? null,
  });
  assert.ok(!("profileUrl" in found));
  return found;
}

function refuses(message: RegExp, ...input: Parameters<typeof read>): void {
  assert.throws(() => read(...input), (error) => {
    assert.ok(error instanceof CloudError);
    assert.equal(error.kind, "invalid");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("readSettings() takes an application credential from the variables", () => {
  assert.deepEqual(read({ ...applicationCredential, OS_REGION_NAME: "north", OS_INTERFACE: "internal" }), {
    origin: "the OS_* variables",
    authUrl: "https://keystone.example/v3",
    proof: {
      method: "application_credential",
      id: "21dced0fd20347869b93710d2b98aae0",
      secret: "hush",
    },
    scope: null,
    region: "north",
    interface: "internal",
    networkEndpoint: null,
    caCertificates: null,
    clientCertificate: null,
  });
});

Deno.test("readSettings() takes a named application credential with its user", () => {
  const { proof } = read({
    OS_AUTH_URL: "http://keystone.example",
    OS_AUTH_TYPE: "v3applicationcredential",
    OS_APPLICATION_CREDENTIAL_NAME: "router",
    OS_APPLICATION_CREDENTIAL_SECRET: "hush",
    OS_USERNAME: "alice",
    OS_USER_DOMAIN_NAME: "people",
  });
  assert.deepEqual(proof, {
    method: "application_credential",
    name: "router",
    user: { name: "alice", domain: { name: "people" } },
    secret: "hush",
  });
});

Deno.test("readSettings() takes user and project by name in the domain default unless told", () => {
  const password = {
    OS_AUTH_URL: "http://keystone.example/identity",
    OS_USERNAME: "alice",
    OS_PASSWORD: "hush",
    OS_PROJECT_NAME: "demo",
  };
  const { authUrl, proof, scope } = read(password);
  assert.equal(authUrl, "http://keystone.example/identity/v3");
  const domain = { id: "default" };
  assert.deepEqual(proof, { method: "password", user: { name: "alice", domain }, password: "hush" });
  assert.deepEqual(scope, { project: { name: "demo", domain } });
  const told = read({ ...password, OS_PROJECT_DOMAIN_ID: "d1", OS_DEFAULT_DOMAIN_NAME: "people" });
  assert.deepEqual(told.scope, { project: { name: "demo", domain: { id: "d1" } } });
  const byId = read({ ...password, OS_PROJECT_ID: "p1", OS_USER_ID: "u1" });
  assert.deepEqual([byId.scope, byId.proof], [
    { project: { id: "p1" } },
    { method: "password", user: { id: "u1" }, password: "hush" },
  ]);
});

Deno.test("readSettings() takes a token where there is one and no password", () => {
  const { proof } = read({ OS_AUTH_URL: "http://k.example/v3", OS_TOKEN: "t", OS_PROJECT_ID: "p1" });
  assert.deepEqual(proof, { method: "token", token: "t" });
});

const cloudsYaml = `
clouds:
  prod:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://prod.example/v3
      application_credential_id: abc
    region_name: RegionOne
    interface: internal
    cacert: ~/ca.pem
    network_endpoint_override: http://neutron.example:9696/
  test:
    auth: {auth_url: "https://test.example", username: alice, password: 12345, project_id: p1}
    endpoint_type: internalURL
`;

Deno.test("readSettings() takes a named cloud from clouds.yaml and its secret from secure.yaml", () => {
  const files = {
    "/home/me/.config/openstack/clouds.yaml": cloudsYaml,
    "/etc/openstack/secure.yaml": "clouds: {prod: {auth: {application_credential_secret: hush}}}",
    "/home/me/ca.pem": certificate,
  };
  const settings = read({ HOME: "/home/me", OS_CLOUD: "prod", OS_AUTH_URL: "http://other" }, files);
  assert.deepEqual(settings, {
    origin: 'entry "prod" of /home/me/.config/openstack/clouds.yaml',
    authUrl: "https://prod.example/v3",
    proof: { method: "application_credential", id: "abc", secret: "hush" },
    scope: null,
    region: "RegionOne",
    interface: "internal",
    networkEndpoint: "http://neutron.example:9696/",
    caCertificates: certificate,
    clientCertificate: null,
  });
});

Deno.test("readSettings() takes what YAML reads as a number as the text that it is", () => {
  const settings = read({}, { "./clouds.yaml": cloudsYaml }, "test");
  assert.deepEqual(settings.proof, {
    method: "password",
    user: { name: "alice", domain: { id: "default" } },
    password: "12345",
  });
  assert.equal(settings.interface, "internal");
});

Deno.test("readSettings() looks for clouds.yaml where OpenStack's own tools do, first found first", () => {
  const entry = (host: string): string =>
    `clouds: {only: {auth: {auth_url: "http://${host}", token: t, project_id: p}}}`;
  const environment = { HOME: "/h", XDG_CONFIG_HOME: "/x", OS_CLIENT_CONFIG_FILE: "/given.yaml" };
  const files: Record<string, string> = {
    "/etc/openstack/clouds.yaml": entry("five"),
    "/h/.config/openstack/clouds.yaml": entry("four"),
    "/x/openstack/clouds.yaml": entry("three"),
    "./clouds.json": JSON.stringify({
      clouds: { only: { auth: { auth_url: "http://two", token: "t", project_id: "p" } } },
    }),
    "/given.yaml": entry("one"),
  };
  const found: string[] = [];
  for (const path of Object.keys(files).reverse()) {
    found.push(read(environment, files).authUrl);
    delete files[path];
  }
  assert.deepEqual(found, ["one", "two", "three", "four", "five"].map((host) => `http://${host}/v3`));
});

Deno.test("readSettings() prefers the variables to a clouds.yaml that nobody named", () => {
  assert.equal(read(applicationCredential, { "./clouds.yaml": cloudsYaml }).origin, "the OS_* variables");
});

Deno.test("readSettings() says what is missing or cannot be", () => {
  refuses(/neither OS_AUTH_URL .* nor a clouds.yaml/, {});
  refuses(/lacks application_credential_id|lacks application_credential_name/, {
    OS_AUTH_URL: "http://k.example",
    OS_APPLICATION_CREDENTIAL_SECRET: "hush",
  });
  refuses(/lacks password \(OS_PASSWORD\)/, { OS_AUTH_URL: "http://k.example", OS_USERNAME: "alice" });
  refuses(/names no project/, {
    OS_AUTH_URL: "http://k.example",
    OS_USERNAME: "alice",
    OS_PASSWORD: "hush",
  });
  refuses(/auth_url "keystone:5000"/, { ...applicationCredential, OS_AUTH_URL: "keystone:5000" });
  refuses(/auth_type "v3kerberos"/, { ...applicationCredential, OS_AUTH_TYPE: "v3kerberos" });
  refuses(/interface "sideways"/, { ...applicationCredential, OS_INTERFACE: "sideways" });
  refuses(/certificates "\/no.pem"/, { ...applicationCredential, OS_CACERT: "/no.pem" });
  refuses(/holds none in PEM/, { ...applicationCredential, OS_CACERT: "/ca" }, { "/ca": "DER" });
});

Deno.test("readSettings() says which clouds there are to choose from", () => {
  const files = { "./clouds.yaml": cloudsYaml };
  refuses(/it has prod, test; name one with -os-cloud/, {}, files);
  refuses(/cloud "stage" in .\/clouds.yaml: it has prod, test/, {}, files, "stage");
  refuses(/there is no clouds.yaml \(looked for .\/clouds.yaml/, {}, {}, "prod");
  refuses(/it is not YAML \(line 2\)$/, {}, { "./clouds.yaml": "a: 1\nsecret: [" });
});

Deno.test("readSettings() never quotes a secret of a file that it does not understand", () => {
  const files = { "./clouds.yaml": "clouds: {prod: {auth: hush-hush}}" };
  refuses(/not a valid clouds.yaml: unexpected at clouds.prod.auth$/, {}, files);
});

Deno.test("readSettings() refuses to leave certificates unverified", () => {
  const message = /always verifies; name the certificate authority/;
  refuses(message, { ...applicationCredential, OS_INSECURE: "true" });
  refuses(message, {}, {
    "./clouds.yaml": 'clouds: {a: {verify: false, auth: {auth_url: "http://k", token: t, project_id: p}}}',
  });
});
