/** `release`: lets the withdrawals that the running service holds go now. */

import * as v from "valibot";
import type { CommandContext } from "../context.ts";
import { counted } from "../../sync/wording.ts";
import { askService, noAnswerText } from "../service/service_client.ts";
import { serviceFilesOf } from "../service/service_files.ts";

const answerSchema = v.object({ released: v.number() });

/** Runs the command. @returns 0: done, also where nothing was held; 1: no service runs. */
export async function release(context: CommandContext): Promise<number> {
  const { socket } = serviceFilesOf(context);
  const answer = await askService(socket, "POST /release");
  if (!answer.running) {
    context.print(`${noAnswerText(answer, socket)}\n${answer.remedy}\n`);
    return 1;
  }
  const parsed = v.safeParse(answerSchema, answer.body);
  if (!parsed.success) {
    context.print(`The service, which is of another version, answered: ${JSON.stringify(answer.body)}\n`);
    return 0;
  }
  const { released } = parsed.output;
  context.print(
    released === 0
      ? "Nothing is held\n"
      : `Released ${counted(released, "withdrawal")}; status shows them go\n`,
  );
  return 0;
}
