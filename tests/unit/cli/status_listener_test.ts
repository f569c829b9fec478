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
    "info: Listening on 127.0.0.1:9100, which was not free before",
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
