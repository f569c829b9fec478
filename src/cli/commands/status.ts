/** `status`: how the running service stands. */

import { systemClock } from "../../async/system_clock.ts";
import type { CommandContext } from "../context.ts";
import { askService } from "../service/service_client.ts";
import { serviceFilesOf } from "../service/service_files.ts";
import { listenForStop } from "../signals.ts";
import { readStatus } from "../status_text.ts";

/** From one look to the next of `-watch`, milliseconds. */
const watchEveryMs = 1_000;
/** Home, and clear what is below (ECMA-48). */
const clearScreen = "\x1b[H\x1b[J";

/** What to type where no service answers. */
const startHint =
  "Start it with: systemctl start cloudroutesync. For a service with another -owner or -state, give the same flags.";

/** Runs the command. @returns 0: ok, 1: degraded, failing or not running. */
export async function status(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  const { watch } = context.settings;
  let code = await printStatus(context, "");
  while (watch && !signals.stop.aborted) {
    await systemClock.sleep(watchEveryMs, signals.stop);
    if (!signals.stop.aborted) {
      code = await printStatus(context, Deno.stdout.isTerminal() ? clearScreen : "\n");
    }
  }
  return code;
}

async function printStatus(context: CommandContext, before: string): Promise<number> {
  const { settings, print } = context;
  const { socket } = serviceFilesOf(context);
  const answer = await askService(socket, "GET /status");
  const json = settings.output === "json";
  if (!answer.running) {
    print(
      json
        ? `${JSON.stringify({ format: 2, state: "not running", why: answer.why })}\n`
        : `${before}not running: ${answer.why} (${socket})\n${startHint}\n`,
    );
    return 1;
  }
  const { state, text } = readStatus(answer.body);
  print(json ? `${JSON.stringify(answer.body)}\n` : before + text);
  return state === "ok" ? 0 : 1;
}
