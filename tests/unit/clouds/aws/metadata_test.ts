import assert from "node:assert/strict";
import { identityOf } from "../../../../src/clouds/aws/identity.ts";
import { InstanceMetadata, metadataBases } from "../../../../src/clouds/aws/metadata.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { AwsMetadata, type MetadataInterface } from "../../../fakes/aws/metadata.ts";
import { testTransport } from "../../../fakes/cloud_options.ts";

const signal = AbortSignal.timeout(20_000);
const document = { instanceId: "i-1", region: "eu-west-1", accountId: "123456789012" };

function card(number: number, values: Readonly<Record<string, string>> = {}): MetadataInterface {
  return {
    mac: `0e:00:00:00:00:0${number}`,
    values: {
      "interface-id": `eni-${number}`,
      "subnet-id": `subnet-${number}`,
      "vpc-id": "vpc-1",
      "device-number": String(number),
      "local-ipv4s": `10.0.${number}.10\n10.0.${number}.11`,
      "subnet-ipv4-cidr-block": `10.0.${number}.0/24`,
      "vpc-ipv4-cidr-blocks": "10.0.0.0/16\n10.1.0.0/16",
      ...values,
    },
  };
}

Deno.test("facts() reads all interfaces, the primary first, with one token", async () => {
  await using service = new AwsMetadata([card(1), card(0)], document);
  const facts = await new InstanceMetadata(testTransport, service.url, () => 0).facts(signal);
  assert.equal(facts.region, "eu-west-1");
  assert.deepEqual(facts.interfaces.map((each) => each.id), ["eni-0", "eni-1"]);
  assert.deepEqual(facts.primary.addresses.map((each) => each.text), ["10.0.0.10", "10.0.0.11"]);
  assert.equal(service.paths.filter((path) => path === "api/token").length, 1);
});

Deno.test("facts() asks for a new token when the one it has is refused or has expired", async () => {
  await using service = new AwsMetadata([card(0)], document);
  let now = 0;
  const metadata = new InstanceMetadata(testTransport, service.url, () => now);
  await metadata.facts(signal);
  service.tokensVoid = true;
  assert.equal((await metadata.facts(signal)).instanceId, "i-1");
  assert.equal(service.paths.filter((path) => path === "api/token").length, 2);
  now = 21_600_000;
  await metadata.facts(signal);
  assert.equal(service.paths.filter((path) => path === "api/token").length, 3);
});

Deno.test("facts() is unavailable, and explains the hop limit, when nobody answers", async () => {
  // A listener that accepts and says nothing, as where the answer is dropped on its way.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(silent.addr as Deno.NetAddr).port}`; // it listens by TCP
  await assert.rejects(
    new InstanceMetadata(testTransport, url, () => 0).facts(signal),
    (error) =>
      error instanceof CloudError && error.kind === "unavailable" &&
      /no answer within 2000 ms .*HttpPutResponseHopLimit/.test(error.message),
  );
});

Deno.test("facts() blames no hop limit when the metadata service is not reached", async () => {
  const service = new AwsMetadata([card(0)], document);
  const { url } = service;
  await service[Symbol.asyncDispose]();
  await assert.rejects(
    new InstanceMetadata(testTransport, url, () => 0).facts(signal),
    (error) =>
      error instanceof CloudError && error.kind === "unavailable" &&
      /refused/.test(error.message) && !/HopLimit/.test(error.message),
  );
});

Deno.test("facts() never falls back to version 1 when the token is refused", async () => {
  for (const [status, kind] of [[403, "denied"], [500, "unavailable"]] as const) {
    await using service = new AwsMetadata([card(0)], document);
    service.status = status;
    await assert.rejects(
      new InstanceMetadata(testTransport, service.url, () => 0).facts(signal),
      (error) => error instanceof CloudError && error.kind === kind,
    );
    assert.deepEqual(new Set(service.paths), new Set(["api/token"]));
  }
});

Deno.test("facts() refuses metadata that makes no sense", async () => {
  const senseless = [
    [card(0, { "local-ipv4s": "10.0.0.300" }), document],
    [card(0, { "subnet-id": "" }), document],
    [card(0), { instanceId: "i-1" }],
  ] as const;
  for (const [each, described] of senseless) {
    await using service = new AwsMetadata([each], described);
    await assert.rejects(
      new InstanceMetadata(testTransport, service.url, () => 0).facts(signal),
      (error) => error instanceof CloudError && error.kind === "malformed",
    );
  }
});

Deno.test("facts() asks the IPv6 address where the IPv4 address does not answer, and stays there", async () => {
  const gone = new AwsMetadata([card(0)], document);
  await gone[Symbol.asyncDispose]();
  await using service = new AwsMetadata([card(0)], document, "::1");
  const metadata = new InstanceMetadata(testTransport, [gone.url, service.url], () => 0);
  assert.equal((await metadata.facts(signal)).instanceId, "i-1");
  assert.equal(await metadata.role(signal), "router");
  assert.equal(service.paths.filter((path) => path === "api/token").length, 1);
});

Deno.test("identityOf() points at the primary interface and knows the subnets' routers", async () => {
  const v6 = {
    "ipv6s": "2001:db8:0:1::10",
    "subnet-ipv6-cidr-blocks": "2001:db8:0:1::/64",
    "vpc-ipv6-cidr-blocks": "2001:db8::/56",
  };
  await using service = new AwsMetadata([card(0, v6), card(1)], document);
  const identity = identityOf(await new InstanceMetadata(testTransport, service.url, () => 0).facts(signal));
  assert.deepEqual(identity.self, { 4: "eni-0", 6: "eni-0" });
  assert.deepEqual(identity.networks.map((each) => each.text), [
    "10.0.0.0/16",
    "10.1.0.0/16",
    "2001:db8::/56",
  ]);
  assert.deepEqual(identity.subnetRouters.map((each) => each.text), [
    "10.0.0.1",
    "2001:db8:0:1::1",
    "10.0.1.1",
  ]);
  assert.deepEqual(identity.reserved.map((each) => each.text), ["fd00:ec2::/32"]);
});

Deno.test("identityOf() offers no IPv6 next hop in a VPC without IPv6", async () => {
  await using service = new AwsMetadata([card(0)], document);
  const identity = identityOf(await new InstanceMetadata(testTransport, service.url, () => 0).facts(signal));
  assert.deepEqual(identity.self, { 4: "eni-0", 6: null });
});

Deno.test("metadataBases() takes the SDK's own variables, else IPv4's address and then IPv6's", () => {
  const bases = (variables: Readonly<Record<string, string>>): readonly string[] =>
    metadataBases((name) => variables[name]);
  assert.deepEqual(bases({}), ["http://169.254.169.254", "http://[fd00:ec2::254]"]);
  assert.deepEqual(bases({ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv6" }), ["http://[fd00:ec2::254]"]);
  const endpoint = "http://127.0.0.1:1338";
  assert.deepEqual(bases({ AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }), [endpoint]);
});
