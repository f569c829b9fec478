import assert from "node:assert/strict";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { type OpenstackSettings, readSettings } from "../../../../src/clouds/openstack/credentials.ts";

const password = {
  OS_AUTH_URL: "https://keystone.example/v3",
  OS_USERNAME: "alice",
  OS_PASSWORD: "hush",
};
const userTexts = "auth_url: https://k.example/v3, username: alice, password: hush";

function read(
  environment: Record<string, string>,
  files: Record<string, string> = {},
  osCloud: string | null = null,
): OpenstackSettings {
  const found = readSettings(osCloud, {
    environment: (name) => environment[name],
    readFile: (path) => files[path] ?? null,
  });
  assert.ok(!("profileUrl" in found), "a profile is still to be fetched");
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

function entry(text: string): Record<string, string> {
  return { "./clouds.yaml": `clouds: {only: {${text}}}` };
}

Deno.test("readSettings() takes an empty variable for one that is not set", () => {
  const { scope } = read({
    ...password,
    OS_PROJECT_ID: "",
    OS_PROJECT_NAME: "demo",
    OS_CLOUD: "",
    OS_CERT: "",
  });
  assert.deepEqual(scope, { project: { name: "demo", domain: { id: "default" } } });
});

Deno.test("readSettings() takes a trust, and system scope, in place of a project", () => {
  assert.deepEqual(read({ ...password, OS_TRUST_ID: "t1" }).scope, { "OS-TRUST:trust": { id: "t1" } });
  assert.deepEqual(read({ ...password, OS_SYSTEM_SCOPE: "all" }).scope, { system: { all: true } });
  assert.deepEqual(read({}, entry(`auth: {${userTexts}, trust_id: t2}`)).scope, {
    "OS-TRUST:trust": { id: "t2" },
  });
});

Deno.test("readSettings() names a scope that opens no router, and scopes of which only one can be", () => {
  refuses(/system_scope "some" .*only "all"/, { ...password, OS_SYSTEM_SCOPE: "some" });
  refuses(/project_name and trust_id/, { ...password, OS_PROJECT_NAME: "demo", OS_TRUST_ID: "t1" });
  refuses(/domain_name.*opens no router.*project_name/, { ...password, OS_DOMAIN_NAME: "people" });
});

Deno.test("readSettings() refuses by name each way of logging in that needs a person or a browser", () => {
  for (
    const type of [
      "v3oidcpassword",
      "v3oidcauthcode",
      "v3oidcdeviceauthz",
      "v3oidcclientcredentials",
      "v3oidcaccesstoken",
      "v3websso",
      "v3samlpassword",
      "v3totp",
      "v3multifactor",
    ]
  ) {
    refuses(new RegExp(`auth_type "${type}".*openstack application credential create`), {
      ...password,
      OS_AUTH_TYPE: type,
    });
  }
  refuses(/auth_type "v2password".*Identity API v2/, { ...password, OS_AUTH_TYPE: "v2password" });
});

Deno.test("readSettings() takes numbers and truth values of YAML as the text that stands there", () => {
  const { scope, proof } = read(
    {},
    entry(
      "auth: {auth_url: https://k.example, username: 007, password: 1e10, " +
        "project_id: 12345678901234567890123456789012}",
    ),
  );
  assert.deepEqual(scope, { project: { id: "12345678901234567890123456789012" } });
  assert.deepEqual(proof, {
    method: "password",
    user: { name: "007", domain: { id: "default" } },
    password: "1e10",
  });
});

Deno.test("readSettings() takes empty values of clouds.yaml as not set, dashes as underscores, and merges anchors", () => {
  const files = {
    "./clouds.yaml": "base: &base {auth-url: https://k.example, username: alice, password: hush}\n" +
      "clouds: {only: {region_name: , auth: {<<: *base, project_id: , project-name: demo}}}",
  };
  const { scope, region, authUrl } = read({}, files);
  assert.deepEqual([scope, region, authUrl], [
    { project: { name: "demo", domain: { id: "default" } } },
    null,
    "https://k.example/v3",
  ]);
});

Deno.test("readSettings() takes OS_REGION_NAME for an entry of clouds.yaml that names no region, or several", () => {
  const auth = `auth: {${userTexts}, project_id: p}`;
  const region = (text: string, chosen?: string): string | null =>
    read(chosen === undefined ? {} : { OS_REGION_NAME: chosen }, entry(`${auth}${text}`)).region;
  assert.equal(region("", "north"), "north");
  assert.equal(region(", region_name: south", "north"), "south");
  assert.equal(region(", regions: [south]"), "south");
  assert.equal(region(", regions: [south, {name: north, values: {}}]", "north"), "north");
  refuses(/regions south, north.*OS_REGION_NAME/, {}, entry(`${auth}, regions: [south, north]`));
  refuses(
    /region "east".*south, north/,
    { OS_REGION_NAME: "east" },
    entry(`${auth}, regions: [south, north]`),
  );
});

Deno.test("readSettings() adds a profile from clouds-public.yaml, beneath the entry's own values", () => {
  const files = {
    ...entry("profile: vendor, region_name: north, auth: {username: alice, password: hush, project_id: p}"),
    "/etc/openstack/clouds-public.yaml":
      "public-clouds: {vendor: {auth: {auth_url: https://vendor.example, username: nobody}, region_name: south, interface: internal}}",
  };
  const { authUrl, region, interface: side, proof } = read({}, files);
  assert.deepEqual([authUrl, region, side], ["https://vendor.example/v3", "north", "internal"]);
  assert.deepEqual(proof, {
    method: "password",
    user: { name: "alice", domain: { id: "default" } },
    password: "hush",
  });
});

Deno.test("readSettings() adds a profile that stands in the entry itself", () => {
  const text = "profile: {auth: {auth_url: https://vendor.example}}, auth: {token: t, project_id: p}";
  assert.equal(read({}, entry(text)).authUrl, "https://vendor.example/v3");
});

Deno.test("readSettings() names a profile that it cannot find where the entry needs it", () => {
  refuses(
    /profile "ovh" of entry "only".*clouds-public.yaml.*auth_url/,
    {},
    entry("profile: ovh, auth: {token: t}"),
  );
  const whole = entry(`profile: ovh, auth: {${userTexts}, project_id: p}`);
  assert.equal(read({}, whole).authUrl, "https://k.example/v3");
});

Deno.test("readSettings() says which profile is to be fetched, and goes on with what was fetched", () => {
  const files = entry("profile: https://vendor.example, auth: {token: t, project_id: p}");
  const found = readSettings(null, { environment: () => undefined, readFile: (path) => files[path] ?? null });
  assert.ok("profileUrl" in found);
  assert.equal(found.profileUrl, "https://vendor.example/.well-known/openstack/api");
  const settings = found.complete({
    name: "vendor",
    profile: { auth: { auth_url: "https://k.vendor.example" } },
  });
  assert.equal(settings.authUrl, "https://k.vendor.example/v3");
  assert.throws(() => found.complete({ name: "vendor" }), /profile/);
  assert.throws(
    () => found.complete({ profile: { status: "shutdown", message: "Closed in May", auth: {} } }),
    /no longer exists: Closed in May/,
  );
});

Deno.test("readSettings() takes an entry whose every word is secret from secure.yaml alone", () => {
  const files = {
    "./clouds.yaml": "clouds: {}",
    "./secure.yaml": `clouds: {prod: {auth: {${userTexts}, project_id: p}}}`,
  };
  assert.equal(read({ OS_CLOUD: "prod" }, files).authUrl, "https://k.example/v3");
});

Deno.test("readSettings() takes the variables where OS_CLOUD says envvars", () => {
  assert.equal(read({ ...password, OS_PROJECT_ID: "p", OS_CLOUD: "envvars" }).origin, "the OS_* variables");
});

const certificate = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const key = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";

Deno.test("readSettings() reads a client certificate and its key, in two files or in one", () => {
  const files = { "/c.pem": certificate, "/k.pem": key, "/both.pem": certificate + key };
  const variables = { ...password, OS_PROJECT_ID: "p" };
  const two = read({ ...variables, OS_CERT: "/c.pem", OS_KEY: "/k.pem" }, files);
  assert.deepEqual(two.clientCertificate, { certificate, key });
  const one = read({ ...variables, OS_CERT: "/both.pem" }, files);
  assert.deepEqual(one.clientCertificate, { certificate: certificate + key, key: certificate + key });
  const inEntry = { ...files, ...entry(`cert: /c.pem, key: /k.pem, auth: {${userTexts}, project_id: p}`) };
  assert.deepEqual(read({}, inEntry).clientCertificate, { certificate, key });
  refuses(/client certificate "\/c.pem".*no private key/, { ...variables, OS_CERT: "/c.pem" }, files);
  refuses(/"\/none.pem".*no such file/, { ...variables, OS_CERT: "/none.pem", OS_KEY: "/k.pem" }, files);
  refuses(/key .*without a certificate/, { ...variables, OS_KEY: "/k.pem" }, files);
});
