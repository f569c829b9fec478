/** The pages of `-listen`, over a real socket. */

import assert from "node:assert/strict";
import type { Observed } from "../../../src/observe/health.ts";
import { serveStatus } from "../../../src/observe/status_server.ts";
import { observed, syncStatus } from "../../fakes/observations.ts";

/** Serves what is observed on a port that the kernel chooses, and yields each path's status and text. */
async function served(
  observe: () => Observed,
  body: (
    get: (path: string, method?: string) => Promise<{ status: number; type: string; text: string }>,
  ) => Promise<void>,
): Promise<void> {
  const server = serveStatus({ hostname: "127.0.0.1", port: 0 }, observe);
  const { addr } = server;
  assert.ok("port" in addr);
  try {
    await body(async (path, method = "GET") => {
      const response = await fetch(`http://127.0.0.1:${addr.port}${path}`, { method });
      return {
        status: response.status,
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
  ["refused by the cloud", observed([], { openingError: { kind: "denied", message: "no" } }), 200, 503],
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
  const state = observed([syncStatus({ errors: new Map([["10.0.0.0/8", "no room"]]) })]);
  await served(() => state, async (get) => {
    const document = JSON.parse((await get("/status")).text);
    assert.equal(document.state, "degraded");
    assert.equal(document.version, "1.2.3");
    assert.deepEqual(document.tables[0].errors, { "10.0.0.0/8": "no room" });
  });
});

Deno.test("serveStatus() tells under /status what keeps the tables from being opened", async () => {
  const openingError = { kind: "denied", message: "Cannot create a route table: no" } as const;
  await served(() => observed([], { openingError }), async (get) => {
    const document = JSON.parse((await get("/status")).text);
    assert.deepEqual(document.openingError, openingError);
    assert.deepEqual([document.state, document.why], ["degraded", openingError.message]);
  });
});

Deno.test("serveStatus() serves nothing else, and only to readers", async () => {
  await served(observed, async (get) => {
    assert.equal((await get("/")).status, 404);
    assert.equal((await get("/metrics", "POST")).status, 405);
    assert.equal((await get("/metrics", "DELETE")).status, 405);
    assert.deepEqual([(await get("/healthz", "HEAD")).status, (await get("/healthz", "HEAD")).text], [
      200,
      "",
    ]);
  });
});
