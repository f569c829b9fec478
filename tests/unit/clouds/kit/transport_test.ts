/** The transport on real sockets: whatever breaks, a call ends in time and with its reason, and nothing else ends. */

import assert from "node:assert/strict";
import { Transport, type TransportRequest } from "../../../../src/clouds/kit/transport.ts";
import { TransportError } from "../../../../src/clouds/kit/transport_error.ts";
import { type Fault, FaultyRelay } from "../../../fakes/faulty_relay.ts";

const never = new AbortController().signal;
/** Bodies so large that they come and go in many packets, whatever buffers lie between. */
const large = 8_000_000;

/** Answers `/large` with a large body, all else with what it was sent. */
async function answer(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === "/large") return new Response(new Uint8Array(large));
  const { length } = await request.bytes();
  return Response.json({ method: request.method, length, agent: request.headers.get("user-agent") });
}

/** A request that ends before its body is a test's doing, nothing to print. */
function brokenOff(): Response {
  return new Response(null, { status: 500 });
}

/** A server behind a relay, and a transport. */
class Rig implements AsyncDisposable {
  readonly transport = new Transport();

  private constructor(readonly server: Deno.HttpServer<Deno.NetAddr>, readonly relay: FaultyRelay) {}

  static async start(hostname = "127.0.0.1"): Promise<Rig> {
    const server = Deno.serve({ hostname, port: 0, onListen: () => {}, onError: brokenOff }, answer);
    return new Rig(server, await FaultyRelay.start(server.addr.port, hostname));
  }

  send(path: string, changed: Partial<TransportRequest> = {}): Promise<unknown> {
    return this.transport.send({
      method: "GET",
      url: `http://${this.relay.authority}${path}`,
      headers: {},
      timeoutMs: 10_000,
      signal: never,
      ...changed,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.transport[Symbol.dispose]();
    await this.relay[Symbol.asyncDispose]();
    await this.server.shutdown();
  }
}

async function failure(call: Promise<unknown>): Promise<TransportError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof TransportError, `${error}`);
    return error;
  }
  throw new Error("The call did not fail");
}

const faults: Readonly<Record<string, readonly [Fault, string, Partial<TransportRequest>]>> = {
  "reset before the head": [{ count: "answer", after: 0, how: "reset" }, "/", {}],
  "reset in the head": [{ count: "answer", after: 20, how: "reset" }, "/", {}],
  "reset in the body": [{ count: "answer", after: 100_000, how: "reset" }, "/large", {}],
  "ended before the head": [{ count: "answer", after: 0, how: "end" }, "/", {}],
  "ended in the head": [{ count: "answer", after: 20, how: "end" }, "/", {}],
  "half-closed in the body": [{ count: "answer", after: 100_000, how: "end" }, "/large", {}],
  "reset while the request goes out": [
    { count: "request", after: 50_000, how: "reset" },
    "/",
    { method: "PUT", body: new Uint8Array(large) },
  ],
};

for (const [name, [fault, path, changed]] of Object.entries(faults)) {
  Deno.test(`send() fails with a reason when the connection is ${name}, and the next call goes through`, async () => {
    await using rig = await Rig.start();
    rig.relay.arm(fault);
    const error = await failure(rig.send(path, changed));
    assert.equal(error.timedOut, false);
    assert.match(error.message, /[a-z].* \((GET|PUT) http:\/\/127\.0\.0\.1:[0-9]+\/(large)?\)$/);
    rig.relay.arm(null);
    await rig.send(path, changed);
  });
}

const hangs: Readonly<Record<string, readonly [Fault, string, Partial<TransportRequest>]>> = {
  "says nothing": [{ count: "request", after: 0, how: "hang" }, "/", {}],
  "stops in the head": [{ count: "answer", after: 20, how: "hang" }, "/", {}],
  "stops in the body": [{ count: "answer", after: 100_000, how: "hang" }, "/large", {}],
  "stops reading": [
    { count: "request", after: 50_000, how: "hang" },
    "/",
    { method: "PUT", body: new Uint8Array(large) },
  ],
};

for (const [name, [fault, path, changed]] of Object.entries(hangs)) {
  Deno.test(`send() ends at its deadline when the server ${name}, and closes the connection`, async () => {
    await using rig = await Rig.start();
    rig.relay.arm(fault);
    const error = await failure(rig.send(path, { ...changed, timeoutMs: 100 }));
    assert.equal(error.timedOut, true);
    assert.match(error.message, /^no answer within 100 ms \(/);
    while (rig.relay.open > 0) await new Promise((wake) => setTimeout(wake, 5));
  });

  Deno.test(`send() throws the caller's reason when it gives up while the server ${name}`, async () => {
    await using rig = await Rig.start();
    rig.relay.arm(fault);
    const caller = new AbortController();
    const call = rig.send(path, { ...changed, signal: caller.signal });
    setTimeout(() => caller.abort(new Error("told to stop")), 50);
    await assert.rejects(call, /^Error: told to stop$/);
    while (rig.relay.open > 0) await new Promise((wake) => setTimeout(wake, 5));
  });
}

Deno.test("send() throws the caller's reason while it connects", async () => {
  using transport = new Transport();
  const caller = new AbortController();
  // Documentation addresses (RFC 5737) are not routed: nobody answers there, or the kernel says at once that nobody can.
  const request = { method: "GET", url: "http://192.0.2.1/", headers: {}, timeoutMs: 10_000 };
  const call = transport.send({ ...request, signal: caller.signal });
  caller.abort(new Error("told to stop"));
  await assert.rejects(call, /^Error: told to stop$/);
  await assert.rejects(transport.send({ ...request, signal: caller.signal }), /^Error: told to stop$/);
});

Deno.test("send() uses a connection again, and makes a new one when it was reset between two calls", async () => {
  await using rig = await Rig.start();
  await rig.send("/");
  await rig.send("/", { method: "PUT", body: "x" });
  assert.equal(rig.relay.connections, 1);
  rig.relay.resetAll();
  while (rig.relay.open > 0) await new Promise((wake) => setTimeout(wake, 5));
  await rig.send("/", { method: "PUT", body: "x" });
  assert.equal(rig.relay.connections, 2);
});

Deno.test("send() does not use a connection again that a call has timed out on", async () => {
  await using rig = await Rig.start();
  await rig.send("/");
  rig.relay.arm({ count: "request", after: 0, how: "hang" });
  await failure(rig.send("/", { timeoutMs: 100 }));
  rig.relay.arm(null);
  await rig.send("/");
  assert.equal(rig.relay.connections, 2);
});

Deno.test("send() reaches an IPv6 address in brackets", async () => {
  await using rig = await Rig.start("::1");
  await rig.send("/");
  assert.equal(rig.relay.connections, 1);
});

Deno.test("send() frames the request itself, whatever headers it is given", async () => {
  await using rig = await Rig.start();
  const headers = { Host: "elsewhere", "Content-Length": "7", Connection: "close", "Transfer-Encoding": "x" };
  const { body } = await rig.transport.send({
    method: "PUT",
    url: `http://${rig.relay.authority}/`,
    headers,
    body: "abc",
    timeoutMs: 10_000,
    signal: never,
  });
  const told = JSON.parse(new TextDecoder().decode(body));
  assert.deepEqual(told, { method: "PUT", length: 3, agent: "cloudroutesync" });
});

Deno.test("send() refuses what is no URL, and does not repeat its query", async () => {
  using transport = new Transport();
  const call = transport.send({
    method: "GET",
    url: "host:port?secret",
    headers: {},
    timeoutMs: 100,
    signal: never,
  });
  assert.ok(!(await failure(call)).message.includes("secret"));
});
