/** The pages of `-listen`, over a real socket. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import type { Observed } from "../../../src/observe/health.ts";
import { MetricsRegistry } from "../../../src/observe/metrics_registry.ts";
import { LiveStatus } from "../../../src/observe/live_status.ts";
import { serveStatus } from "../../../src/observe/status_server.ts";
import { observed, syncStatus } from "../../fakes/observations.ts";

/** What a server of these tests is given besides what is observed. */
interface Given {
  readonly hostname?: string;
  readonly token?: string;
}

/** Serves what is observed on a port that the kernel chooses, and yields each path's status, headers and text. */
async function served(
  observe: () => Observed,
  body: (
    get: (path: string, method?: string, headers?: Record<string, string>) => Promise<
      { status: number; type: string; headers: Headers; text: string }
    >,
  ) => Promise<void>,
  { hostname = "127.0.0.1", token }: Given = {},
): Promise<void> {
  const registry = new MetricsRegistry();
  const rows = () => ({ rows: [], leftOut: 0 });
  const server = serveStatus({ hostname, port: 0 }, {
    observe,
    live: new LiveStatus(
      { status: () => ({}), rows, forget: () => {} },
      (error) => assert.fail(String(error)),
    ),
    access: { hosts: [], token: () => token ?? null },
    metrics: (state) => registry.page({ observed: state, process: null, startedAt: 0 }),
  });
  const { addr } = server;
  assert.ok("port" in addr);
  try {
    await body(async (path, method = "GET", headers = {}) => {
      const response = await fetch(`http://127.0.0.1:${addr.port}${path}`, { method, headers });
      return {
        status: response.status,
        headers: response.headers,
        type: response.headers.get("content-type") ?? "",
        text: await response.text(),
      };
    });
  } finally {
    await server.shutdown();
  }
}

Deno.test("serveStatus() serves metrics in Prometheus' type", async () => {
  await served(observed, async (get) => {
    const { status, type, text } = await get("/metrics");
    assert.deepEqual([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"]);
    assert.match(text, /^cloudroutesync_healthy 1$/m);
  });
});

Deno.test("serveStatus() looks anew at each request", async () => {
  let kernelRoutes = 1;
  await served(() => observed([], { kernelRoutes }), async (get) => {
    assert.match((await get("/metrics")).text, /^cloudroutesync_kernel_routes 1$/m);
    kernelRoutes = 2;
    assert.match((await get("/metrics")).text, /^cloudroutesync_kernel_routes 2$/m);
  });
});

const answers: readonly (readonly [string, Observed, number, number])[] = [
  ["in step", observed(), 200, 200],
  ["starting", observed([]), 200, 503],
  ["refused by the cloud", observed([], { openingError: new CloudError("denied", "no") }), 200, 503],
  [
    "degraded and not in step",
    observed([syncStatus({ inStep: false, conflicts: ["10.0.0.0/8"] })]),
    200,
    503,
  ],
  ["failing", observed([syncStatus()], { kernelError: "Cannot dump routes" }), 503, 200],
];

for (const [name, state, healthy, ready] of answers) {
  Deno.test(`serveStatus() of a run that is ${name} answers /healthz ${healthy} and /readyz ${ready}`, async () => {
    await served(() => state, async (get) => {
      assert.equal((await get("/healthz")).status, healthy);
      assert.equal((await get("/readyz")).status, ready);
    });
  });
}

Deno.test("serveStatus() tells all as JSON under /status, errors by prefix", async () => {
  const state = observed([
    syncStatus({
      errors: new Map([["10.0.0.0/8", new CloudError("quota", "full", { requestId: "r-1", limit: 50 })]]),
    }),
  ]);
  await served(() => state, async (get) => {
    const document = JSON.parse((await get("/status")).text);
    assert.equal(document.state, "degraded");
    assert.equal(document.version, "1.2.3");
    assert.deepEqual(document.tables[0].errors, {
      "10.0.0.0/8": { message: "full", kind: "quota", requestId: "r-1", limit: 50 },
    });
  });
});

Deno.test("serveStatus() tells under /status what keeps the tables from being opened", async () => {
  const openingError = new CloudError("denied", "Cannot create a route table: no", { status: 403 });
  await served(() => observed([], { openingError }), async (get) => {
    const document = JSON.parse((await get("/status")).text);
    assert.deepEqual(document.openingError, { kind: "denied", message: openingError.message, status: 403 });
    assert.deepEqual([document.state, document.why], [
      "degraded",
      `${openingError.message}; cloudroutesync doctor -policy prints the permissions that it needs`,
    ]);
  });
});

Deno.test("serveStatus() serves nothing else, and only to readers", async () => {
  await served(observed, async (get) => {
    assert.equal((await get("/favicon.ico")).status, 404);
    assert.equal((await get("/metrics", "POST")).status, 405);
    assert.equal((await get("/metrics", "DELETE")).status, 405);
    assert.deepEqual([(await get("/healthz", "HEAD")).status, (await get("/healthz", "HEAD")).text], [
      200,
      "",
    ]);
  });
});

Deno.test("serveStatus() serves the page with a policy of the very texts in it, and nothing else", async () => {
  await served(observed, async (get) => {
    const { status, type, headers, text } = await get("/");
    assert.deepEqual([status, type], [200, "text/html; charset=utf-8"]);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; /);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    for (const tag of ["script", "style"]) {
      const [, inside = ""] = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(text) ?? [];
      assert.ok(inside.length > 1_000);
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(inside));
      assert.ok(policy.includes(`'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`), tag);
    }
    assert.doesNotMatch(text, /^(import|export) /m);
    assert.deepEqual(text.match(/(src|href)="(?!#|data:)[^"]*"/g), null);
  });
});

Deno.test("serveStatus() tells browsers to keep every answer to themselves", async () => {
  await served(observed, async (get) => {
    for (const path of ["/", "/status", "/routes", "/metrics", "/healthz", "/nothing"]) {
      const { headers } = await get(path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.equal(headers.get("cache-control"), "no-store", path);
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
    }
  });
});

const guarded = ["/status", "/routes", "/events"];

Deno.test("serveStatus() at an address that others reach shows metrics and probes alone, and no details", async () => {
  await served(observed, async (get) => {
    for (const path of ["/", ...guarded]) {
      const { status, text } = await get(path);
      assert.equal(status, 403, path);
      assert.match(text, /^This address can be reached by others: name a file .* -listen-token-file /);
    }
    assert.equal((await get("/metrics")).status, 200);
    assert.equal((await get("/metrics", "GET", { host: "router.example" })).status, 200);
    assert.deepEqual([(await get("/healthz")).text, (await get("/readyz")).text], ["ok\n", "ok\n"]);
  }, { hostname: "0.0.0.0" });
});

Deno.test("serveStatus() shows data to who sends the token, and the page without data to who asks", async () => {
  const token = "0123456789abcdef";
  await served(observed, async (get) => {
    assert.equal((await get("/")).status, 200);
    for (const path of guarded) {
      const refused = await get(path);
      assert.deepEqual([refused.status, refused.headers.get("www-authenticate")], [
        401,
        'Bearer realm="cloudroutesync"',
      ]);
      for (const wrong of ["Bearer", `Bearer ${token}0`, `Basic ${token}`, token]) {
        assert.equal((await get(path, "GET", { authorization: wrong })).status, 401, wrong);
      }
      // The head of /events, whose body never ends.
      assert.equal((await get(path, "HEAD", { authorization: `Bearer ${token}` })).status, 200);
    }
  }, { hostname: "0.0.0.0", token });
});
