/** How Google Cloud words its errors on the wire, and which of its requests is which. */

import { pathEnds, type Wire } from "../http_traffic.ts";
import type { FaultCall, Refusal } from "../rig.ts";

const permissions: Readonly<Record<FaultCall, string>> = {
  read: "compute.routes.list",
  write: "compute.routes.create",
  prepare: "compute.instances.get",
  resolve: "compute.instances.list",
  findDead: "compute.instances.list",
  check: "compute.instances.get",
};

/** See the head of this file. */
export const wire: Wire = {
  isWrite: ({ method, url }) => method !== "GET" && /\/global\/routes(\/|$)/.test(url.pathname),
  isLogin: ({ url }) => url.pathname.endsWith("/token"),
  request: {
    read: pathEnds("GET", /\/global\/routes$/),
    write: pathEnds("POST", /\/global\/routes$/),
    prepare: pathEnds("GET", /\/zones\/[^/]+\/instances\/[^/]+$/),
    resolve: pathEnds("GET", /\/aggregated\/instances$/),
    findDead: pathEnds("GET", /\/aggregated\/instances$/),
    check: pathEnds("GET", /\/zones\/[^/]+\/instances\/[^/]+$/),
  },
  refusal: (kind, call, headers) => {
    const { status, reason, message } = refusals(call)[kind];
    const errors = [{ message, domain: "global", reason }];
    return Response.json({ error: { code: status, message, errors } }, { status, headers });
  },
  expected: (kind, call) => ({
    ...(kind === "denied" ? { action: permissions[call] } : {}),
    ...(kind === "quota" ? { limit: 250 } : {}),
  }),
  incomplete: () => JSON.stringify({ items: [{}], nextPageToken: 5 }),
};

function refusals(
  call: FaultCall,
): Record<Refusal, { readonly status: number; readonly reason: string; readonly message: string }> {
  const resource = "projects/prod/global/networks/net";
  return {
    throttled: { status: 403, reason: "rateLimitExceeded", message: "Rate Limit Exceeded" },
    quota: {
      status: 403,
      reason: "quotaExceeded",
      message: "Quota 'STATIC_ROUTES_PER_NETWORK' exceeded.  Limit: 250.0 globally.",
    },
    denied: {
      status: 403,
      reason: "forbidden",
      message: `Required '${permissions[call]}' permission for '${resource}'`,
    },
    conflict: { status: 409, reason: "alreadyExists", message: `The resource '${resource}' already exists` },
    gone: { status: 404, reason: "notFound", message: `The resource '${resource}' was not found` },
    unavailable: { status: 503, reason: "backendError", message: "Backend Error" },
    invalid: { status: 400, reason: "invalid", message: "Invalid value for field 'x'" },
  };
}
