import assert from "node:assert/strict";
import { parseListenAddress } from "../../../src/cli/listen_address.ts";
import { StatusListener, type StatusServer } from "../../../src/cli/status_listener.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

const address = parseListenAddress("127.0.0.1:9100");

/** Something to listen with: as often as told it fails, then it serves. */
function failing(
  errors: readonly Error[],
): { readonly serve: () => StatusServer; readonly state: { tries: number; open: number } } {
  const state = { tries: 0, open: 0 };
  const serve = (): StatusServer => {
    const error = errors[state.tries++];
    if (error !== undefined) throw error;
    state.open++;
    return { shutdown: () => Promise.resolve(void state.open--) };
  };
  return { serve, state };
}

Deno.test("StatusListener says once that a port is taken, tries again with back-off and says when it has it", async () => {
  using log = captureLog();
  const clock = new VirtualClock(() => 0.5);
  const { serve, state } = failing(Array(20).fill(new Deno.errors.AddrInUse("Address already in use")));
  const listener = new StatusListener(address, serve, clock);
  await clock.advance(300_000);
  assert.deepEqual(state, { tries: 21, open: 1 });
  assert.deepEqual(log.lines, [
    "warning: Cannot listen on 127.0.0.1:9100 (-listen): the address is in use; retrying",
    "info: Listening on 127.0.0.1:9100, which could not be had before",
  ]);
  await listener[Symbol.asyncDispose]();
  assert.equal(state.open, 0);
});

Deno.test("StatusListener gives up when it is disposed of", async () => {
  using _log = captureLog();
  const clock = new VirtualClock(() => 0.5);
  const { serve, state } = failing(Array(1000).fill(new Deno.errors.AddrNotAvailable("no")));
  const listener = new StatusListener(address, serve, clock);
  await clock.advance(1_000);
  const ended = listener[Symbol.asyncDispose]();
  await clock.advance(1);
  await ended;
  const { tries } = state;
  await clock.advance(60_000);
  assert.equal(state.tries, tries);
});

Deno.test("StatusListener throws what no waiting heals", () => {
  const { serve } = failing([new Deno.errors.PermissionDenied("no")]);
  assert.throws(
    () => new StatusListener(parseListenAddress(":80"), serve, new VirtualClock(() => 0.5)),
    /^ListenError: Cannot listen on 0\.0\.0\.0:80 \(-listen\): permission denied/,
  );
});

Deno.test("StatusListener looks a name up before it listens, and tries again where nobody knows it", async () => {
  using log = captureLog();
  const clock = new VirtualClock(() => 0.5);
  const hosts: string[] = [];
  const serve = (hostname: string): StatusServer => {
    hosts.push(hostname);
    return { shutdown: () => Promise.resolve() };
  };
  let lookUps = 0;
  const lookUp = (): Promise<string> =>
    lookUps++ < 2 ? Promise.reject(new Error("EAI_AGAIN")) : Promise.resolve("10.0.0.2");
  const listener = new StatusListener(parseListenAddress("router:9100"), serve, clock, lookUp);
  assert.deepEqual(hosts, [], "nothing waits for the name");
  await clock.advance(60_000);
  assert.deepEqual(hosts, ["10.0.0.2"]);
  assert.deepEqual(log.lines, [
    "warning: Cannot listen on router:9100 (-listen): the name router cannot be looked up; retrying",
    "info: Listening on router:9100, which could not be had before",
  ]);
  await listener[Symbol.asyncDispose]();
});

Deno.test("StatusListener waits for no look-up when it is disposed of", async () => {
  using _log = captureLog();
  const never = new Promise<string>(() => {});
  const { serve, state } = failing([]);
  const listener = new StatusListener(
    parseListenAddress("router:9100"),
    serve,
    new VirtualClock(() => 0.5),
    () => never,
  );
  await listener[Symbol.asyncDispose]();
  assert.equal(state.open, 0);
});
