/** Each form of credential against a login service and a metadata service of the test's own, on real sockets. */

import assert from "node:assert/strict";
import { type AzureCredential, openCredential } from "../../../../src/clouds/azure/credentials.ts";
import { azureEnvironment } from "../../../../src/clouds/azure/environment.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { Transport } from "../../../../src/clouds/kit/transport.ts";
import { clientId, clientSecret, FakeLogin, federatedToken, tenant } from "../../../fakes/azure/login.ts";
import {
  type Certificates,
  makeCertificates,
  makeClientCertificate,
  opensslMissing,
} from "../../../fakes/certificates.ts";
import { FakeImds } from "../../../fakes/azure/imds.ts";
import { testTransport } from "../../../fakes/cloud_options.ts";
import { inTemporaryFolder } from "../../../fakes/temporary_folder.ts";
import { skips } from "../../../needs.ts";

const principal = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId };

interface Stage {
  readonly login: FakeLogin;
  readonly folder: string;
  /** Opens the credential that these variables name. */
  readonly open: (variables: Readonly<Record<string, string>>) => AzureCredential;
  /** Asks it for a token. */
  readonly ask: (variables: Readonly<Record<string, string>>) => Promise<string>;
}

function test(name: string, body: (stage: Stage) => Promise<void>): void {
  Deno.test({
    name,
    ignore: skips(opensslMissing()),
    fn: () =>
      inTemporaryFolder(async (folder) => {
        const certificates: Certificates = await makeCertificates(folder);
        await using login = new FakeLogin(certificates);
        using transport = new Transport([certificates.authority]);
        const open: Stage["open"] = (variables) => {
          const set: Readonly<Record<string, string>> = { AZURE_AUTHORITY_HOST: login.url, ...variables };
          return openCredential({
            variable: (name) => set[name],
            cloud: azureEnvironment("AzurePublicCloud", null),
            transport,
            imdsEndpoint: null,
          });
        };
        const ask: Stage["ask"] = async (variables) => (await open(variables).getToken()).token;
        await body({ login, folder, open, ask });
      }),
  });
}

async function failure(call: Promise<unknown>): Promise<CloudError> {
  const error = await call.then(() => null, (cause: unknown) => cause);
  assert.ok(error instanceof CloudError, `${error}`);
  return error;
}

test("openCredential() logs in with a secret", async ({ login, ask }) => {
  assert.ok(login.accepts(await ask({ ...principal, AZURE_CLIENT_SECRET: clientSecret })));
});

test("openCredential() logs in with a certificate", async ({ login, folder, ask }) => {
  const path = await makeClientCertificate(folder);
  login.certificate = await Deno.readTextFile(path);
  assert.ok(login.accepts(await ask({ ...principal, AZURE_CLIENT_CERTIFICATE_PATH: path })));
});

test("openCredential() logs in with a token file", async ({ login, folder, ask }) => {
  const path = `${folder}/token`;
  await Deno.writeTextFile(path, `${federatedToken}\n`);
  assert.ok(login.accepts(await ask({ ...principal, AZURE_FEDERATED_TOKEN_FILE: path })));
});

test("a wrong secret is denied with the whole reason, once", async ({ login, ask }) => {
  const error = await failure(ask({ ...principal, AZURE_CLIENT_SECRET: "wrong" }));
  assert.deepEqual([error.kind, error.status], ["denied", 401]);
  assert.equal(
    error.message,
    `Cannot get a token for Azure as service principal ${clientId}: 401 invalid_client: AADSTS7000215: Invalid client secret ` +
      "provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a " +
      `secret added to app '${clientId}'.`,
  );
  assert.equal(login.requests.length, 1);
});

test("a file that is not there is named", async ({ folder, ask }) => {
  for (const variable of ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_CERTIFICATE_PATH"]) {
    const error = await failure(ask({ ...principal, [variable]: `${folder}/none` }));
    assert.equal(error.kind, "denied");
    assert.match(error.message, /no such file or directory.*\/none/i);
  }
});

test("a login service that refuses is not asked again before the time that it named", async ({ login, open }) => {
  login.refusal = { status: 429, retryAfterS: 30, description: "AADSTS700082: Too many requests." };
  const source = open({ ...principal, AZURE_CLIENT_SECRET: clientSecret });
  const first = await failure(source.getToken());
  assert.deepEqual([first.kind, first.retryAfterMs], ["throttled", 30_000]);
  const second = await failure(source.getToken());
  assert.deepEqual([second.kind, second.message], ["throttled", first.message]);
  assert.ok(second.retryAfterMs !== undefined && second.retryAfterMs <= 30_000);
  assert.equal(login.requests.length, 1);
});

test("a login service in trouble is unavailable, not a refusal of the secret", async ({ login, ask }) => {
  login.refusal = {
    status: 400,
    retryAfterS: 1,
    description: "AADSTS90033: A transient error has occurred.",
  };
  assert.equal((await failure(ask({ ...principal, AZURE_CLIENT_SECRET: clientSecret }))).kind, "unavailable");
});

test("a login service that is down is unavailable, with the reason", async ({ ask }) => {
  const AZURE_AUTHORITY_HOST = "https://127.0.0.1:4430";
  const error = await failure(ask({ ...principal, AZURE_CLIENT_SECRET: clientSecret, AZURE_AUTHORITY_HOST }));
  assert.equal(error.kind, "unavailable");
  assert.match(error.message, /Connection refused/);
});

Deno.test("the metadata service's refusals are told as they are", async (t) => {
  await using imds = new FakeImds({
    name: "router",
    subscription: "s",
    resourceGroup: "g",
    resourceId: "/subscriptions/s",
    location: "westeurope",
    environment: "AzurePublicCloud",
    interfaces: [],
  });
  const open = (): AzureCredential =>
    openCredential({
      variable: () => undefined,
      cloud: azureEnvironment("AzurePublicCloud", null),
      transport: testTransport,
      imdsEndpoint: imds.url,
    });
  await t.step("several identities", async () => {
    const description =
      "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity " +
      "in the token request";
    imds.tokenRefusal = { status: 400, body: { error: "invalid_request", error_description: description } };
    const error = await failure(open().getToken());
    assert.equal(error.kind, "denied");
    assert.equal(
      error.message,
      `Cannot get a token for Azure as system-assigned managed identity: 400 invalid_request: ${description}: ` +
        "name the client id of one of them in AZURE_CLIENT_ID",
    );
  });
  await t.step("too many requests", async () => {
    imds.tokenRequests.length = 0;
    imds.tokenRefusal = { status: 429, body: { error: "too_many" }, retryAfterS: 5 };
    const source = open();
    const first = await failure(source.getToken());
    assert.deepEqual([first.kind, first.retryAfterMs], ["throttled", 5_000]);
    assert.equal((await failure(source.getToken())).kind, "throttled");
    assert.equal(imds.tokenRequests.length, 1);
  });
  await t.step("a service that is being updated", async () => {
    imds.tokenRefusal = { status: 410, body: { error: "gone" } };
    assert.equal((await failure(open().getToken())).kind, "unavailable");
  });
  await t.step("none at all", async () => {
    imds.tokenRefusal = null;
    assert.ok(imds.accepts((await open().getToken()).token));
  });
});

test("a token that was refused is replaced, each time", async ({ login, open }) => {
  const source = open({ ...principal, AZURE_CLIENT_SECRET: clientSecret });
  const tokens = new Set<string>();
  for (let time = 1; time <= 3; time++) {
    const token = await source.getToken();
    tokens.add(token.token);
    source.refused(token);
  }
  assert.deepEqual([tokens.size, login.requests.length], [3, 3]);
});
