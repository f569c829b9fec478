/** Who a pod is to AWS, on the executable: a role by the service account's token (IRSA), and EKS Pod Identity. */

import assert from "node:assert/strict";
import { Moto, motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import { relayInto } from "../../fakes/namespace_relay.ts";
import { skips } from "../../needs.ts";
import { AwsVm } from "../aws/aws_vm.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { numbered } from "../router_vm.ts";

const ignore = skips(motoMissing(), namespacesMissing(), await binaryMissing());
const token = "the.service.account";
/** One for both tests: it takes seconds to start. */
let moto: Moto | null = null;

Deno.test.afterAll(async () => await moto?.[Symbol.asyncDispose]());

function test(name: string, body: (rig: AwsRig, vm: AwsVm, tokenFile: string) => Promise<void>): void {
  // The rig's relay ends connections that the executable still holds open.
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false }, async () => {
    await using rig = await AwsRig.start(moto ??= await Moto.start());
    await using vm = await AwsVm.create(rig, await binaryPath());
    const tokenFile = `${vm.folder}/token`;
    await Deno.writeTextFile(tokenFile, token);
    await vm.telling(() => body(rig, vm, tokenFile));
  });
}

/** Announces a prefix and waits for it; the VM's metadata service gives no credentials. */
async function works(vm: AwsVm): Promise<void> {
  const [prefix = ""] = numbered(1);
  vm.start();
  await vm.announce([prefix]);
  await vm.untilRoutes([`${prefix} router`]);
  assert.equal((await vm.stop()).code, 0);
}

/** STS' answer to a token (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html). */
function assumedRole(): Response {
  const credentials = `<AccessKeyId>ASIATEST</AccessKeyId><SecretAccessKey>not-a-secret</SecretAccessKey>
    <SessionToken>session</SessionToken><Expiration>${
    new Date(Date.now() + 3_600_000).toISOString()
  }</Expiration>`;
  return new Response(
    `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>`,
    { headers: { "content-type": "text/xml" } },
  );
}

test("a pod's token becomes a role", async (_rig, vm, tokenFile) => {
  const asked: URLSearchParams[] = [];
  await using sts = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    asked.push(new URLSearchParams(await request.text()));
    return assumedRole();
  });
  await using _relay = await relayInto(vm.namespace, [sts.addr.port]);
  const role = "arn:aws:iam::123456789012:role/cloudroutesync";
  vm.with({
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${sts.addr.port}`,
    AWS_ROLE_ARN: role,
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
  });
  await works(vm);
  assert.equal(asked[0]?.get("WebIdentityToken"), token);
  assert.equal(asked[0]?.get("RoleArn"), role);
});

test("EKS Pod Identity's agent is asked with the pod's token", async (_rig, vm, tokenFile) => {
  const asked: (string | null)[] = [];
  await using agent = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(request.headers.get("authorization"));
    return Response.json({
      AccessKeyId: "ASIATEST",
      SecretAccessKey: "not-a-secret",
      Token: "session",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    });
  });
  await using _relay = await relayInto(vm.namespace, [agent.addr.port]);
  vm.with({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${agent.addr.port}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
  });
  await works(vm);
  assert.equal(asked[0], token);
});
