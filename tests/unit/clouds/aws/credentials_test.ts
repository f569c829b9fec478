/** Where AWS' credentials come from, on real sockets and files, with Node's own HTTP clients out of use. */

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { CredentialsError } from "../../../../src/clouds/aws/credentials_error.ts";
import { openCredentials } from "../../../../src/clouds/aws/credentials.ts";
import { InstanceMetadata } from "../../../../src/clouds/aws/metadata.ts";
import { CredentialServices } from "../../../fakes/aws/credential_services.ts";
import { AwsMetadata } from "../../../fakes/aws/metadata.ts";
import { captureLog } from "../../../fakes/captured_log.ts";
import { testTransport } from "../../../fakes/cloud_options.ts";
import { inTemporaryFolder } from "../../../fakes/temporary_folder.ts";

interface Stage {
  readonly folder: string;
  readonly metadata: AwsMetadata;
  readonly services: CredentialServices;
  /** The access key that these variables and files lead to. */
  readonly key: (variables?: Readonly<Record<string, string>>) => Promise<string>;
}

const keys = { AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "not-a-secret" };
const inFile = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = not-a-secret\n`;

function test(name: string, body: (stage: Stage) => Promise<void>): void {
  Deno.test(name, () =>
    inTemporaryFolder(async (folder) => {
      await using metadata = new AwsMetadata([], {});
      await using services = new CredentialServices();
      using _guard = withoutNodeClients();
      await Deno.mkdir(`${folder}/.aws`);
      const key: Stage["key"] = async (variables = {}) => {
        using _environment = environment({
          HOME: folder,
          AWS_ENDPOINT_URL_STS: services.url,
          AWS_ENDPOINT_URL_SSO: services.url,
          ...variables,
        });
        return (await openCredentials({
          environment: (variable) => Deno.env.get(variable),
          transport: testTransport,
          metadata: new InstanceMetadata(testTransport, metadata.url, () => performance.now()),
          region: "eu-west-1",
        })()).accessKeyId;
      };
      await body({ folder, metadata, services, key });
    }));
}

/** Whatever the SDK would send by them fails. */
function withoutNodeClients(): Disposable {
  const before = [http, https].map((module) =>
    [module, { request: module.request, get: module.get }] as const
  );
  const refuse = (): never => {
    throw new Error("Cannot send this: it does not go through the transport");
  };
  for (const [module] of before) Object.assign(module, { request: refuse, get: refuse });
  return {
    [Symbol.dispose]: (): void => {
      for (const [module, own] of before) Object.assign(module, own);
    },
  };
}

/** Sets variables until it is disposed of; the SDK reads some by itself. */
function environment(variables: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  return {
    [Symbol.dispose]: (): void => {
      for (const [name, value] of before) {
        value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
      }
    },
  };
}

async function failure(call: Promise<unknown>): Promise<CredentialsError> {
  const error = await call.then(() => null, (cause: unknown) => cause);
  assert.ok(error instanceof CredentialsError, `${error}`);
  return error;
}

test("variables win over the files' default profile, and that over the instance's role", async ({ folder, key }) => {
  assert.equal(await key(), "ASIA1");
  await Deno.writeTextFile(`${folder}/.aws/credentials`, `[default]\n${inFile("AKIAFILE")}`);
  assert.equal(await key(), "AKIAFILE");
  assert.equal(await key(keys), "AKIAENV");
});

test("half a key is an error, not a reason to look on", async ({ key }) => {
  const error = await failure(key({ AWS_ACCESS_KEY_ID: "AKIAENV" }));
  assert.deepEqual([error.kind, /AWS_SECRET_ACCESS_KEY/.test(error.message)], ["invalid", true]);
});

test("a named profile wins over the variables' key, and says so", async ({ folder, key }) => {
  await Deno.writeTextFile(`${folder}/.aws/config`, `[profile edge]\n${inFile("AKIAEDGE")}`);
  using log = captureLog();
  assert.equal(await key({ ...keys, AWS_PROFILE: "edge" }), "AKIAEDGE");
  assert.match(log.lines.join("\n"), /AWS_PROFILE is set, so AWS_ACCESS_KEY_ID is not used/);
});

test("a profile that is not there is an error that names it and the files", async ({ folder, key, metadata }) => {
  const error = await failure(key({ AWS_PROFILE: "edge" }));
  assert.equal(error.kind, "invalid");
  assert.equal(
    error.message,
    `there is no profile "edge", which AWS_PROFILE names, in ${folder}/.aws/config or ${folder}/.aws/credentials`,
  );
  assert.deepEqual(metadata.paths, []);
});

test("a profile without credentials lets the role be used, and says so", async ({ folder, key }) => {
  await Deno.writeTextFile(`${folder}/.aws/config`, "[profile edge]\nregion = eu-west-1\n");
  using log = captureLog();
  assert.equal(await key({ AWS_PROFILE: "edge" }), "ASIA1");
  assert.match(log.lines.join("\n"), /Profile edge holds no credentials/);
});

test("what a profile asks for and this program cannot do is an error that names it", async ({ folder, key, metadata }) => {
  const cannot: Readonly<Record<string, RegExp>> = {
    "credential_process = /bin/true": /profile "edge" cannot be used: its credential_process/,
    "login_session = arn:aws:iam::1:user/u": /its login_session/,
    "role_arn = arn:r\nsource_profile = edge2": /no profile "edge2", which profile edge names/,
    "role_arn = arn:r\ncredential_source = Cloud":
      /credential_source "Cloud" is none of Environment, Ec2Inst/,
    "role_arn = arn:r\nsource_profile = edge\nmfa_serial = arn:m": /cannot be used/,
  };
  for (const [lines, message] of Object.entries(cannot)) {
    await Deno.writeTextFile(`${folder}/.aws/config`, `[profile edge]\n${lines}\n`);
    const error = await failure(key({ AWS_PROFILE: "edge" }));
    assert.equal(error.kind, "invalid");
    assert.match(error.message, message);
  }
  assert.deepEqual(metadata.paths, []);
});

test("profiles that are each other's source are an error", async ({ folder, key }) => {
  const profile = (name: string, source: string): string =>
    `[profile ${name}]\nrole_arn = arn:${name}\nsource_profile = ${source}\n`;
  await Deno.writeTextFile(`${folder}/.aws/config`, profile("a", "b") + profile("b", "a"));
  assert.match((await failure(key({ AWS_PROFILE: "a" }))).message, /leads back/);
});

test("a role is taken on with the credentials of its source, whatever that is", async ({ folder, key, services }) => {
  const role = "role_arn = arn:aws:iam::1:role/r\nexternal_id = x-1\n";
  const sources: Readonly<Record<string, string>> = {
    "source_profile = base": "AKIABASE",
    "source_profile = edge\naws_access_key_id = AKIAOWN\naws_secret_access_key = s": "AKIAOWN",
    "credential_source = Environment": "AKIAENV",
    "credential_source = Ec2InstanceMetadata": "ASIA1",
    "credential_source = EcsContainer": "ASIAAGENT5",
  };
  for (const [lines, signer] of Object.entries(sources)) {
    const text = `[profile edge]\n${role}${lines}\n[profile base]\n${inFile("AKIABASE")}`;
    await Deno.writeTextFile(`${folder}/.aws/config`, text);
    const agent = lines.endsWith("EcsContainer")
      ? { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${services.url}/agent` }
      : {};
    assert.match(await key({ ...keys, ...agent, AWS_PROFILE: "edge" }), /^ASIASTS/);
    assert.equal(
      services.asked.at(-1),
      `AssumeRole arn:aws:iam::1:role/r cloudroutesync x-1 by ${signer}`,
      lines,
    );
  }
});

test("a token file is changed for a role's credentials", async ({ folder, key, services }) => {
  const role = { AWS_ROLE_ARN: "arn:aws:iam::1:role/pod", AWS_WEB_IDENTITY_TOKEN_FILE: `${folder}/token` };
  assert.match(
    (await failure(key(role))).message,
    /token", which AWS_WEB_IDENTITY_TOKEN_FILE names, cannot be read/,
  );
  await Deno.writeTextFile(`${folder}/token`, "jwt-of-the-cluster\n");
  assert.match(await key(role), /^ASIASTS/);
  assert.deepEqual(services.asked, [
    "AssumeRoleWithWebIdentity arn:aws:iam::1:role/pod cloudroutesync jwt-of-the-cluster by nobody",
  ]);
});

for (const hostname of ["127.0.0.1", "::1"]) {
  test(`the container's agent is asked at ${hostname}, with the token of its file`, async ({ folder, key }) => {
    await using agent = new CredentialServices(hostname);
    agent.authorization = "pod-token";
    const variables = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${folder}/token`,
    };
    await Deno.writeTextFile(`${folder}/token`, "wrong");
    assert.equal((await failure(key(variables))).kind, "denied");
    await Deno.writeTextFile(`${folder}/token`, "pod-token\n");
    assert.match(await key(variables), /^ASIAAGENT/);
  });
}

test("the token goes to no agent that is neither local nor AWS' own", async ({ key }) => {
  const error = await failure(key({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://example.org/x" }));
  assert.deepEqual([error.kind, /http:\/\/example\.org/.test(error.message)], ["invalid", true]);
});

test("IAM Identity Center gives credentials for the session that is there", async ({ folder, key, services }) => {
  const session = "sso_session = s\nsso_account_id = 1\nsso_role_name = r\n";
  const center = "[sso-session s]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n";
  await Deno.writeTextFile(`${folder}/.aws/config`, `[profile edge]\n${session}${center}`);
  await Deno.mkdir(`${folder}/.aws/sso/cache`, { recursive: true });
  // The file's name is the SHA-1 of the session's.
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode("s"));
  const token = { accessToken: "sso-token", expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  await Deno.writeTextFile(
    `${folder}/.aws/sso/cache/${new Uint8Array(digest).toHex()}.json`,
    JSON.stringify(token),
  );
  assert.match(await key({ AWS_PROFILE: "edge" }), /^ASIASSO/);
  assert.deepEqual(services.asked, ["GET /federation/credentials?account_id=1&role_name=r by sso-token"]);
});

test("an instance without a role, or whose metadata is off, is told what it needs", async ({ key, metadata }) => {
  metadata.hasRole = false;
  assert.match(
    (await failure(key())).message,
    /this instance has no role; they come from the instance's role/,
  );
  assert.match(
    (await failure(key({ AWS_EC2_METADATA_DISABLED: "true" }))).message,
    /AWS_EC2_METADATA_DISABLED/,
  );
});

test("credentials of the role are used on while they cannot be renewed", async ({ metadata }) => {
  using _environment = environment({ HOME: "/" });
  const provider = openCredentials({
    environment: () => undefined,
    transport: testTransport,
    metadata: new InstanceMetadata(testTransport, metadata.url, () => performance.now()),
    region: "eu-west-1",
  });
  metadata.credentialsLastS = -60;
  using log = captureLog();
  const first = await provider();
  assert.ok((first.expiration?.getTime() ?? 0) > Date.now() + 290_000);
  metadata.status = 500;
  const second = await provider();
  assert.deepEqual([second.accessKeyId, (second.expiration?.getTime() ?? 0) > Date.now() + 290_000], [
    "ASIA1",
    true,
  ]);
  assert.match(
    log.lines.join("\n"),
    /Cannot renew the credentials of the instance's role, going on with those at hand/,
  );
});
