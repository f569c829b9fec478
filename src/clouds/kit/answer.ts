/** Checks what a cloud answers, in one place and with one wording. */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";

/** What the error of an odd answer says besides where it is odd. */
export interface AnswerDetails {
  /** `unavailable` for a change, which may have taken effect whatever its answer says; `malformed` unless given. */
  readonly kind?: "malformed" | "unavailable";
  readonly status?: number;
}

/** So many odd places a message names; the others add nothing. */
const mostIssues = 3;

/**
 * Checks an answer against a schema.
 *
 * @param action what the call was for, as a verb phrase that fits after "Cannot": `read router r-1`.
 * @returns the answer, typed.
 * @throws {CloudError} that names the places that are odd.
 */
export function parseAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  answer: unknown,
  action: string,
  { kind = "malformed", status }: AnswerDetails = {},
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, answer);
  if (parsed.success) return parsed.output;
  const places = parsed.issues.slice(0, mostIssues).map(placeOf).join("; ");
  throw new CloudError(kind, `Cannot ${action}: the answer is not as documented: ${places}`, { status });
}

/** `routes.0.destination: Invalid type: Expected string but received undefined`. */
function placeOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}
