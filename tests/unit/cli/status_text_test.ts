import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { readStatus } from "../../../src/cli/status_text.ts";
import { CloudCalls } from "../../../src/observe/cloud_calls.ts";
import { serviceStatus } from "../../../src/observe/service_status.ts";
import { quota } from "../../fakes/cloud_routes.ts";
import { observed, syncStatus } from "../../fakes/observations.ts";

const facts = {
  pid: 7,
  startedAt: Date.UTC(2026, 10, 28, 12),
  owner: "cloudroutesync",
  instance: "i-1",
  settings: [{ flag: "event", value: "true", source: "CLOUDROUTESYNC_EVENT" }],
  since: Date.UTC(2026, 10, 28, 12, 1),
  dropped: { "no-gateway": 2 },
  calls: new CloudCalls(),
  now: Date.UTC(2026, 10, 28, 16, 12, 5),
};

function textOf(...changed: Parameters<typeof observed>): string {
  return readStatus(JSON.parse(JSON.stringify(serviceStatus(observed(...changed), facts)))).text;
}

Deno.test("statusText() answers verdict, who and flow of a service that is well", () => {
  assert.equal(
    textOf([syncStatus({ ownSubnets: ["10.0.1.0/24"] })]),
    `ok since 2026-11-28T12:01:00.000Z: 3 routes in the cloud, 0 pending, 0 held

service   version 1.2.3, pid 7, up 4h 12m
          cloud aws, instance i-1, owner cloudroutesync
          -event true (from CLOUDROUTESYNC_EVENT)

carries   ok: IPv4 forwarding: net.ipv4.ip_forward is 1
          ok: table rtb-1: used by this VM's subnet 10.0.1.0/24

kernel    10 routes, 3 wanted; dropped: 2 no-gateway
cloud     rtb-1: in step since 2023-11-14T22:13:20.000Z; 3 ours, 2 foreign, quota 5 of 50, 1 outside edit undone
          rtb-1: last good reading never, last write never
`,
  );
});

Deno.test("statusText() says what other routers of the group have", () => {
  const text = textOf([syncStatus({ peerRoutes: 4, standby: ["10.1.0.0/16"] })]);
  assert.match(text, /in step since \S+; 3 ours, 4 of peers, 1 standby, 2 foreign/);
});

Deno.test("statusText() says what is held, what failed, and what to type for each prefix", () => {
  const text = textOf([
    syncStatus({
      inStep: false,
      held: 12,
      heldUntil: Date.UTC(2026, 10, 28, 16, 14),
      heldWhy: "12 of 12 owned routes would go within 120 s, more than 30 %",
      conflicts: ["10.1.0.0/16"],
      overQuota: ["10.2.0.0/16"],
      errors: new Map([["", new Error("Cannot read table rtb-1: no answer")]]),
    }),
  ]);
  assert.match(text, /^degraded since /);
  assert.match(
    text,
    /^held in rtb-1: 12 withdrawals until 2026-11-28T16:14:00.000Z; let them go now with: cloudroutesync release$/m,
  );
  assert.match(text, /not in step; 3 ours, 2 foreign, 12 held, 1 over quota, 1 blocked by foreign routes/);
  assert.match(text, /^ {2}rtb-1: Cannot read table rtb-1: no answer$/m);
  assert.match(
    text,
    /^ {2}10\.1\.0\.0\/16 +blocked by a foreign route +cloudroutesync explain 10\.1\.0\.0\/16/m,
  );
  assert.match(text, /^ {2}10\.2\.0\.0\/16 +over quota +cloudroutesync doctor$/m);
});

Deno.test("statusText() says of a prefix that flapped when its latest state is written", () => {
  const until = Date.UTC(2026, 10, 28, 16, 14, 5);
  const text = textOf([
    syncStatus({ inStep: false, pending: 1, damped: [{ prefix: "10.1.0.0/16", until }] }),
  ]);
  assert.match(
    text,
    /^ {2}10\.1\.0\.0\/16 +flapped too often; its latest state is written at 16:14:05 UTC +cloudroutesync explain 10\.1\.0\.0\/16$/m,
  );
});

Deno.test("statusText() names twenty prefixes and counts the others", () => {
  const conflicts = Array.from({ length: 25 }, (_, index) => `10.${index}.0.0/16`);
  assert.match(textOf([syncStatus({ conflicts })]), /^ {2}and 5 more$/m);
});

Deno.test("the status tells the last changes of all tables with their cause and milliseconds", () => {
  const at = Date.UTC(2026, 10, 28, 16, 12);
  const change = { action: "add", prefix: "10.1.0.0/16", from: null, to: "i-1", milliseconds: 31.6 } as const;
  const text = textOf([
    syncStatus({ changes: [{ ...change, at: at + 1_000, cause: "kernel" }] }),
    syncStatus({
      table: "rtb-2",
      changes: [{ ...change, at: at + 2_000, from: "eni-9", cause: "drift", milliseconds: null }],
    }),
  ]);
  assert.match(
    text,
    /last changes\n {2}\S+:02\.000Z +10\.1\.0\.0\/16 +eni-9 -> i-1 +drift *\n {2}\S+:01\.000Z +10\.1\.0\.0\/16 +none -> i-1 +kernel +32 ms\n/,
  );
});

Deno.test("the status says when the cloud was last read and written, how long calls take, and when it tries again", () => {
  const calls = new CloudCalls();
  const call = { operation: "read", table: "rtb-1", milliseconds: 40, at: Date.UTC(2026, 0, 1) } as const;
  calls.ended({ ...call, result: "ok" });
  calls.ended({ ...call, result: "unavailable", at: Date.UTC(2026, 0, 2) });
  const table = syncStatus({ nextTryAt: Date.UTC(2026, 0, 3) });
  const document: unknown = JSON.parse(JSON.stringify(serviceStatus(observed([table]), { ...facts, calls })));
  assert.match(
    readStatus(document).text,
    /rtb-1: last good reading 2026-01-01\S+, last write never, next try 2026-01-03\S+\n +calls: read 2 \(1 failed\), 40 ms\n/,
  );
});

Deno.test("the status says what keeps packets from passing, and what helps", () => {
  const text = textOf([syncStatus({ problems: ["Subnet a does not use rtb-1"] })], {
    forwarding: [
      { name: "IPv4 forwarding", status: "bad", detail: "ip_forward is 0", remedy: "sysctl -w it" },
      { name: "source/dest check", status: "unknown", detail: "it may not be read" },
    ],
  });
  assert.match(
    text,
    /^carries {3}bad: IPv4 forwarding: ip_forward is 0; sysctl -w it\n {10}unknown: source\/dest check: it may not be read\n {10}bad: table rtb-1: Subnet a does not use rtb-1$/m,
  );
});

Deno.test("the status says which calls do not go at their full rate, and until when they wait", () => {
  const full = {
    action: "read",
    perSecond: 50,
    fullPerSecond: 50,
    waiting: 0,
    throttledUntil: null,
    refused: 0,
  };
  const slow = { action: "add", perSecond: 0.333, fullPerSecond: 4, waiting: 12, refused: 7 };
  const text = textOf([syncStatus()], {
    limiters: [
      { ...full, action: "read" },
      { ...slow, action: "add", throttledUntil: Date.UTC(2026, 0, 1) },
    ],
  });
  assert.match(
    text,
    /^ {10}rate of add: 0\.33 of 4 calls a second, 12 wait, 7 refused by the cloud's rate limit, next call 2026-01-01T00:00:00\.000Z$/m,
  );
  assert.doesNotMatch(text, /rate of read/);
});

Deno.test("before a table was read its counts are unknown in the document, and told as such", () => {
  const table = syncStatus({ known: false, inStep: false, inStepSince: null, owned: 0, pending: 0 });
  const document = JSON.parse(JSON.stringify(serviceStatus(observed([table]), facts)));
  const { owned, pending, foreign, held, peers } = document.flow.tables[0];
  assert.deepEqual([owned, pending, foreign, held, peers], [null, null, null, null, null]);
  assert.match(readStatus(document).text, /rtb-1: not read yet/);
});

Deno.test("before a table was read its numbers are not told as 0", () => {
  const text = textOf([syncStatus({ known: false, inStep: false, owned: 0, foreign: 0 })]);
  assert.match(text, /cloud {5}rtb-1: not read yet, what it holds is unknown\n/);
});

Deno.test("readStatus() understands the verdict of a service of another version", () => {
  const { state, text } = readStatus({ format: 3, state: "degraded", why: "no money", flow: [] });
  assert.equal(state, "degraded");
  assert.match(text, /^degraded: no money\n\(the service is of another version/);
});

Deno.test("readStatus() refuses what is no status", () => {
  assert.throws(() => readStatus({ stand: "fine" }), /Cannot read the status of the running service/);
});

Deno.test("statusText() says an error once, with what helps and when it is tried again", () => {
  const denied = new CloudError("denied", "Cannot create routes in rtb-1: no", { action: "ec2:CreateRoute" });
  const prefixes = Array.from({ length: 30 }, (_, index) => `10.${index}.0.0/16`);
  const text = textOf([syncStatus({
    inStep: false,
    errors: new Map(prefixes.map((prefix) => [prefix, denied])),
    nextTries: new Map(prefixes.map((prefix) => [prefix, Date.UTC(2026, 10, 28, 16, 13, 5)])),
  })]);
  const [, errors = ""] = text.split("\nerrors\n");
  assert.equal(
    errors,
    "  10.0.0.0/16 and 29 more: denied: Cannot create routes in rtb-1: no; cloudroutesync doctor -policy prints the " +
      "permissions that it needs; next try 2026-11-28T16:13:05.000Z\n",
  );
  assert.match(
    text,
    /^degraded since \S+: Cannot create routes in rtb-1: permission ec2:CreateRoute is missing; .*; next try 16:13:05 UTC$/m,
  );
});

Deno.test("statusText() tells the quotas of the families apart", () => {
  const text = textOf([syncStatus({ quotas: [quota(3, 500), quota(1, null, [6])] })]);
  assert.match(text, /, quota 3 of 500 IPv4, quota 1 of unknown IPv6, /);
});
