/** Each form of credentials that the README names, with servers that take it: what the program's environment must say, and what proves it. */

import { CredentialServices } from "../../fakes/aws/credential_services.ts";
import { AwsMetadata } from "../../fakes/aws/metadata.ts";
import { FakeImds } from "../../fakes/azure/imds.ts";
import { clientId, clientSecret, FakeLogin, federatedToken, tenant } from "../../fakes/azure/login.ts";
import { makeCertificates, makeClientCertificate } from "../../fakes/certificates.ts";

/** One form. */
export interface CredentialForm {
  readonly name: string;
  readonly cloud: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Who called the API since the last time that this was asked. */
  readonly callers: () => readonly string[];
  /** Who must be among them. */
  readonly expected: RegExp;
}

/** Starts the servers in a folder of the test's own. They run until the stack is disposed of. */
export async function credentialForms(
  folder: string,
  stack: AsyncDisposableStack,
): Promise<CredentialForm[]> {
  return [
    ...await awsForms(folder, stack),
    ...await azureForms(folder, stack),
    googleForm(stack),
    openstackForm(stack),
  ];
}

async function awsForms(folder: string, stack: AsyncDisposableStack): Promise<CredentialForm[]> {
  const values = {
    "interface-id": "eni-0",
    "subnet-id": "subnet-0",
    "vpc-id": "vpc-1",
    "device-number": "0",
    "local-ipv4s": "10.0.0.10",
    "subnet-ipv4-cidr-block": "10.0.0.0/24",
    "vpc-ipv4-cidr-blocks": "10.0.0.0/16",
  };
  const document = { instanceId: "i-1", region: "eu-west-1", accountId: "123456789012" };
  const metadata = stack.use(new AwsMetadata([{ mac: "0e:00:00:00:00:0a", values }], document));
  const services = stack.use(new CredentialServices());
  const api = recorder(
    stack,
    (request) => /Credential=([^/]+)/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "nobody",
  );
  await Deno.writeTextFile(`${folder}/token`, federatedToken);
  await Deno.writeTextFile(
    `${folder}/config`,
    "[profile edge]\naws_access_key_id = AKIAFILE\naws_secret_access_key = not-a-secret\n",
  );
  const form = (name: string, expected: RegExp, more: Record<string, string> = {}): CredentialForm => ({
    name: `AWS, ${name}`,
    cloud: "aws",
    environment: {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
      AWS_ENDPOINT_URL_EC2: api.url,
      AWS_ENDPOINT_URL_SERVICE_QUOTAS: api.url,
      AWS_ENDPOINT_URL_STS: services.url,
      ...more,
    },
    callers: api.callers,
    expected,
  });
  return [
    form("the instance's role", /^ASIA[0-9]+$/),
    form("variables", /^AKIAENV$/, { AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "not-a-secret" }),
    form("a profile", /^AKIAFILE$/, { AWS_PROFILE: "edge", AWS_CONFIG_FILE: `${folder}/config` }),
    form("a token file", /^ASIASTS/, {
      AWS_ROLE_ARN: "arn:aws:iam::1:role/pod",
      AWS_WEB_IDENTITY_TOKEN_FILE: `${folder}/token`,
    }),
    form("a container's agent", /^ASIAAGENT/, {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${services.url}/v1`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${folder}/token`,
    }),
  ];
}

async function azureForms(folder: string, stack: AsyncDisposableStack): Promise<CredentialForm[]> {
  const certificates = await makeCertificates(folder);
  const imds = stack.use(
    new FakeImds({
      name: "router",
      subscription: "s",
      resourceGroup: "g",
      resourceId: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/router",
      location: "westeurope",
      environment: "AzurePublicCloud",
      interfaces: [{ macAddress: "000D3A000001", ipv4: "10.0.1.4", subnet: "10.0.1.0/24" }],
    }),
  );
  const login = stack.use(new FakeLogin(certificates));
  const certificatePath = await makeClientCertificate(folder);
  login.certificate = await Deno.readTextFile(certificatePath);
  const { certificate: cert, key } = certificates;
  const api = recorder(stack, (request) => {
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    return login.accepts(token) ? "login" : imds.accepts(token) ? "imds" : "nobody";
  }, { cert, key });
  const form = (name: string, expected: RegExp, more: Record<string, string> = {}): CredentialForm => ({
    name: `Azure, ${name}`,
    cloud: "azure",
    environment: {
      CLOUDROUTESYNC_IMDS_ENDPOINT: imds.url,
      CLOUDROUTESYNC_AZURE_ENDPOINT: api.url,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: imds.url,
      AZURE_AUTHORITY_HOST: login.url,
      SSL_CERT_FILE: certificates.authorityFile,
      ...more,
    },
    callers: api.callers,
    expected,
  });
  const principal = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId };
  return [
    form("the managed identity", /^imds$/),
    form("a secret", /^login$/, { ...principal, AZURE_CLIENT_SECRET: clientSecret }),
    form("a certificate", /^login$/, { ...principal, AZURE_CLIENT_CERTIFICATE_PATH: certificatePath }),
    form("a token file", /^login$/, { ...principal, AZURE_FEDERATED_TOKEN_FILE: `${folder}/token` }),
  ];
}

function googleForm(stack: AsyncDisposableStack): CredentialForm {
  const api = recorder(stack, (request) => request.headers.get("authorization") ?? "nobody");
  const answers: Readonly<Record<string, unknown>> = {
    "project/project-id": "prod",
    "instance/zone": "projects/1/zones/europe-west1-b",
    "instance/name": "router",
    "instance/network-interfaces/": [{ network: "projects/1/networks/net", ip: "10.0.0.2" }],
    "instance/service-accounts/default/token": { access_token: "ya29.first", expires_in: 3600 },
  };
  const metadata = stack.use(
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const answer = answers[new URL(request.url).pathname.replace("/computeMetadata/v1/", "")];
      const text = typeof answer === "string" ? answer : JSON.stringify(answer ?? null);
      return new Response(text, { headers: { "metadata-flavor": "Google" } });
    }),
  );
  return {
    name: "Google Cloud, the service account",
    cloud: "gcp",
    environment: {
      CLOUDROUTESYNC_GCP_ENDPOINT: api.url,
      GCE_METADATA_HOST: `127.0.0.1:${metadata.addr.port}`,
    },
    callers: api.callers,
    expected: /^Bearer ya29\.first$/,
  };
}

function openstackForm(stack: AsyncDisposableStack): CredentialForm {
  const api = recorder(stack, (request) => `${request.method} ${new URL(request.url).pathname}`);
  return {
    name: "OpenStack, an application credential",
    cloud: "openstack",
    environment: {
      OS_AUTH_URL: `${api.url}/v3`,
      OS_AUTH_TYPE: "v3applicationcredential",
      OS_APPLICATION_CREDENTIAL_ID: "id",
      OS_APPLICATION_CREDENTIAL_SECRET: "not-a-secret",
      CLOUDROUTESYNC_IMDS_ENDPOINT: novaMetadata(stack),
    },
    callers: api.callers,
    expected: /^POST \/v3\/auth\/tokens$/,
  };
}

function novaMetadata(stack: AsyncDisposableStack): string {
  const server = stack.use(
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) =>
      Response.json(
        request.url.endsWith("/meta_data.json") ? { uuid: "u" } : { links: [{ vif_id: "port-1" }] },
      )),
  );
  return `http://127.0.0.1:${server.addr.port}`;
}

/** A server that refuses every call, and keeps who made it. */
function recorder(
  stack: AsyncDisposableStack,
  callerOf: (request: Request) => string,
  tls: { readonly cert?: string; readonly key?: string } = {},
): { readonly url: string; readonly callers: () => readonly string[] } {
  const callers: string[] = [];
  const server = stack.use(
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls }, (request) => {
      callers.push(callerOf(request));
      return Response.json({ error: { code: 403, message: "no" } }, { status: 403 });
    }),
  );
  const scheme = tls.cert === undefined ? "http" : "https";
  return { url: `${scheme}://127.0.0.1:${server.addr.port}`, callers: () => callers.splice(0) };
}
