/** The rules of the imitated Compute API, each with where Google says so. */

import assert from "node:assert/strict";
import { addresses, GcpRig } from "./rig.ts";
import { type FakeRoute, urlOf } from "./world.ts";

/** An answer's status, and the reason of a refusal. */
type Told = readonly [status: number, reason: string | null];

/** What a rule is shown on. */
interface Scene {
  readonly rig: GcpRig;
  readonly send: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** Makes a route and waits for its operation. @returns the refusal's reason or the operation's error, else the warnings. */
  readonly insert: (route: Partial<FakeRoute>) => Promise<string>;
}

function ruleTest(name: string, show: (scene: Scene) => Promise<void>): void {
  Deno.test(`Google Cloud: ${name}`, async () => {
    await using rig = GcpRig.start();
    const send: Scene["send"] = async (method, path, body) =>
      await rig.compute.handle(
        new Request(`http://compute/compute/v1/projects/prod/${path}`, {
          method,
          headers: { authorization: "Bearer ya29.first" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
    await show({ rig, send, insert: (route) => insert(rig, send, route) });
  });
}

async function insert(rig: GcpRig, send: Scene["send"], changed: Partial<FakeRoute>): Promise<string> {
  const route = {
    name: "r",
    network: urlOf(rig.network),
    destRange: "192.168.0.0/24",
    priority: 1000,
    ...changed,
  };
  const response = await send("POST", "global/routes", route);
  const [status, reason] = await told(response.clone());
  if (status !== 200) return reason ?? `${status}`;
  const { name } = await response.json() as { name: string };
  const operation = await (await send("POST", `global/operations/${name}/wait`)).json() as {
    readonly error?: { readonly errors: readonly { readonly code: string }[] };
    readonly warnings?: readonly { readonly code: string }[];
  };
  return (operation.error?.errors ?? operation.warnings ?? []).map(({ code }) => code).join() || "done";
}

async function told(response: Response): Promise<Told> {
  const body = await response.json() as {
    readonly error?: { readonly errors: readonly { reason: string }[] };
  };
  return [response.status, body.error?.errors[0]?.reason ?? null];
}

const instance = (name: string): string => urlOf(`projects/prod/zones/europe-west1-b/instances/${name}`);
const rule = urlOf("projects/prod/regions/europe-west1/forwardingRules/routers");

// https://cloud.google.com/compute/api-quota: "If a project reaches a quota limit at 10:00:15, the quota refills at the start of the next
// synchronized interval, such as 10:01:00".
ruleTest("the quota of writes is one of each minute of the clock", async ({ rig, insert }) => {
  const { writes } = rig.compute;
  let now = Date.UTC(2026, 10, 29, 10, 0, 15);
  writes.now = () => now;
  writes.perMinute = 2;
  assert.equal(await insert({ name: "a", nextHopInstance: instance("router-a") }), "done");
  assert.equal(
    await insert({ name: "b", destRange: "192.168.1.0/24", nextHopIp: addresses.neighbour }),
    "done",
  );
  assert.equal(await insert({ name: "c", nextHopInstance: instance("router-a") }), "rateLimitExceeded");
  now = Date.UTC(2026, 10, 29, 10, 1, 0);
  assert.equal(
    await insert({ name: "c", destRange: "192.168.2.0/24", nextHopIp: addresses.neighbour }),
    "done",
  );
});

// https://cloud.google.com/load-balancing/docs/internal/ilb-next-hop-overview, "Additional considerations".
ruleTest("one route of a destination, priority and load balancer stands without tags", async ({ insert }) => {
  assert.equal(await insert({ name: "a", nextHopIlb: rule }), "done");
  assert.equal(await insert({ name: "b", nextHopIlb: rule }), "invalid");
  assert.equal(
    await insert({ name: "b", nextHopIlb: addresses.loadBalancer }),
    "invalid",
    "by its address too",
  );
  assert.equal(await insert({ name: "b", nextHopIlb: rule, priority: 1001 }), "done", "another priority");
  assert.equal(await insert({ name: "c", nextHopIlb: rule, tags: ["web"] }), "done", "with tags");
});

// The same page: "the IP version of your forwarding rule matches the IP version of the static route", and the rule is in the route's network.
ruleTest("a load balancer takes routes of its family and network alone", async ({ rig, insert }) => {
  assert.equal(await insert({ destRange: "2001:db8::/32", nextHopIlb: rule }), "invalid");
  rig.project.forwardingRules.push({
    name: "far",
    region: "europe-west1",
    network: "other",
    IPAddress: "172.20.0.9",
  });
  assert.equal(await insert({ nextHopIlb: rule.replace(/routers$/, "far") }), "invalid");
  assert.equal(await insert({ nextHopIp: addresses.loadBalancer }), "invalid", "its address is no nextHopIp");
});

// https://cloud.google.com/vpc/docs/static-routes, "Next hops and features", and the discovery document of compute v1, `Operation.warnings`.
ruleTest("a VM without canIpForward is taken as a next hop, with a warning", async ({ rig, insert }) => {
  rig.metadata.instance.canIpForward = false;
  assert.equal(await insert({ nextHopInstance: instance("router-a") }), "NEXT_HOP_CANNOT_IP_FORWARD");
});

// The discovery document of compute v1, revision 20261106, `Route.warnings`.
ruleTest("a route tells that its next hop does not run, or is gone", async ({ rig, send, insert }) => {
  await insert({ nextHopInstance: instance("router-b") });
  const warned = async (): Promise<unknown> => {
    const { items } = await (await send("GET", "global/routes")).json() as { items: FakeRoute[] };
    return items.find(({ name }) => name === "r")?.warnings?.map(({ code }) => code) ?? [];
  };
  assert.deepEqual(await warned(), []);
  rig.setStatus("router-b", "TERMINATED");
  assert.deepEqual(await warned(), ["NEXT_HOP_NOT_RUNNING"]);
  rig.removeInstance("router-b");
  assert.deepEqual(await warned(), ["NEXT_HOP_INSTANCE_NOT_FOUND"]);
});

// https://cloud.google.com/vpc/docs/static-routes: nextHopInstance is in the route's project; nextHopIp lies inside a subnet of the network.
ruleTest("a next hop is of the route's project, or inside the network", async ({ insert }) => {
  assert.equal(
    await insert({ nextHopInstance: urlOf("projects/else/zones/europe-west1-b/instances/router-a") }),
    "invalid",
  );
  assert.equal(await insert({ nextHopIp: "172.31.0.5" }), "invalid");
  assert.equal(await insert({ nextHopIp: "10.0.0.77" }), "NEXT_HOP_ADDRESS_NOT_ASSIGNED");
  assert.equal(
    await insert({ name: "e", destRange: "192.168.1.0/24", nextHopIp: addresses.elsewhere }),
    "done",
  );
});

// https://cloud.google.com/vpc/docs/quota: ROUTES is under "Deprecated quotas", STATIC_ROUTES_PER_NETWORK and …_PER_PEERING_GROUP are limits.
ruleTest("a network takes so many static routes, and so does its peering group", async ({ rig, insert }) => {
  rig.net.staticLimit = 2;
  assert.equal(await insert({ nextHopIp: addresses.neighbour }), "done");
  assert.equal(
    await insert({ name: "s", destRange: "192.168.1.0/24", nextHopIp: addresses.neighbour }),
    "QUOTA_EXCEEDED",
  );
});

// https://cloud.google.com/vpc/docs/static-routes, "Interactions with subnet routes", and https://cloud.google.com/vpc/docs/vpc-peering.
ruleTest("no destination lies inside a subnet, of the network or of a peer", async ({ rig, insert }) => {
  assert.equal(await insert({ destRange: "10.0.0.128/25", nextHopIp: addresses.neighbour }), "invalid");
  assert.equal(await insert({ destRange: "10.64.1.0/24", nextHopIp: addresses.neighbour }), "invalid");
  rig.net.peerings.push({
    name: "peer",
    network: "projects/else/global/networks/n",
    state: "ACTIVE",
    routes: [{ destRange: "10.200.0.0/16", type: "SUBNET_PEERING_ROUTE", imported: true }],
  });
  assert.equal(await insert({ destRange: "10.200.1.0/24", nextHopIp: addresses.neighbour }), "invalid");
});

// https://cloud.google.com/compute/docs/access/service-accounts, "Access scopes", and https://cloud.google.com/apis/docs/troubleshooting.
ruleTest("scopes and APIs that are off are looked at before permissions", async ({ rig, insert }) => {
  rig.project.denied.add("compute.routes.create");
  assert.equal(await insert({ nextHopIp: addresses.neighbour }), "forbidden");
  rig.metadata.scopes = ["https://www.googleapis.com/auth/devstorage.read_only"];
  assert.equal(await insert({ nextHopIp: addresses.neighbour }), "insufficientPermissions");
  rig.compute.disabledApis.add("compute.googleapis.com");
  assert.equal(await insert({ nextHopIp: addresses.neighbour }), "accessNotConfigured");
});
