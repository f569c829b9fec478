/** How OpenStack words its errors on the wire, and which of its requests is which. */

import { pathEnds, type Wire } from "../http_traffic.ts";
import type { FaultCall, Refusal } from "../rig.ts";

const rules: Readonly<Record<FaultCall, string>> = {
  read: "get_router",
  write: "add_extraroutes",
  prepare: "get_subnet",
  resolve: "get_port",
  findDead: "get_port",
  check: "get_router",
};

/** See the head of this file. */
export const wire: Wire = {
  isWrite: ({ method, url }) => method !== "GET" && url.pathname.startsWith("/network/"),
  isLogin: ({ method, url }) => method === "POST" && url.pathname.endsWith("/auth/tokens"),
  request: {
    read: pathEnds("GET", /\/routers\/[^/]+$/),
    write: pathEnds("PUT", /\/add_extraroutes$/),
    prepare: pathEnds("GET", /\/subnets$/),
    resolve: ({ method, url }) =>
      method === "GET" && url.pathname.endsWith("/ports") && url.searchParams.has("fixed_ips"),
    findDead: ({ method, url }) =>
      method === "GET" && url.pathname.endsWith("/ports") &&
      url.searchParams.getAll("fields").includes("status"),
    check: pathEnds("GET", /\/routers\/[^/]+$/),
  },
  refusal: (kind, call, headers) => {
    const { status, type, message } = refusals(call)[kind];
    // What stands before Neutron answers in its own words.
    if (type === null) {
      return new Response(`<html><body><h1>${message}</h1></body></html>`, { status, headers });
    }
    return Response.json({ NeutronError: { type, message, detail: "" } }, { status, headers });
  },
  expected: (kind, call) => kind === "denied" ? { action: rules[call] } : {},
  incomplete: () => "{}",
};

function refusals(
  call: FaultCall,
): Record<
  Refusal,
  { readonly status: number; readonly type: string | null; readonly message: string }
> {
  return {
    throttled: { status: 429, type: null, message: "429 Too Many Requests" },
    quota: { status: 409, type: "OverQuota", message: "Quota exceeded for resources: ['router_route']." },
    denied: {
      status: 403,
      type: "PolicyNotAuthorized",
      message: `rule:${rules[call]} is disallowed by policy`,
    },
    conflict: {
      status: 412,
      type: "RevisionNumberConstraintFailed",
      message: "Constrained to 3, but current revision is 4",
    },
    gone: { status: 404, type: "RouterNotFound", message: "Router r could not be found" },
    unavailable: { status: 503, type: null, message: "503 Service Unavailable" },
    invalid: { status: 400, type: "InvalidRoutes", message: "Invalid format for routes: []" },
  };
}
