import assert from "node:assert/strict";
import { ArmClient } from "../../../../src/clouds/azure/api.ts";
import { azureEnvironment } from "../../../../src/clouds/azure/environment.ts";
import { listResources, writeResource } from "../../../../src/clouds/azure/resources.ts";
import { routeSchema } from "../../../../src/clouds/azure/schemas.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import {
  Transport,
  type TransportAnswer,
  type TransportRequest,
} from "../../../../src/clouds/kit/transport.ts";

const signal = new AbortController().signal;
const table = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";

/** Answers each call in turn, and keeps what was asked. */
class Answers extends Transport {
  readonly asked: string[] = [];
  readonly #answers: readonly Response[];

  constructor(...answers: readonly Response[]) {
    super();
    this.#answers = answers;
  }

  override async send({ method, url }: TransportRequest): Promise<TransportAnswer> {
    const answer = this.#answers[this.asked.length];
    this.asked.push(`${method} ${url}`);
    assert.ok(answer, `nobody expects ${method} ${url}`);
    return { status: answer.status, headers: answer.headers, body: await answer.bytes() };
  }
}

function client(transport: Transport, endpoint: string): ArmClient {
  return new ArmClient({
    environment: azureEnvironment("AzurePublicCloud", endpoint),
    subscription: "s",
    credential: {
      getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
      current: null,
      refused: () => {},
    },
    transport,
    now: () => 0,
  });
}

Deno.test("a regional endpoint's operations are followed at the cloud's own host, to the letter", async () => {
  const signature = `api-version=2026-01-01&t=1&c=${"AbcD_-".repeat(450)}&s=q%2BP&h=37cd`;
  const operation = `https://management.azure.com/subscriptions/s/operations/7?${signature}`;
  using transport = new Answers(
    Response.json({ properties: { provisioningState: "Updating" } }, {
      headers: { "azure-asyncoperation": operation },
    }),
    Response.json({ status: "Succeeded" }),
  );
  const arm = client(transport, "https://westeurope.management.azure.com");
  await writeResource(arm, { action: "write route table t", id: table, body: {} }, signal);
  assert.deepEqual(transport.asked, [
    `PUT https://westeurope.management.azure.com${table}?api-version=2026-01-01`,
    `GET ${operation}`,
  ]);
});

for (const host of ["evil.example", "management.azure.com.evil.example", "notmanagement.azure.com"]) {
  Deno.test(`a token does not go to ${host}`, async () => {
    using transport = new Answers(Response.json({ value: [], nextLink: `https://${host}/list` }));
    const arm = client(transport, "https://westeurope.management.azure.com");
    await assert.rejects(
      listResources(arm, { action: "list routes", path: `${table}/routes` }, routeSchema, signal),
      (error) => error instanceof CloudError && error.kind === "malformed" && error.message.includes(host),
    );
    assert.equal(transport.asked.length, 1);
  });
}

Deno.test("what was read in a version that Azure then refuses is read again rather than written", async () => {
  const refusal = {
    error: { code: "NoRegisteredProviderFound", message: "No. The supported api-versions are '2024-05-01'." },
  };
  using transport = new Answers(
    Response.json({}),
    Response.json(refusal, { status: 400 }),
    Response.json({}),
  );
  const arm = client(transport, "https://management.azure.com");
  await arm.send({ action: "read route table t", method: "GET", path: table, signal });
  await assert.rejects(
    arm.send({ action: "write route table t", method: "PUT", path: table, body: {}, signal }),
    (error) => error instanceof CloudError && error.kind === "conflict",
  );
  await arm.send({ action: "read route table t", method: "GET", path: table, signal });
  assert.deepEqual(transport.asked.map((line) => line.replace(/^(\w+) .*=/, "$1 ")), [
    "GET 2026-01-01",
    "PUT 2026-01-01",
    "GET 2024-05-01",
  ]);
});
