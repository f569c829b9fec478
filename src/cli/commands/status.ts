/** `status`: how the running service stands. */

import { systemClock } from "../../async/system_clock.ts";
import type { CommandContext } from "../context.ts";
import { askService, noAnswerText } from "../service/service_client.ts";
import { serviceFilesOf } from "../service/service_files.ts";
import { listenForStop } from "../signals.ts";
import { readStatus } from "../status_text.ts";

/** From one look to the next of `-watch`, milliseconds. */
const watchEveryMs = 1_000;
/** Home, and clear what is below (ECMA-48). */
const clearScreen = "\x1b[H\x1b[J";

/** Runs the command. @returns 0: ok, 1: any other state, not running included. */
export async function status(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  const { watch } = context.settings;
  let shown = await printStatus(context, "");
  while (watch && shown.isRead && !signals.stop.aborted) {
    await systemClock.sleep(watchEveryMs, signals.stop);
    if (!signals.stop.aborted) {
      shown = await printStatus(context, Deno.stdout.isTerminal() ? clearScreen : "\n");
    }
  }
  return shown.code;
}

/** What was shown. */
interface Shown {
  /** The exit code that says the same. */
  readonly code: number;
  /** False once nobody reads it any more (`status -watch | head -1`). */
  readonly isRead: boolean;
}

async function printStatus(context: CommandContext, before: string): Promise<Shown> {
  const { settings, print } = context;
  const { socket } = serviceFilesOf(context);
  const answer = await askService(socket, "GET /status");
  const json = settings.output === "json";
  if (!answer.running) {
    const isRead = print(
      json
        ? `${JSON.stringify({ format: 2, state: answer.state, why: answer.why })}\n`
        : `${before}${noAnswerText(answer, socket)}\n${answer.remedy}\n`,
    );
    return { code: 1, isRead };
  }
  const { state, text } = readStatus(answer.body);
  const isRead = print(json ? `${JSON.stringify(answer.body)}\n` : before + text);
  return { code: state === "ok" ? 0 : 1, isRead };
}
