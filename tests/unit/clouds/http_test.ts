/** One HTTP call: its answer, its deadline, its errors; against a server on the loopback. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { call, kindOfStatus, retryAfterMs } from "../../../src/clouds/http.ts";
import { testTransport } from "../../fakes/cloud_options.ts";

const transport = testTransport;
const never = new AbortController().signal;

/** Runs a test against a server that answers as told. */
async function served(
  answer: (request: Request) => Response | Promise<Response>,
  body: (url: string) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  await body(`http://127.0.0.1:${server.addr.port}`);
}

Deno.test("call() sends JSON and yields status, headers and parsed JSON", async () => {
  await served(async (request) => {
    const { method } = request;
    const type = request.headers.get("content-type");
    return Response.json({ method, type, body: await request.json() }, {
      status: 201,
      headers: { etag: '"7"' },
    });
  }, async (url) => {
    const answer = await call({
      transport,
      action: "make x",
      url,
      method: "PUT",
      body: { a: 1 },
      signal: never,
    });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("etag"), '"7"');
    assert.deepEqual(answer.body, { method: "PUT", type: "application/json", body: { a: 1 } });
  });
});

Deno.test("call() yields an answer with an error status too, text where it is no JSON, null where it is empty", async () => {
  await served(
    (request) =>
      new URL(request.url).pathname === "/empty"
        ? new Response(null, { status: 404 })
        : new Response("<html>", { status: 502 }),
    async (url) => {
      assert.deepEqual(
        await call({ transport, action: "read x", url, signal: never }).then((
          { status, body },
        ) => [status, body]),
        [
          502,
          "<html>",
        ],
      );
      assert.equal(
        (await call({ transport, action: "read x", url: `${url}/empty`, signal: never })).body,
        null,
      );
    },
  );
});

Deno.test("call() to a closed port is unavailable, and names action and address without the query", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(
    call({
      transport,
      action: "read router r-1",
      url: `http://127.0.0.1:${port}/v2?token=secret`,
      signal: never,
    }),
    (error: unknown) => {
      assert.ok(error instanceof CloudError);
      assert.equal(error.kind, "unavailable");
      assert.ok(
        error.message.startsWith("Cannot read router r-1: ") &&
          error.message.endsWith(` (GET http://127.0.0.1:${port}/v2)`),
        error.message,
      );
      assert.ok(!error.message.includes("secret"));
      assert.ok(error.cause instanceof Error);
      return true;
    },
  );
});

/** Runs a test against a server that does not answer before the test is over, however it ends. */
async function servedTooLate(onRequest: () => void, body: (url: string) => Promise<void>): Promise<void> {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  await served(async () => {
    onRequest();
    await end;
    return new Response();
  }, (url) => body(url).finally(resolve));
}

Deno.test("call() gives up at its deadline", async () => {
  await servedTooLate(() => {}, async (url) => {
    await assert.rejects(call({ transport, action: "read x", url, timeoutMs: 30, signal: never }), {
      kind: "unavailable",
      message: `Cannot read x: no answer within 30 ms (GET ${url}/)`,
    });
  });
});

Deno.test("call() throws the caller's reason when the caller gives up", async () => {
  const giveUp = new AbortController();
  await servedTooLate(() => giveUp.abort(new Error("told to stop")), async (url) => {
    await assert.rejects(
      call({ transport, action: "read x", url, signal: giveUp.signal }),
      /^Error: told to stop$/,
    );
  });
});

Deno.test("call() follows no redirect: a token must not go elsewhere", async () => {
  const asked: string[] = [];
  await served((request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return pathname === "/here" ? Response.redirect(new URL("/elsewhere", request.url)) : new Response();
  }, async (url) => {
    await assert.rejects(call({ transport, action: "read x", url: `${url}/here`, signal: never }), {
      kind: "unavailable",
    });
  });
  assert.deepEqual(asked, ["/here"]);
});

Deno.test("kindOfStatus() gives each status its meaning", () => {
  const kinds = [400, 401, 403, 404, 408, 409, 410, 412, 422, 429, 500, 502, 503, 504].map(kindOfStatus);
  assert.deepEqual(kinds, [
    "invalid",
    "denied",
    "denied",
    "gone",
    "unavailable",
    "conflict",
    "gone",
    "conflict",
    "invalid",
    "throttled",
    "unavailable",
    "unavailable",
    "unavailable",
    "unavailable",
  ]);
});

Deno.test("retryAfterMs() reads seconds and dates, and nothing else", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const cases: readonly (readonly [string | null, number | undefined])[] = [
    [null, undefined],
    ["0", 0],
    ["7", 7000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 23:59:00 GMT", 0],
    ["soon", undefined],
  ];
  for (const [value, expected] of cases) {
    const headers = new Headers(value === null ? {} : { "retry-after": value });
    assert.equal(retryAfterMs(headers, now), expected, String(value));
  }
});
