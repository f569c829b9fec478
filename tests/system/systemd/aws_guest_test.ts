/** The shipped unit on EC2. */

import assert from "node:assert/strict";
import { motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import { webIdentityToken } from "../../fakes/aws/strict_front.ts";
import { type Credential, type GuestCloud, guestTest, metadataAddress } from "./cloud_guest.ts";

/** Where EKS' agent hands out the credentials of a pod. */
const podIdentityAddress = "169.254.170.23:80";
const podIdentityToken = "token-of-the-pod";

guestTest("AWS", motoMissing(), async (): Promise<GuestCloud> => {
  const rig = await AwsRig.start();
  const agent = startPodIdentityAgent();
  return {
    name: "aws",
    links: [
      `address add ${podIdentityAddress.split(":")[0]}/32 dev lo`,
      "link add eth0 type veth peer name fabric0",
      "address add 10.0.1.10/24 dev eth0",
      "link set eth0 up",
      "link set fabric0 up",
      "link add wan0 type veth peer name peer0",
      "address add 172.31.0.1/24 dev wan0",
      "link set wan0 up",
      "link set peer0 up",
      "route add default via 10.0.1.1 dev eth0 proto dhcp",
    ],
    via: "via 172.31.0.5",
    servers: [
      rig.front.port,
      { port: Number(new URL(rig.metadata.url).port), at: metadataAddress },
      { port: agent.addr.port, at: podIdentityAddress },
    ],
    variables: { AWS_ENDPOINT_URL: rig.front.url },
    credentials: credentialsOf(rig),
    prefixes: async () => {
      const table = await rig.tableOfSubnet(rig.vpc.subnetA);
      return table === null ? [] : (await rig.routes(table)).map(({ destination }) => destination);
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await agent.shutdown();
      await rig[Symbol.asyncDispose]();
    },
  };
});

function credentialsOf(rig: AwsRig): readonly Credential[] {
  const signedBy = (key: RegExp) => (): void => {
    const { accessKey } = rig.front.calls.at(-1) ?? { accessKey: "" };
    assert.match(accessKey, key);
  };
  const keys = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = not-a-secret\n`;
  return [
    { name: "the instance's role", variables: {}, wasUsed: signedBy(/^ASIA[1-9]/) },
    {
      name: "keys in variables",
      variables: { AWS_ACCESS_KEY_ID: "AKIAVARIABLE", AWS_SECRET_ACCESS_KEY: "not-a-secret" },
      wasUsed: signedBy(/^AKIAVARIABLE$/),
    },
    {
      name: "a shared file",
      variables: { AWS_SHARED_CREDENTIALS_FILE: "/etc/aws/credentials" },
      files: { "/etc/aws/credentials": `[default]\n${keys("AKIAFILE")}` },
      wasUsed: signedBy(/^AKIAFILE$/),
    },
    {
      name: "a profile of shared files",
      variables: {
        AWS_CONFIG_FILE: "/etc/aws/config",
        AWS_SHARED_CREDENTIALS_FILE: "/etc/aws/profiles",
        AWS_PROFILE: "edge",
      },
      files: {
        "/etc/aws/config": "[profile edge]\nregion = us-east-1\n",
        "/etc/aws/profiles": `[default]\n${keys("AKIAFILE")}[edge]\n${keys("AKIAPROFILE")}`,
      },
      wasUsed: signedBy(/^AKIAPROFILE$/),
    },
    {
      name: "a web identity",
      variables: {
        AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/router",
        AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/secrets/web-identity/token",
      },
      files: { "/var/run/secrets/web-identity/token": webIdentityToken },
      wasUsed: signedBy(/^ASIAWEBIDENTITY$/),
    },
    {
      name: "the pod's identity",
      variables: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${podIdentityAddress.split(":")[0]}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/secrets/pod-identity/token",
      },
      files: { "/var/run/secrets/pod-identity/token": podIdentityToken },
      wasUsed: signedBy(/^ASIAPOD$/),
    },
  ];
}

/** EKS' agent, as far as the SDK asks it. */
function startPodIdentityAgent(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (request.headers.get("authorization") !== podIdentityToken) return new Response(null, { status: 401 });
    return Response.json({
      AccessKeyId: "ASIAPOD",
      SecretAccessKey: "not-a-secret",
      Token: "session",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    });
  });
}
