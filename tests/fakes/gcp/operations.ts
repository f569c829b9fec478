/** The fake's operations: PENDING, RUNNING, DONE in the course of time. */

import type { Warning } from "./refusals.ts";

/** An operation's own error. */
export interface OperationError {
  readonly code: string;
  readonly message: string;
  readonly quotaInfo?: { readonly metricName: string; readonly limitName: string; readonly limit: number };
}

/** What an operation is to do. */
export interface OperationWork {
  readonly type: "insert" | "delete";
  /** Name of the route. */
  readonly target: string;
  /** Done when the operation ends; what it returns is the operation's error, null if it ends well. */
  readonly effect: () => OperationError | null;
  readonly warnings?: readonly Warning[];
}

interface RunningOperation extends OperationWork {
  readonly name: string;
  readonly project: string;
  readonly timers: ReturnType<typeof setTimeout>[];
  readonly done: PromiseWithResolvers<void>;
  status: "PENDING" | "RUNNING" | "DONE";
  error: OperationError | null;
}

/** All operations of a fake. */
export class FakeOperations {
  /** From the request to the operation's end, in milliseconds. */
  delayMs = 0;
  /** Longest that `wait` holds an answer back; Google's is two minutes. */
  waitMs = 120_000;
  readonly #all = new Map<string, RunningOperation>();
  #count = 0;

  /** Starts an operation. */
  start(project: string, work: OperationWork): unknown {
    const name = `operation-1764000000000-${
      (++this.#count).toString(16).padStart(13, "0")
    }-5f0e1d2c-3b4a5968`;
    const operation: RunningOperation = {
      ...work,
      name,
      project,
      timers: [],
      done: Promise.withResolvers(),
      status: "PENDING",
      error: null,
    };
    this.#all.set(name, operation);
    operation.timers.push(
      setTimeout(() => begin(operation), this.delayMs / 2),
      setTimeout(() => end(operation), this.delayMs),
    );
    return answerOf(operation);
  }

  /** The operation that works on a route at the moment. */
  running(project: string, target: string): "insert" | "delete" | null {
    for (const operation of this.#all.values()) {
      if (operation.project === project && operation.target === target && operation.status !== "DONE") {
        return operation.type;
      }
    }
    return null;
  }

  /** `get`, or `wait` until it is done. */
  async look(project: string, name: string, waits: boolean): Promise<unknown> {
    const operation = this.#all.get(name);
    if (operation === undefined || operation.project !== project) return null;
    if (waits) {
      const timeout = Promise.withResolvers<void>();
      const timer = setTimeout(timeout.resolve, this.waitMs);
      await Promise.race([operation.done.promise, timeout.promise]);
      clearTimeout(timer);
    }
    return answerOf(operation);
  }

  /** Stops the clocks of what is under way. */
  stop(): void {
    for (const { timers, done } of this.#all.values()) {
      for (const timer of timers) clearTimeout(timer);
      done.resolve();
    }
  }
}

/** Timers of a busy process may fire in another order than they were set for. */
function begin(operation: RunningOperation): void {
  if (operation.status === "PENDING") operation.status = "RUNNING";
}

function end(operation: RunningOperation): void {
  operation.error = operation.effect();
  operation.status = "DONE";
  operation.done.resolve();
}

function answerOf(operation: RunningOperation): unknown {
  const { name, project, status, type, target, error, warnings } = operation;
  const done = status === "DONE";
  return {
    kind: "compute#operation",
    id: "5817301974629301147",
    name,
    operationType: type,
    status,
    progress: done ? 100 : 0,
    targetLink: `https://www.googleapis.com/compute/v1/projects/${project}/global/routes/${target}`,
    ...(done && error !== null ? { error: { errors: [errorAnswer(error)] }, ...httpErrorOf(error) } : {}),
    ...(done && warnings !== undefined && warnings.length > 0 ? { warnings } : {}),
  };
}

/** As the API would have answered, had it looked at once. */
function httpErrorOf({ code }: OperationError): Readonly<Record<string, unknown>> {
  return code === "INVALID_FIELD_VALUE"
    ? { httpErrorStatusCode: 400, httpErrorMessage: "BAD REQUEST" }
    : { httpErrorStatusCode: 403, httpErrorMessage: "FORBIDDEN" };
}

function errorAnswer({ code, message, quotaInfo }: OperationError): unknown {
  return { code, message, ...(quotaInfo === undefined ? {} : { errorDetails: [{ quotaInfo }] }) };
}
