/** What Keystone's and Neutron's error answers mean. */

import * as v from "valibot";
import { CloudError, type CloudErrorKind } from "../cloud_error.ts";
import { type HttpAnswer, kindOfStatus, retryAfterMs } from "../http.ts";

/** Neutron's form and Keystone's. */
const neutronErrorSchema = v.object({ NeutronError: v.object({ type: v.string(), message: v.string() }) });
const plainNeutronErrorSchema = v.object({ NeutronError: v.string() });
const keystoneErrorSchema = v.object({
  error: v.object({ title: v.optional(v.string()), message: v.string() }),
});

/** The service's own words about a failure. */
interface ServiceError {
  readonly code: string | undefined;
  readonly message: string;
}

/**
 * The error for an answer with an error status.
 *
 * @param action what failed, as a verb phrase that fits after "Cannot".
 * @param permission what has to be allowed for the call: an access rule such as `PUT /v2.0/routers/*`.
 * @param now milliseconds since the epoch, for a Retry-After that is a date.
 */
export function errorOf(action: string, permission: string, answer: HttpAnswer, now: number): CloudError {
  const { code, message } = serviceError(answer);
  const kind = kindOf(answer.status, code);
  return new CloudError(kind, `Cannot ${action}: ${message}${hint(answer.status, permission)}`, {
    status: answer.status,
    code,
    requestId: answer.headers.get("x-openstack-request-id") ?? undefined,
    retryAfterMs: retryAfterMs(answer.headers, now),
    action: kind === "denied" ? policyRule(message) ?? permission : undefined,
    limit: kind === "quota" ? limitOf(message) : undefined,
  });
}

function kindOf(status: number, code: string | undefined): CloudErrorKind {
  // OverQuota since Neutron 29 (409); RoutesExhausted before (400).
  if (code === "OverQuota" || code === "RoutesExhausted") return "quota";
  // An overloaded proxy in front says 413 with Retry-After, as Nova's own limiter did.
  if (status === 413) return "throttled";
  return kindOfStatus(status);
}

function serviceError(answer: HttpAnswer): ServiceError {
  const neutron = v.safeParse(neutronErrorSchema, answer.body);
  if (neutron.success) {
    return { code: neutron.output.NeutronError.type, message: neutron.output.NeutronError.message };
  }
  const plain = v.safeParse(plainNeutronErrorSchema, answer.body);
  if (plain.success) return { code: undefined, message: plain.output.NeutronError };
  const keystone = v.safeParse(keystoneErrorSchema, answer.body);
  if (keystone.success) {
    return { code: keystone.output.error.title, message: keystone.output.error.message };
  }
  return { code: undefined, message: `the answer is HTTP ${answer.status}` };
}

/** Neutron hides which access rule a token lacks: it answers 401 as for any token that it does not take. */
function hint(status: number, permission: string): string {
  if (status !== 401) return "";
  return ` (the token is fresh: if the application credential has access rules, they must have ${permission})`;
}

/** `rule:add_extraroutes is disallowed by policy`. */
function policyRule(message: string): string | undefined {
  return /\brule:([a-z_:]+)/.exec(message)?.[1];
}

/** `The number of routes exceeds the maximum 30.` */
function limitOf(message: string): number | undefined {
  const digits = /exceeds the maximum ([0-9]+)/.exec(message)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
