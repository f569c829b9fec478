/**
 * Waiting for operations. Each insert and delete answers at once with an operation, which takes seconds;
 * `wait` holds the answer back until it is done, or for about two minutes
 * (https://cloud.google.com/compute/docs/reference/rest/v1/globalOperations/wait).
 */

import { CloudError } from "../cloud_error.ts";
import { type Operation, operationAnswer } from "./schemas.ts";
import type { ApiCall, ComputeApi } from "./api.ts";
import { errorOfOperation } from "./errors.ts";
import { delay } from "../../async/delay.ts";

/** How long to wait, in milliseconds. */
export interface OperationTimeouts {
  /** For one answer. Short, so that a connection that died while waiting is noticed. */
  readonly answerMs: number;
  /** For the operation to end. */
  readonly totalMs: number;
  /** Least time between two questions: when Google is busy, `wait` may come back at once with nothing done. */
  readonly betweenMs: number;
}

/** For the real cloud, where an operation takes seconds. */
export const defaultTimeouts: OperationTimeouts = { answerMs: 12_000, totalMs: 180_000, betweenMs: 1_000 };

const operationFields = "name,status,targetLink,httpErrorStatusCode,error,warnings";

/**
 * Waits until an operation is done.
 *
 * @param project the project that the operation belongs to: that of the route.
 * @param action what the operation does, as a verb phrase that fits after "Cannot".
 * @returns the finished operation, which may carry warnings.
 * @throws {CloudError} what the operation's own error says; `unavailable` if its end cannot be seen.
 */
export async function finish(
  api: ComputeApi,
  project: string,
  action: string,
  started: Operation,
  signal: AbortSignal,
  timeouts: OperationTimeouts = defaultTimeouts,
): Promise<Operation> {
  const deadline = performance.now() + timeouts.totalMs;
  let operation = started;
  while (operation.status !== "DONE") {
    if (performance.now() > deadline) {
      const why = `operation ${started.name} is not done after ${timeouts.totalMs / 1000} s`;
      throw new CloudError("unavailable", `Cannot ${action}: ${why}`, { requestId: started.name });
    }
    const askedAt = performance.now();
    operation = await look(api, project, action, started.name, signal, timeouts.answerMs);
    if (operation.status !== "DONE") await delay(askedAt + timeouts.betweenMs - performance.now(), signal);
  }
  const error = errorOfOperation(action, operation);
  if (error !== null) throw error;
  return operation;
}

/** One look at an operation. One that is not known (any more) may have ended well or not: its end cannot be seen. */
async function look(
  api: ComputeApi,
  project: string,
  action: string,
  name: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Operation> {
  const get: ApiCall<Operation> = {
    action: `${action}: wait for operation ${name}`,
    permission: "compute.globalOperations.get",
    path: `projects/${project}/global/operations/${name}`,
    query: { fields: operationFields },
    answer: operationAnswer,
  };
  try {
    return await waitOrGet(api, get, signal, timeoutMs);
  } catch (error) {
    if (!(error instanceof CloudError && error.kind === "gone")) throw error;
    const why = `the end of operation ${name} cannot be seen, Google does not know it`;
    throw new CloudError("unavailable", `Cannot ${action}: ${why}`, { requestId: name, cause: error });
  }
}

/** One wait. Where no answer comes in time a plain `get` tells whether the operation is slow or the API out of reach. */
async function waitOrGet(
  api: ComputeApi,
  get: ApiCall<Operation>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Operation> {
  try {
    return await api.send({ ...get, method: "POST", path: `${get.path}/wait`, timeoutMs }, signal);
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return await api.send(get, signal);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof CloudError && error.cause instanceof DOMException &&
    error.cause.name === "TimeoutError";
}
