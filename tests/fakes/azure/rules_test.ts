/** The rules of the imitated Resource Manager, each with where the real one is seen or said to do so. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { makeCertificates, opensslMissing } from "../certificates.ts";
import { FakeArm } from "./arm.ts";
import { type Json, propertiesOf } from "./arm_state.ts";

const group = "/subscriptions/s/resourceGroups/g";
const table = `${group}/providers/Microsoft.Network/routeTables/t`;
const version = "api-version=2026-01-01";

/** An answer. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** What a rule is shown on: the fake, and a client of it. */
interface Scene {
  readonly arm: FakeArm;
  readonly send: (method: string, path: string, body?: Json, headers?: HeadersInit) => Promise<Answer>;
}

function ruleTest(name: string, show: (scene: Scene) => Promise<void>): void {
  Deno.test({ name: `Azure: ${name}`, ignore: skips(opensslMissing()) }, async () => {
    const folder = await Deno.makeTempDir({ prefix: "arm-rules-" });
    const certificates = await makeCertificates(folder);
    using client = Deno.createHttpClient({ caCerts: [certificates.authority] });
    await using arm = new FakeArm(certificates, () => true);
    const send: Scene["send"] = async (method, path, body, headers = {}) => {
      const url = path.startsWith("https:") ? path : `${arm.url}${path}?${version}`;
      const response = await fetch(url, {
        method,
        headers: { authorization: "Bearer t", ...headers },
        client,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? {} : JSON.parse(text),
      };
    };
    await show({ arm, send });
    await Deno.remove(folder, { recursive: true });
  });
}

const set = {
  nextHopType: "VirtualApplianceEcmp",
  nextHop: { nextHopIpAddresses: ["10.0.0.4", "10.0.0.5"] },
};

function tableOf(...routes: readonly Json[]): Json {
  return { location: "westeurope", properties: { routes } };
}

function route(
  index: number,
  more: Json = { nextHopType: "VirtualAppliance", nextHopIpAddress: "10.0.0.4" },
): Json {
  return { name: `r${index}`, properties: { addressPrefix: `198.18.${index}.0/24`, ...more } };
}

/** Asks for a change's operation, which ends it. */
async function ended(send: Scene["send"], change: Promise<Answer>): Promise<void> {
  await send("GET", (await change).headers.get("azure-asyncoperation") ?? "");
}

function codeOf({ body }: Answer): unknown {
  return (body.error as Json | undefined)?.code; // as every refusal of ARM's
}

// Azure/azure-cli, test_network_route_table_ecmp_route.yaml (June 2026, eastus2): "Region eastus2 is not enabled for EcmpNextHop feature".
ruleTest("a region without ECMP refuses a table for one set of next hops", async ({ arm, send }) => {
  arm.state.rules.ecmp = false;
  const refused = await send("PUT", table, tableOf(route(1), route(2, set)));
  assert.deepEqual([refused.status, codeOf(refused)], [400, "RegionNotEnabledForFeature"]);
  assert.equal(arm.state.has(table), false, "nothing of it stands");
});

// Azure/azure-cli#33493: "the recorded ARM list response does not include the nextHop payload at all"; the table's own GET has it.
ruleTest("the list of a table's routes leaves nextHop out", async ({ send }) => {
  await send("PUT", table, tableOf(route(2, set)));
  const list = (await send("GET", `${table}/routes`)).body.value as Json[]; // as every list of ARM's
  assert.equal("nextHop" in propertiesOf(list[0] ?? {}), false);
  const [shown] = propertiesOf((await send("GET", table)).body).routes as Json[]; // as a table's GET
  assert.deepEqual(propertiesOf(shown ?? {}).nextHop, set.nextHop);
});

// https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/get, NetworkInterfaceIPConfiguration: "privateIPAddress: … It can be
// a single IP address or a CIDR block in the format <address>/<mask>".
ruleTest("an interface may have a block for its address", async ({ arm, send }) => {
  const nic = `${group}/providers/Microsoft.Network/networkInterfaces/n`;
  const block = { name: "b", properties: { privateIPAddress: "10.0.1.64/28" } };
  arm.state.place(nic, { properties: { ipConfigurations: [block] } });
  assert.deepEqual(propertiesOf((await send("GET", nic)).body).ipConfigurations, [block]);
});

// MicrosoftDocs/azure-docs#56524: under CanNotDelete a route's DELETE is refused, a PUT of its table is not. Words: Azure/azure-cli#16958.
ruleTest(
  "a lock against deletion refuses DELETE of a route, and no PUT of its table",
  async ({ arm, send }) => {
    await send("PUT", table, tableOf(route(1)));
    arm.state.lock(group, "CanNotDelete");
    const refused = await send("DELETE", `${table}/routes/r1`);
    assert.deepEqual([refused.status, codeOf(refused)], [409, "ScopeLocked"]);
    await new Promise((wake) => setTimeout(wake, 1_100));
    assert.equal((await send("PUT", table, tableOf())).status, 200);
  },
);

// https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources: ReadOnly "can't delete or update a resource".
ruleTest("a read-only lock refuses PUT too", async ({ arm, send }) => {
  arm.state.lock(group, "ReadOnly");
  assert.equal(codeOf(await send("PUT", table, tableOf())), "ScopeLocked");
});

// https://learn.microsoft.com/azure/networking/troubleshoot-failed-state: a failed resource is got and PUT again.
ruleTest("a failed table says so until it is written again", async ({ arm, send }) => {
  await ended(send, send("PUT", table, tableOf(route(1))));
  arm.state.fail(table);
  assert.equal(propertiesOf((await send("GET", table)).body).provisioningState, "Failed");
  await ended(send, send("PUT", table, tableOf(route(1))));
  assert.equal(propertiesOf((await send("GET", table)).body).provisioningState, "Succeeded");
});

// The same recording of Azure/azure-cli: an operation's URL carries time, certificate, signature and hash, some 4,000 characters.
ruleTest("an operation's URL is long, and is known by its id and signature", async ({ send }) => {
  const { headers } = await send("PUT", table, tableOf());
  const url = headers.get("azure-asyncoperation") ?? "";
  assert.ok(url.length > 2_500, `${url.length} characters`);
  assert.deepEqual((await send("GET", url)).body, { status: "Succeeded" });
  assert.equal((await send("GET", url.replace(/.$/, ""))).status, 401, "to the letter");
});

// https://learn.microsoft.com/rest/api/virtualnetwork/route-tables/create-or-update, and recorded traffic (shared by the project's maintainers):
// 412 PreconditionFailed on a stale If-Match, 429 RetryableErrorDueToAnotherOperation for a second writer.
ruleTest(
  "a stale ETag is refused, and so is a second writer while a change is under way",
  async ({ arm, send }) => {
    await send("PUT", table, tableOf(route(1)));
    const busy = await send("PUT", table, tableOf());
    assert.deepEqual([busy.status, codeOf(busy)], [429, "RetryableError"]);
    await new Promise((wake) => setTimeout(wake, 1_100));
    const stale = await send("PUT", table, tableOf(), { "if-match": 'W/"another"' });
    assert.deepEqual([stale.status, codeOf(stale)], [412, "PreconditionFailed"]);
    arm.reset();
  },
);

// https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits, "Networking limits": routes in a table.
for (const namesRouteLimit of [true, false]) {
  const how = namesRouteLimit ? "by the limit" : "in words that name no limit";
  ruleTest(`a table that is too long is refused whole, ${how}`, async ({ arm, send }) => {
    Object.assign(arm.state.rules, { routeLimit: 2, namesRouteLimit });
    const refused = await send("PUT", table, tableOf(route(1), route(2), route(3)));
    assert.deepEqual([refused.status, codeOf(refused)], [400, "RouteTableRoutesLimitReached"]);
    assert.equal(/\b2\b/.test(JSON.stringify(refused.body)), namesRouteLimit);
  });
}
