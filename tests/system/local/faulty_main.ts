/**
 * The program with faults at hand, compiled as the program itself is: SIGUSR1 stands for a dependency that fails where nobody hears
 * it, SIGUSR2 for a defect in the loop.
 */

import { EventEmitter } from "node:events";
import { main } from "../../../src/cli/main.ts";

Deno.addSignalListener("SIGUSR1", () => {
  void Promise.reject(new Error("a promise that nobody waits for"));
  setTimeout(() => {
    throw new Error("an exception in a timer");
  });
  setTimeout(() => new EventEmitter().emit("error", new Error("an event that nobody hears")));
});

Deno.addSignalListener("SIGUSR2", async () => {
  const { Reconciler } = await import("../../../src/sync/reconciler.ts");
  const round = Reconciler.prototype.round;
  let left = 2;
  Reconciler.prototype.round = function (...args): ReturnType<typeof round> {
    if (left-- > 0) throw new TypeError("a defect in the loop");
    return round.apply(this, args);
  };
});

await main(Deno.args);
