/**
 * Long-running operations: a PUT or DELETE that Azure has accepted and goes on with.
 *
 * The answer names where to ask: `Azure-AsyncOperation` (a body with `status`) or `Location` (202 until it is done);
 * learn.microsoft.com, "Track asynchronous Azure operations".
 */

import * as v from "valibot";
import { delay } from "../../async/delay.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmAnswer, ArmClient } from "./api.ts";
import { armError, delayInHeaders } from "./errors.ts";

/** First pause between two questions in milliseconds where Azure names none; doubled each time up to the longest. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** How long an operation may take before it is given up, in milliseconds. */
const timeoutMs = 300_000;

const statusSchema = v.looseObject({ status: v.string() });
const resourceSchema = v.looseObject({
  properties: v.looseObject({ provisioningState: v.optional(v.string()) }),
});

/**
 * Waits until an accepted change is done.
 *
 * @param accepted the answer to the PUT or DELETE.
 * @param action what is waited for, fitting after "Cannot".
 * @throws {CloudError} of the kind that the failed operation's own error has; `unavailable` if it takes longer than five
 * minutes or its state cannot be asked for.
 */
export async function awaitOperation(
  arm: ArmClient,
  accepted: ArmAnswer,
  action: string,
  signal: AbortSignal,
): Promise<void> {
  const url = accepted.headers["azure-asyncoperation"] ?? accepted.headers["location"];
  if (url === undefined || isFinished(accepted)) return;
  const start = performance.now();
  let pause = delayInHeaders(accepted.headers);
  for (
    let ramp = firstPauseMs;
    performance.now() - start < timeoutMs;
    ramp = Math.min(ramp * 2, longestPauseMs)
  ) {
    await delay(pause ?? ramp, signal);
    try {
      const answer = await arm.send({ action, method: "GET", path: url, signal });
      if (isDone(answer, action)) return;
      pause = delayInHeaders(answer.headers);
    } catch (error) {
      if (!(error instanceof CloudError) || error.kind !== "throttled") throw error;
      pause = error.retryAfterMs;
    }
  }
  throw new CloudError("unavailable", `Cannot ${action}: Azure is not done after ${timeoutMs / 1000} s`);
}

/** Whether a PUT's answer says that there is nothing to wait for. */
function isFinished({ status, body }: ArmAnswer): boolean {
  if (status === 202) return false;
  const parsed = v.safeParse(resourceSchema, body);
  return parsed.success && parsed.output.properties.provisioningState === "Succeeded";
}

function isDone(answer: ArmAnswer, action: string): boolean {
  const parsed = v.safeParse(statusSchema, answer.body);
  if (!parsed.success) return answer.status !== 202;
  switch (parsed.output.status.toLowerCase()) {
    case "succeeded":
      return true;
    case "failed":
    case "canceled":
      throw armError(action, 0, answer.headers, answer.body);
    default:
      return false;
  }
}
