/** The networks of a node's pods: what is taken for known, and how they stand in the kernel's table. */

import assert from "node:assert/strict";
import { nodeProtocol, NodeTable } from "../../src/kubernetes/node_table.ts";
import { PodNetworks } from "../../src/kubernetes/pod_networks.ts";
import { apiServerUrl } from "../../src/kubernetes/service_account.ts";
import { parsePrefix, type Prefix } from "../../src/routes/prefix.ts";
import { ColumnJudge } from "../../src/routes/column_judge.ts";
import { RouteJudge } from "../../src/routes/route_judge.ts";
import { VerdictCounts } from "../../src/routes/verdict_counts.ts";
import { errorsOf, settingsOf } from "../fakes/command_lines.ts";
import { FakeKernelTable, kernelRoute } from "../fakes/kernel_routes.ts";
import { smallVm } from "../fakes/policies.ts";

const network = parsePrefix("10.244.1.0/24");
const other = parsePrefix("10.244.9.0/24");

/** Answers one after the other; the last one stays. An error is thrown. */
function networksAfter(...answers: readonly (readonly string[] | Error)[]): {
  readonly networks: PodNetworks;
  readonly waits: number[];
  readonly stop: AbortController;
} {
  const left = [...answers];
  const waits: number[] = [];
  const stop = new AbortController();
  const source = {
    podNetworks: (): Promise<readonly string[]> => {
      const answer = left.shift();
      if (answer === undefined) {
        stop.abort();
        return Promise.resolve([]);
      }
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const clock = {
    now: (): number => 0,
    random: (): number => 0.5,
    sleep: (ms: number): Promise<void> => (waits.push(ms), Promise.resolve()),
  };
  return { networks: new PodNetworks({ given: [other], node: { source, name: "n" }, clock }), waits, stop };
}

function texts(prefixes: readonly Prefix[]): readonly string[] {
  return prefixes.map(({ text }) => text);
}

Deno.test("PodNetworks waits until the node has networks, past errors and past a node without any", async () => {
  const { networks, waits, stop } = networksAfter(new Error("down"), [], ["10.244.1.0/24", "fd00:1::/64"]);
  assert.deepEqual(texts(networks.prefixes), [other.text]);
  await networks.first(stop.signal);
  assert.deepEqual(texts(networks.prefixes), [other.text, network.text, "fd00:1::/64"]);
  assert.equal(waits.length, 2);
});

Deno.test("PodNetworks keeps what it knows when the node cannot be read, is gone, or has lost its networks", async () => {
  const { networks, stop } = networksAfter(["10.244.1.0/24"], new Error("down"), [], ["10.244.2.0/24"]);
  await networks.first(stop.signal);
  const seen: string[] = [];
  await networks.follow(stop.signal, (prefixes) => seen.push(texts(prefixes).join(" ")));
  assert.deepEqual(seen, ["10.244.1.0/24 10.244.2.0/24"]);
  assert.deepEqual(texts(networks.prefixes), [other.text, "10.244.2.0/24"]);
});

Deno.test("PodNetworks.readOnce() fails where the node cannot be read", async () => {
  const { networks } = networksAfter(new Error("down"));
  await assert.rejects(networks.readOnce(), /down/);
});

Deno.test("NodeTable has the networks once each, before what the kernel has for them", () => {
  const bridge = kernelRoute(network.text);
  const far = kernelRoute("198.51.100.0/24");
  const table = new NodeTable(new FakeKernelTable([bridge, far]), 254, () => [network, other]);
  assert.deepEqual([...table.prefixes()].map((group) => group.map(({ prefix }) => prefix.text)), [
    ["198.51.100.0/24"],
    ["10.244.1.0/24", "10.244.1.0/24"],
    ["10.244.9.0/24"],
  ]);
  assert.equal([...table.routes()].length, 4);
  assert.equal(table.routesOf(network)[1], bridge);
  assert.deepEqual(table.routesOf(far.prefix), [far]);
});

Deno.test("the policy takes the node's networks by this VM, whatever -protocol says and the kernel has", () => {
  const bridge = kernelRoute(network.text, { protocol: 2, dev: "cni0" });
  const table = new NodeTable(new FakeKernelTable([bridge]), 254, () => [network]);
  for (const flags of ["", " -protocol bgp", " -protocol kernel"]) {
    const { policy } = settingsOf(`-pod-cidr 10.244.1.0/24${flags}`);
    const verdicts = new RouteJudge(policy, smallVm, table).verdicts(table.routesOf(network));
    assert.deepEqual(verdicts.map((verdict) => verdict.verdict), ["wanted", "dropped"], flags);
    const [first] = verdicts;
    assert.ok(first?.verdict === "wanted");
    assert.deepEqual(first.wanted.nextHops.map(({ neighbour }) => neighbour), [null]);
    const rows = table.rows();
    const judge = new ColumnJudge(policy, smallVm, table, rows);
    assert.deepEqual(Array.from(rows.runs()).flatMap((run) => [...judge.wanted(run)]), [first.wanted]);
    const counts = new VerdictCounts(judge, rows);
    for (const run of rows.runs()) counts.add(run);
    assert.deepEqual(
      [...counts.protocols()],
      [[2, 1], [nodeProtocol, 1]],
      "though it is no body of the kernel's",
    );
  }
});

Deno.test("-pod-cidr takes networks and auto, which needs the node's name", () => {
  assert.deepEqual(settingsOf("-pod-cidr 10.244.1.0/24").podNetworks, { given: [network], node: null });
  const auto = settingsOf("-pod-cidr auto -node ip-10-0-1-2.ec2.internal").podNetworks;
  assert.deepEqual(auto, { given: [], node: "ip-10-0-1-2.ec2.internal" });
  assert.deepEqual(errorsOf("-pod-cidr auto"), [
    "-pod-cidr auto needs -node, this node's name: the downward API's spec.nodeName has it",
  ]);
  assert.equal(errorsOf("-pod-cidr auto -node Node_1").length, 1);
  assert.equal(errorsOf("-pod-cidr all").length, 1);
  assert.equal(settingsOf("").policy.interfaces.size, 0);
});

Deno.test("apiServerUrl() puts an IPv6 address into brackets, and is null outside of a pod", () => {
  const url = (variables: Readonly<Record<string, string>>): string | null =>
    apiServerUrl((name) => variables[name]);
  assert.equal(
    url({ KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" }),
    "https://10.96.0.1:443",
  );
  assert.equal(
    url({ KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }),
    "https://[fd00::1]:6443",
  );
  assert.equal(url({}), null);
});
