/** `cleanup`: removes all that the program created: routes, table, association. */

import { systemClock } from "../../async/system_clock.ts";
import { CloudSession } from "../cloud_session.ts";
import type { CommandContext } from "../context.ts";
import { listenForStop } from "../signals.ts";
import { statusLine, withProgress } from "./apply.ts";

/** How long failed calls are tried again, in milliseconds: a large table takes its time. */
const retryForMs = 300_000;

/** Runs the command. @returns 0: nothing of ours is left, 1: something is. */
export async function cleanup(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  await using session = await CloudSession.open(context, { everything: false, follow: false });
  const { supervisor } = session;
  const clean = await withProgress(
    context,
    supervisor,
    () => supervisor.cleanUp(signals.stop, systemClock.now() + retryForMs),
  );
  for (const status of supervisor.statuses) context.print(`${statusLine(status)}\n`);
  return clean ? 0 : 1;
}
