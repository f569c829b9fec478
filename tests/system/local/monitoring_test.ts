/** `terraform/monitoring/` against a real Prometheus that scrapes the executable: no rule and no panel asks for what is not there. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { programMissing } from "../../needs.ts";
import { until } from "../until.ts";
import { type Router, routerTest } from "./router.ts";

const folder = resolve(import.meta.dirname ?? ".", "../../../terraform/monitoring");
const listen = "127.0.0.1:9155";
const prometheus = "127.0.0.1:9190";
const prefix = "198.51.100.0/24";

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

async function promtool(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("promtool", { args: [...args], cwd: folder })
    .output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  return text;
}

Deno.test({
  name: "the alerts keep what their tests say",
  ignore: programMissing("promtool", "prometheus") !== null,
  async fn(): Promise<void> {
    assert.match(await promtool("check", "rules", "cloudroutesync.rules.yml"), /SUCCESS: 14 rules found/);
    assert.match(await promtool("test", "rules", "cloudroutesync.rules.test.yml"), /SUCCESS/);
  },
});

routerTest(
  "each panel and each alert finds its metrics in a Prometheus that scrapes a run",
  async (router) => {
    await router.announce([prefix]);
    router.start("-listen", listen, "-peer", "10.0.0.3");
    await router.untilTable({ [prefix]: "10.0.0.7" });
    // The kernel says so to a run that is in step: only then is there a time from kernel to cloud.
    await router.announce([prefix, "203.0.113.0/24"]);
    await using _prometheus = await startPrometheus(router);
    const queries = [...await panelQueries(), ...await alertQueries()];
    assert.ok(queries.length > 30);
    for (const { name, query } of queries) await until(`${name} finds ${query}`, () => finds(router, query));
  },
  programMissing("prometheus"),
);

/** The dashboard's queries, as Grafana would send them. */
async function panelQueries(): Promise<{ readonly name: string; readonly query: string }[]> {
  // The dashboard is ours, and the test reads of it what Grafana reads.
  const { panels } = JSON.parse(await Deno.readTextFile(`${folder}/dashboard.json`)) as {
    panels: readonly Panel[];
  };
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({
      name: `panel ${title}`,
      query: expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
    }))
  );
}

/** The metrics that the alerts name: most alerts find nothing while all is well, but their metrics must be there. */
async function alertQueries(): Promise<{ readonly name: string; readonly query: string }[]> {
  const rules = await Deno.readTextFile(`${folder}/cloudroutesync.rules.yml`);
  const names = new Set(rules.match(/\bcloudroutesync_[a-z_]+/g));
  assert.ok(names.size > 8);
  return [...names].map((name) => ({ name: `alert on ${name}`, query: name }));
}

async function startPrometheus(router: Router): Promise<AsyncDisposable> {
  const config = `${router.folder}/prometheus.yml`;
  await Deno.writeTextFile(
    config,
    `global: {scrape_interval: 500ms}
rule_files: ["${folder}/cloudroutesync.rules.yml"]
scrape_configs: [{job_name: cloudroutesync, static_configs: [{targets: ["${listen}"]}]}]
`,
  );
  const child = router.namespace.spawn([
    "prometheus",
    `--config.file=${config}`,
    `--storage.tsdb.path=${router.folder}/prometheus`,
    `--web.listen-address=${prometheus}`,
  ], { stdin: "null", stdout: "null", stderr: "null" });
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** Whether a query has a result; a query that Prometheus refuses is an error. */
async function finds(router: Router, query: string): Promise<boolean> {
  const url = `http://${prometheus}/api/v1/query`;
  const { code, stdout } = await router.namespace.run([
    "curl",
    "-s",
    "--data-urlencode",
    `query=${query}`,
    url,
  ]);
  // Until it is up it refuses connections, and then says so without JSON.
  if (code !== 0 || !stdout.startsWith("{")) return false;
  // Prometheus' own documented answer.
  const answer = JSON.parse(stdout) as { status: string; error?: string; data?: { result: unknown[] } };
  assert.equal(answer.status, "success", `${query}: ${answer.error}`);
  return (answer.data?.result.length ?? 0) > 0;
}
