/** Each command on the embedded cloud: its exit code and its document, key by key. */

import assert from "node:assert/strict";
import { inOrder, type ListedChange, loggedChanges } from "../logged_changes.ts";
import { type Router, routerTest } from "./router.ts";

const prefix = "198.51.100.0/24";
const foreign = { prefix: "203.0.113.0/24", nextHop: "10.0.0.99", owner: "operator" };

/** Reaches into a document that the test knows the shape of. */
function at(document: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) => value instanceof Object ? Reflect.get(value, key) : undefined,
    document,
  );
}

/** One route to add, one to replace, one to delete, one foreign and one dropped. */
async function mixedTable(router: Router): Promise<void> {
  await router.writeFile([
    foreign,
    { prefix: "192.0.2.0/24", nextHop: "10.0.0.8", owner: "cloudroutesync" },
    { prefix: "198.18.0.0/24", nextHop: "10.0.0.8", owner: "cloudroutesync" },
  ]);
  await router.announce([prefix, "192.0.2.0/24"]);
}

routerTest("plan prints the document of the contract, exits with 2 and writes nothing", async (router) => {
  await mixedTable(router);
  const before = await Deno.readTextFile(router.file);
  const { code, document } = await router.document("plan");
  assert.equal(code, 2);
  assert.deepEqual(document, {
    format: 2,
    cloud: "local",
    tables: [{
      table: router.file,
      preparation: [],
      changes: [
        { action: "replace", prefix: "192.0.2.0/24", from: "10.0.0.8", to: "10.0.0.7" },
        { action: "add", prefix, from: null, to: "10.0.0.7" },
        { action: "delete", prefix: "198.18.0.0/24", from: "10.0.0.8", to: null },
      ],
      kept: 0,
      foreign: 1,
      droppedCounts: { "no-gateway": 2, "default-route": 1 },
      blocked: [],
      quota: { used: 3, limit: 500 },
      verdict: "apply",
      why: "3 changes",
    }],
  });
  assert.equal(await Deno.readTextFile(router.file), before);
});

routerTest("plan -dropped lists each kernel route that is not wanted", async (router) => {
  await mixedTable(router);
  const { document } = await router.document("plan", "-dropped");
  assert.deepEqual(at(document, "tables", 0, "dropped"), [
    { prefix: "0.0.0.0/0", reason: "default-route" },
    { prefix: "10.0.0.0/24", reason: "no-gateway" },
    { prefix: "192.168.7.0/24", reason: "no-gateway" },
  ]);
  const { stdout } = await router.command("plan", "-dropped");
  assert.match(stdout, /^x 0\.0\.0\.0\/0 +default-route$/m);
});

routerTest("plan lists what -include and -exclude drop", async (router) => {
  await router.announce([prefix, "192.0.2.0/24", "203.0.113.0/24"]);
  const rules = ["-exclude", "192.0.2.0/24", "-include", `${prefix}`];
  const { document } = await router.document("plan", "-dropped", ...rules);
  const dropped = at(document, "tables", 0, "dropped") as { prefix: string; reason: string }[];
  assert.deepEqual(dropped.filter(({ reason }) => reason === "excluded" || reason === "not-included"), [
    { prefix: "192.0.2.0/24", reason: "excluded" },
    { prefix: "203.0.113.0/24", reason: "not-included" },
  ]);
});

routerTest("plan as text is a diff", async (router) => {
  await mixedTable(router);
  const { code, stdout } = await router.command("plan");
  assert.equal(code, 2);
  assert.match(stdout, /^~ 192\.0\.2\.0\/24 +10\.0\.0\.8 → 10\.0\.0\.7 *$/m);
  assert.match(stdout, /^\+ 198\.51\.100\.0\/24 +→ 10\.0\.0\.7 *$/m);
  assert.match(stdout, /^- 198\.18\.0\.0\/24 +10\.0\.0\.8 *$/m);
});

routerTest("apply brings the table in step and exits with 0, plan then with 0 too", async (router) => {
  await mixedTable(router);
  const { code, document } = await router.document("apply");
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(document as object).sort(), ["format", "inStep", "tables"]);
  assert.equal(at(document, "inStep"), true);
  assert.deepEqual(at(document, "tables", 0, "writes"), { add: 1, replace: 1, delete: 1 });
  await router.untilTable({
    [prefix]: "10.0.0.7",
    "192.0.2.0/24": "10.0.0.7",
    "203.0.113.0/24": "10.0.0.99",
  });
  const plan = await router.document("plan");
  assert.equal(plan.code, 0);
  assert.deepEqual(at(plan.document, "tables", 0, "changes"), []);
  assert.equal(at(plan.document, "tables", 0, "kept"), 2);
});

routerTest("apply makes the changes that plan lists", async (router) => {
  await mixedTable(router);
  const plan = await router.document("plan");
  const listed = at(plan.document, "tables", 0, "changes") as readonly ListedChange[];
  assert.equal(listed.length, 3);
  const { code, stderr } = await router.command("apply", "-log-format", "json");
  assert.equal(code, 0);
  assert.deepEqual(inOrder(loggedChanges(stderr)), inOrder(listed));
});

routerTest("apply exits with 1 when it cannot bring the table in step", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([foreign.prefix]);
  const { code, document } = await router.document("apply");
  assert.equal(code, 1);
  assert.deepEqual(at(document, "tables", 0, "conflicts"), [foreign.prefix]);
  assert.equal((await router.readFile()).version, 1);
});

routerTest("plan and apply hold a mass withdrawal, and say so", async (router) => {
  const gone = Array.from({ length: 20 }, (_, index) => `100.64.${index}.0/24`);
  await router.writeFile(
    gone.map((each) => ({ prefix: each, nextHop: "10.0.0.7", owner: "cloudroutesync" })),
  );
  const plan = await router.document("plan");
  assert.equal(plan.code, 2);
  assert.equal(at(plan.document, "tables", 0, "verdict"), "hold");
  assert.match(String(at(plan.document, "tables", 0, "why")), /^20 of 20 owned routes would go within 120 s/);
  const { code, stdout } = await router.command("apply");
  assert.equal(code, 1);
  assert.match(stdout, /20 withdrawals are held: 20 of 20 owned routes/);
  assert.equal((await router.readFile()).routes.length, 20);
});

routerTest("routes prints each kernel route with its verdict, and needs no cloud", async (router) => {
  await router.ip(
    `route add ${prefix} proto bgp nexthop via 10.0.0.7 weight 1 nexthop via 10.0.0.8 weight 5`,
    `route add ${prefix} via 10.0.0.9 proto static metric 50`,
  );
  const { code, stdout } = await router.bare(["routes", "-output", "json"]);
  assert.equal(code, 0);
  const { routes } = JSON.parse(stdout) as { routes: { prefix: string }[] };
  assert.deepEqual(routes.filter((route) => route.prefix === prefix), [
    {
      prefix,
      protocol: "bgp",
      table: 254,
      metric: 0,
      nexthops: [
        { gateway: "10.0.0.7", interface: "eth0", weight: 1, encapsulation: null, to: "gateway", why: null },
        { gateway: "10.0.0.8", interface: "eth0", weight: 5, encapsulation: null, to: "gateway", why: null },
      ],
      verdict: "wanted",
      reason: null,
    },
    {
      prefix,
      protocol: "static",
      table: 254,
      metric: 50,
      nexthops: [{
        gateway: "10.0.0.9",
        interface: "eth0",
        weight: 1,
        encapsulation: null,
        to: null,
        why: null,
      }],
      verdict: "dropped",
      reason: "shadowed",
    },
  ]);
  const kernel = await router.namespace.must(["ip", "-j", "-4", "route", "show", "table", "all"]);
  const kernel6 = await router.namespace.must(["ip", "-j", "-6", "route", "show", "table", "all"]);
  assert.equal(routes.length, JSON.parse(kernel).length + JSON.parse(kernel6).length);
});

routerTest("routes -count prints totals by protocol and by verdict", async (router) => {
  await router.announce([prefix, "192.0.2.0/24"]);
  const { code, stdout } = await router.bare(["routes", "-count", "-output", "json"]);
  assert.equal(code, 0);
  const document = JSON.parse(stdout);
  assert.deepEqual(Object.keys(document), ["format", "total", "protocols", "verdicts"]);
  assert.equal(at(document, "protocols", "bgp"), 2);
  assert.equal(at(document, "verdicts", "wanted"), 2);
  const sum = (counts: unknown): number =>
    Object.values(counts as Record<string, number>).reduce((total, count) => total + count, 0);
  assert.equal(sum(at(document, "protocols")), at(document, "total"));
  assert.equal(sum(at(document, "verdicts")), at(document, "total"));
  assert.match((await router.bare(["routes", "--count"])).stdout, /^By protocol\n(.*\n)*bgp +2$/m);
});

routerTest("explain tells the whole story of a prefix", async (router) => {
  await router.ip(
    `route add ${prefix} via 10.0.0.8 proto static metric 50`,
    `route add ${prefix} via 10.0.0.7 proto bgp metric 20`,
  );
  const { code, document } = await router.document(`explain ${prefix}`);
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(document as object), [
    "format",
    "prefix",
    "routes",
    "winner",
    "verdict",
    "reason",
    "tables",
  ]);
  const winner = at(document, "winner");
  assert.equal(at(document, "routes", Number(winner), "protocol"), "bgp");
  assert.equal(at(document, "verdict"), "wanted");
  assert.deepEqual(at(document, "tables"), [
    {
      table: router.file,
      routes: [],
      change: "add to 10.0.0.7",
      why: "it is wanted and not there",
      lastError: null,
    },
  ]);
  const { stdout } = await router.command(`explain ${prefix}`);
  assert.match(stdout, /dropped, shadowed: /);
  assert.match(
    stdout,
    /winner \(lowest metric, then highest preference, then first listed\): .*proto bgp metric 20/,
  );
});

routerTest("explain tells of a foreign route that stands in the way", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([foreign.prefix]);
  const { document } = await router.document(`explain ${foreign.prefix}`);
  assert.deepEqual(at(document, "tables", 0, "routes"), [{ nexthops: ["10.0.0.99"], owner: "foreign" }]);
  assert.match(String(at(document, "tables", 0, "why")), /blocked by a foreign route/);
});

routerTest("explain exits with 2 without a prefix or with a bad one", async (router) => {
  const without = await router.command("explain");
  assert.equal(without.code, 2);
  assert.match(without.stderr, /explain needs a prefix or an address/);
  const bad = await router.command("explain 10.0.0.0/33");
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /Cannot parse prefix "10\.0\.0\.0\/33": length is over 32/);
});

routerTest("doctor exits with 1 while something is bad, and with 0 when all is well", async (router) => {
  await router.namespace.sysctl("net/ipv4/ip_forward", 0);
  const ill = await router.document("doctor");
  assert.equal(ill.code, 1);
  assert.deepEqual(at(ill.document, "findings", 0), {
    name: "IPv4 forwarding",
    status: "bad",
    detail: "net.ipv4.ip_forward is 0: this VM forwards nothing",
    remedy: "sysctl -w net.ipv4.ip_forward=1, and keep it in /etc/sysctl.d",
  });
  await router.namespace.sysctl("net/ipv4/ip_forward", 1);
  const well = await router.document("doctor");
  assert.equal(well.code, 0);
  const findings = at(well.document, "findings") as { name: string; status: string }[];
  assert.ok(findings.length > 3);
  assert.deepEqual(findings.filter(({ status }) => status !== "ok"), []);
  assert.equal((await router.command("doctor", "-policy")).code, 0);
});

routerTest("cleanup removes what is ours, keeps what is foreign, and may be run twice", async (router) => {
  await mixedTable(router);
  for (const word of ["cleanup", "-cleanup"]) {
    const { code, stderr } = await router.command(word);
    assert.equal(code, 0, stderr);
    assert.deepEqual((await router.readFile()).routes, [foreign]);
  }
});

routerTest(
  "explain takes an address for its longest match, routes takes prefixes for those inside",
  async (router) => {
    await router.announce(["198.51.0.0/16", "198.51.100.0/24", "203.0.113.0/24"]);
    const { document } = await router.document("explain 198.51.100.7");
    assert.equal(at(document, "address"), "198.51.100.7");
    assert.equal(at(document, "prefix"), "198.51.100.0/24");
    const { stdout } = await router.bare(["routes", "198.51.0.0/16", "192.0.2.0/24"]);
    assert.deepEqual(stdout.split("\n").slice(1, -1).map((line) => line.split(" ")[0]), [
      "198.51.0.0/16",
      "198.51.100.0/24",
    ]);
    assert.equal((await router.bare(["routes", "10.0.0.0/33"])).code, 2);
    const within = await router.bare(["routes", "198.51.100.7"]);
    assert.equal(within.code, 0);
    assert.equal(
      within.stderr,
      "No kernel route lies inside 198.51.100.7; cloudroutesync explain 198.51.100.7 tells which one covers it\n",
    );
  },
);

routerTest("help tells a command's exit codes, -version the version", async (router) => {
  const help = await router.bare(["help", "plan"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: cloudroutesync plan \[flags\]$/m);
  assert.match(help.stdout, /^ {2}2 {2}not in step/m);
  assert.equal((await router.bare(["help", "paln"])).code, 2);
  assert.equal((await router.bare(["-version"])).stdout, (await router.bare(["version"])).stdout);
});

routerTest("version is one line and exits with 0 wherever it stands", async (router) => {
  for (const args of [["version"], ["version", "-debug"]]) {
    const { code, stdout } = await router.bare(args);
    assert.equal(code, 0);
    assert.match(stdout, /^cloudroutesync \d+\.\d+\.\d+ \(deno \d+\.\d+\.\d+, commit \S+\)\n$/);
  }
});
