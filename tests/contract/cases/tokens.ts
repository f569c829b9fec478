/** Tokens and credentials: shared, renewed, and nobody's abort signal but the caller's own. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { add, done, failure, needed, never, ready } from "../helpers.ts";
import type { Bench } from "../rig.ts";
import type { Subject } from "../subject.ts";

export const tokenCases = {
  async "a token that is not taken any more is renewed, each time"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    for (let time = 0; time < 3; time++) {
      await bench.rig.revokeTokens();
      const logins = bench.rig.traffic.logins;
      await heals(() => subject.read(table, never));
      assert.ok(bench.rig.traffic.logins > logins, "no new token was fetched");
    }
  },

  async "a token is renewed before it ends"(bench: Bench): Promise<void> {
    bench.rig.shortenTokens();
    const { subject, table } = await ready(bench);
    const logins = bench.rig.traffic.logins;
    for (let time = 0; time < 3; time++) await subject.read(table, never);
    assert.ok(bench.rig.traffic.logins > logins, "no new token was fetched");
  },

  async "a token that is good is asked for once"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    const { logins } = bench.rig.traffic;
    assert.ok(logins > 0, "nobody logged in");
    for (let time = 0; time < 3; time++) await subject.read(table, never);
    await subject.identify(never);
    assert.equal(bench.rig.traffic.logins, logins);
  },

  async "a VM without an identity is an error that says so, and check() says how to give it one"(
    { rig, open }: Bench,
  ): Promise<void> {
    needed(rig.dropIdentity?.bind(rig))();
    const error = await failure((await open()).locate(never));
    assert.equal(error.kind, "denied", error.message);
    assert.match(error.remedy ?? "", /role|identity|service[ -]account/);
    assert.match(error.message, /^Cannot .* has no |^Cannot .*identity not found/i);
    const bad = (await (await open()).check(false, never)).filter(({ status }) => status === "bad");
    assert.ok(bad.length > 0, "nothing is found");
    for (const { name, remedy } of bad) assert.match(remedy ?? "", /role|identity|service[ -]account/, name);
  },

  async "what is logged holds no token, password or signature in use"(bench: Bench): Promise<void> {
    using log = captureLog("debug");
    const { subject, table } = await ready(bench);
    await done({ subject, table }, add("198.18.1.0/24", bench.rig.self[4]));
    bench.rig.fail("denied", "read");
    await failure(subject.read(table, never));
    const logged = log.lines.join("\n");
    assert.match(logged, / in [0-9.]+ ms/, "no call was logged");
    assert.ok(bench.rig.traffic.secrets.size > 0, "no request carried a secret");
    for (const secret of bench.rig.traffic.secrets) {
      assert.ok(!logged.includes(secret), `the log holds ${secret}`);
    }
  },

  async "calls that come together share one login"(bench: Bench): Promise<void> {
    const { table } = await ready(bench);
    const fresh = await bench.open();
    const before = bench.rig.traffic.logins;
    await Promise.all([1, 2, 3, 4].map(() => fresh.read(table, never)));
    const together = bench.rig.traffic.logins - before;
    const alone = bench.rig.traffic.logins;
    await (await bench.open()).read(table, never);
    assert.ok(together > 0, "nobody logged in");
    assert.equal(together, bench.rig.traffic.logins - alone);
  },

  async "a caller who gives up takes nothing from another who waits for the same login"(
    bench: Bench,
  ): Promise<void> {
    await sharedLogin(bench, 0);
  },

  async "a caller who comes second and gives up takes nothing from the first who logs in"(
    bench: Bench,
  ): Promise<void> {
    await sharedLogin(bench, 1);
  },
};

/** Two callers wait for one login; the one of the given number gives up, and the other is to be served all the same. */
async function sharedLogin(bench: Bench, givesUp: 0 | 1): Promise<void> {
  const { table } = await ready(bench);
  const subject: Subject = await bench.open();
  const held = bench.rig.traffic.holdLogin();
  const controllers = [new AbortController(), new AbortController()] as const;
  const reason = new Error("enough");
  const read = (signal: AbortSignal): Promise<unknown> =>
    subject.read(table, signal).then(() => "served", (error: unknown) => error);
  const calls = [read(controllers[0].signal), read(controllers[1].signal)] as const;
  await held.reached;
  // Both have come to the login before one of them gives up: neither has more to ask for before it.
  await bench.rig.traffic.settled();
  controllers[givesUp].abort(reason);
  const gaveUp = await within(calls[givesUp], 3_000);
  // Who comes second may have been served by a login of its own.
  assert.ok(gaveUp === reason || (givesUp === 1 && gaveUp === "served"), Deno.inspect(gaveUp));
  held.release();
  const other = await calls[givesUp === 0 ? 1 : 0];
  assert.equal(other, "served", Deno.inspect(other));
}

/** A call whose first try may say that time heals it. */
async function heals<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    assert.ok(error instanceof CloudError && error.kind === "unavailable", Deno.inspect(error));
    return await call();
  }
}

/** What a promise comes to, or in words that it comes to nothing in so many milliseconds. */
async function within(promise: Promise<unknown>, ms: number): Promise<unknown> {
  const { promise: timeout, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`it still waits after ${ms / 1000} s`), ms);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
