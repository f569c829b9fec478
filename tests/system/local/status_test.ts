/** What a run tells of itself: over HTTP (`-listen`) and to systemd (`NOTIFY_SOCKET`). */

import assert from "node:assert/strict";
import { programMissing } from "../../needs.ts";
import { NotifySocket } from "./notify_socket.ts";
import { until } from "../until.ts";
import { type Router, routerTest } from "./router.ts";

const prefix = "198.51.100.0/24";
const foreign = { prefix: "203.0.113.0/24", nextHop: "10.0.0.99", owner: "operator" };
const address = "127.0.0.1:9155";

/** One answer of the status server. */
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Fetches a page from inside the namespace; null if nobody listens yet. */
async function get(router: Router, path: string, method = "GET"): Promise<Answer | null> {
  const script = `const answer = await fetch("http://${address}${path}", { method: "${method}" });
    const type = answer.headers.get("content-type");
    console.log(JSON.stringify({ status: answer.status, type, body: await answer.text() }));`;
  const { code, stdout } = await router.namespace.run([Deno.execPath(), "eval", script]);
  // The script's own document.
  return code === 0 ? JSON.parse(stdout) as Answer : null;
}

async function must(router: Router, path: string, method?: string): Promise<Answer> {
  const answer = await get(router, path, method);
  assert.notEqual(answer, null);
  return answer ?? { status: 0, type: "", body: "" };
}

/** Waits until a page answers with a status. */
async function untilStatus(router: Router, path: string, status: number): Promise<void> {
  await until(`${path} answers ${status}`, async () => (await get(router, path))?.status === status);
}

/** The value of a sample in Prometheus' text format, such as `cloudroutesync_wanted_routes`. */
function sample(page: string, name: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? NaN);
}

routerTest("-listen serves metrics, health, readiness and status", async (router) => {
  await router.writeFile([foreign], 9);
  await router.announce([prefix]);
  router.start("-listen", address);
  await untilStatus(router, "/readyz", 200);
  const metrics = await must(router, "/metrics");
  assert.equal(metrics.status, 200);
  assert.match(metrics.type, /^text\/plain; version=0\.0\.4/);
  const table = `table="${router.file}"`;
  const expected = {
    "cloudroutesync_healthy": 1,
    "cloudroutesync_wanted_routes": 1,
    [`cloudroutesync_in_step{${table}}`]: 1,
    [`cloudroutesync_owned_routes{${table}}`]: 1,
    [`cloudroutesync_foreign_routes{${table}}`]: 1,
    [`cloudroutesync_quota_used{${table},families="4+6"}`]: 2,
    [`cloudroutesync_quota_limit{${table},families="4+6"}`]: 9,
    [`cloudroutesync_writes_total{${table},action="add"}`]: 1,
    [`cloudroutesync_failures_total{${table}}`]: 0,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(sample(metrics.body, name), value, name);
  assert.match(metrics.body, /^cloudroutesync_cloud_call_seconds_count\{operation="write",result="ok"\} 1$/m);
  assert.ok(sample(metrics.body, "process_resident_memory_bytes") > 1e6);
  assert.deepEqual(await must(router, "/healthz"), {
    status: 200,
    type: "text/plain; charset=utf-8",
    body: "ok: 1 route in the cloud, 0 pending, 0 held\n",
  });
  const status = JSON.parse((await must(router, "/status")).body);
  assert.equal(status.state, "ok");
  assert.equal(status.tables[0].owned, 1);
  assert.equal((await must(router, "/other")).status, 404);
  assert.equal((await must(router, "/metrics", "POST")).status, 405);
});

routerTest("Prometheus' own tool finds no fault in the metrics", async (router) => {
  await router.announce([prefix]);
  router.start("-listen", address);
  await untilStatus(router, "/readyz", 200);
  const page = `${router.folder}/metrics`;
  await Deno.writeTextFile(page, (await must(router, "/metrics")).body);
  const { code, stdout, stderr } = await router.namespace.run([
    "sh",
    "-c",
    `promtool check metrics <${page}`,
  ]);
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
}, programMissing("promtool", "prometheus"));

routerTest(
  "a kernel that forwards nothing is told with the command that helps, and so is its end",
  async (router) => {
    await router.announce([prefix], "192.168.7.9");
    const run = router.start("-listen", address);
    await untilStatus(router, "/readyz", 200);
    await router.namespace.sysctl("net/ipv4/ip_forward", 0);
    await run.untilLog(/degraded: IPv4 forwarding: .*ip_forward is 0.*; sysctl -w net\.ipv4\.ip_forward=1/);
    assert.equal((await must(router, "/readyz")).status, 503);
    const { code, stdout } = await router.command("status");
    assert.equal(code, 1);
    assert.match(stdout, /^degraded since \S+: IPv4 forwarding: .*sysctl -w net\.ipv4\.ip_forward=1/);
    assert.match(stdout, /^carries {3}bad: IPv4 forwarding: .*sysctl -w/m);
    assert.equal(
      sample((await must(router, "/metrics")).body, 'cloudroutesync_forwarding{check="IPv4 forwarding"}'),
      0,
    );
    await router.namespace.sysctl("net/ipv4/ip_forward", 1);
    await run.untilLog(/IPv4 forwarding is right again, after \d+ s/);
    await untilStatus(router, "/readyz", 200);
  },
);

routerTest("health is degraded and readiness gone while a foreign route is in the way", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([foreign.prefix]);
  const run = router.start("-listen", address);
  await run.untilLog(/degraded/);
  assert.equal((await must(router, "/readyz")).status, 503);
  const health = await must(router, "/healthz");
  assert.equal(health.status, 200);
  assert.match(health.body, /^degraded: .*.*foreign route/);
  const { body } = await must(router, "/metrics");
  assert.equal(sample(body, "cloudroutesync_healthy"), 0);
  assert.equal(sample(body, `cloudroutesync_conflicts{table="${router.file}"}`), 1);
});

routerTest("readiness waits for a cloud that does not answer", async (router) => {
  router.start("-listen", address, "-local-latency", "20s");
  await untilStatus(router, "/healthz", 200);
  assert.equal((await must(router, "/readyz")).status, 503);
  assert.match((await must(router, "/healthz")).body, /^starting: the cloud has not answered yet/);
});

routerTest("health tells what the cloud answers while the table cannot be opened", async (router) => {
  await router.ip("address flush dev eth0", "address flush dev tun0");
  const run = router.start("-listen", address);
  await run.untilLog(/Cannot tell which address is this VM/);
  await untilStatus(router, "/healthz", 200);
  assert.match((await must(router, "/healthz")).body, /^starting: Cannot tell which address is this VM: /);
  assert.equal((await must(router, "/readyz")).status, 503);
  const status = JSON.parse((await must(router, "/status")).body);
  assert.equal(status.openingError.kind, "unavailable");
  await router.ip("address add 10.0.0.2/24 dev eth0");
  await untilStatus(router, "/readyz", 200);
});

routerTest("systemd hears READY, STATUS, WATCHDOG and STOPPING", async (router) => {
  const path = `${router.folder}/notify`;
  using socket = new NotifySocket(path);
  await router.announce([prefix]);
  const args = ["-cloud", "local", "-event", "-local-file", router.file];
  const run = router.spawn(args, { NOTIFY_SOCKET: path, WATCHDOG_USEC: "3000000" });
  await until(
    "systemd hears of a route in the cloud",
    () => socket.lines.includes("STATUS=1 route in the cloud, 0 pending, 0 held"),
  );
  assert.equal(socket.lines[0], "READY=1");
  const beats = (): number => socket.lines.filter((line) => line === "WATCHDOG=1").length;
  await until("the watchdog is fed again and again", () => beats() >= 3);
  assert.ok(!socket.lines.includes("STOPPING=1"));
  assert.equal((await run.stop()).code, 0);
  assert.ok(socket.lines.includes("STOPPING=1"));
});

routerTest("a service manager that went away stops nothing", async (router) => {
  const run = router.spawn(["-cloud", "local", "-event", "-local-file", router.file], {
    NOTIFY_SOCKET: `${router.folder}/nobody`,
  });
  await router.announce([prefix]);
  await router.untilTable({ [prefix]: "10.0.0.7" });
  assert.equal((await run.stop()).code, 0);
});
