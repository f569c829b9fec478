/** A caller who gives up gets its own reason, whatever the call waits for at that moment. */

import assert from "node:assert/strict";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { add, never, type Ready, ready } from "../helpers.ts";
import type { Bench, ContractCase } from "../rig.ts";
import type { Subject } from "../subject.ts";

const calls = [
  "identify",
  "locate",
  "foresee",
  "prepare",
  "resolve",
  "findDead",
  "read",
  "write",
  "forwarding",
  "remove",
  "check",
] as const;
type Call = (typeof calls)[number];
type AbortCaseName = `${Call}() gives up with its caller's own reason at each of its requests`;

/** More requests than any call makes: a call that never ends would make more. */
const mostRequests = 80;

export const abortCases = {
  ...abortCasesOfAll(),

  async "a call that was given up can be made again"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    for (let time = 0; time < 2; time++) {
      const held = bench.rig.traffic.holdNth(0);
      const controller = new AbortController();
      const reason = new Error("enough");
      const reading = subject.read(table, controller.signal).then(() => "served", (error: unknown) => error);
      await held.reached;
      controller.abort(reason);
      assert.equal(await reading, reason);
      await bench.rig.heal();
      assert.deepEqual(await subject.read(table, never), state);
    }
  },

  async "a signal that is aborted already ends a call before its first request"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    const before = bench.rig.traffic.writes;
    const reason = new Error("enough");
    const error = await subject.read(table, AbortSignal.abort(reason)).then(
      () => null,
      (cause: unknown) => cause,
    );
    assert.equal(error, reason);
    assert.equal(bench.rig.traffic.writes, before);
  },
};

function abortCasesOfAll(): Record<AbortCaseName, ContractCase> {
  const all = calls.map((call) =>
    [
      `${call}() gives up with its caller's own reason at each of its requests`,
      (bench: Bench) => givesUpEverywhere(bench, call),
    ] as const
  );
  // The names are made of just that list, of which the type is made as well.
  return Object.fromEntries(all) as Record<AbortCaseName, ContractCase>;
}

/**
 * Gives up at the first request, at the second, … until a call ends without having come so far. The servers see the call once:
 * what comes before the request that is held is answered from the record.
 */
async function givesUpEverywhere(bench: Bench, call: Call): Promise<void> {
  const on = await onFor(bench, call);
  bench.rig.traffic.record();
  await runOf(bench, await bench.open(), call, on)(never);
  for (let index = 0;; index++) {
    assert.ok(index < mostRequests, `${call}() does not end`);
    bench.rig.traffic.rewind();
    const run = runOf(bench, await bench.open(), call, on);
    const held = bench.rig.traffic.holdNth(index);
    const reason = new Error(`enough of request ${index}`);
    const controller = new AbortController();
    const end = run(controller.signal).then(() => "served", (error: unknown) => error);
    const first = await Promise.race([held.reached.then(() => "held"), end]);
    if (first !== "held") {
      assert.equal(first, "served", `undisturbed: ${Deno.inspect(first)}`);
      assert.ok(index > 0, `${call}() makes no request`);
      return;
    }
    controller.abort(reason);
    const error = await end;
    assert.equal(error, reason, `request ${index}: ${Deno.inspect(error)}`);
    await bench.rig.heal();
  }
}

/** What a call works on; null for those that begin with nothing. */
async function onFor(bench: Bench, call: Call): Promise<Ready | null> {
  return ["identify", "foresee", "prepare", "resolve", "findDead", "forwarding"].includes(call)
    ? null
    : await ready(bench);
}

/** A call on a fresh opening of the cloud, so that it has to find out everything first. */
function runOf(
  bench: Bench,
  subject: Subject,
  call: Call,
  on: Ready | null,
): (signal: AbortSignal) => Promise<unknown> {
  switch (call) {
    case "identify":
    case "locate":
    case "foresee":
    case "prepare":
    case "forwarding":
    case "remove":
      return (signal) => subject[call](signal);
    case "resolve":
      return (signal) => subject.resolve([parseAddress(bench.rig.neighbours.absent)], signal);
    case "findDead": {
      const { address, id } = bench.rig.neighbours.standing[4];
      const peer = { address: parseAddress(address), nextHops: [id] };
      return (signal) => subject.findDead([peer], signal);
    }
    case "check":
      return (signal) => subject.check(false, signal);
    case "read":
    case "write":
      assert.ok(on !== null);
      return (signal) =>
        call === "read"
          ? subject.read(on.table, signal)
          : subject.write(on.table, [add("198.51.100.0/24", bench.rig.self[4])], on.state, signal);
  }
}
