/** How Azure words its errors on the wire, and which of its requests is which. */

import { pathEnds, type Wire } from "../http_traffic.ts";
import type { FaultCall, Refusal } from "../rig.ts";

const actions: Readonly<Record<FaultCall, string>> = {
  read: "Microsoft.Network/routeTables/read",
  write: "Microsoft.Network/routeTables/routes/write",
  prepare: "Microsoft.Network/virtualNetworks/subnets/read",
  resolve: "Microsoft.Network/virtualNetworks/subnets/read",
  findDead: "Microsoft.Compute/virtualMachines/instanceView/read",
  check: "Microsoft.Network/virtualNetworks/subnets/read",
};

const readsSubnet = pathEnds("GET", /\/subnets\/[^/]+$/);
/** See the head of this file. */
export const wire: Wire = {
  isWrite: ({ method }) => method === "PUT" || method === "DELETE",
  isLogin: ({ url }) => /\/metadata\/identity\/oauth2\/token/.test(url.pathname),
  request: {
    read: pathEnds("GET", /\/routeTables\/[^/]+$/),
    write: pathEnds("PUT", /\/routeTables\/[^/]+(\/routes\/[^/]+)?$/),
    prepare: readsSubnet,
    resolve: readsSubnet,
    findDead: pathEnds("GET", /\/instanceView$/),
    check: readsSubnet,
  },
  refusal: (kind, call, headers) => {
    const { status, ...error } = refusals(call)[kind];
    return Response.json({ error }, { status, headers });
  },
  // A limit that the refusal of a nearly empty table names is not kept: what fits is.
  expected: (kind, call) => kind === "denied" ? { action: actions[call] } : {},
  incomplete: () => "{}",
};

function refusals(
  call: FaultCall,
): Record<Refusal, { readonly status: number; readonly code: string; readonly message: string }> {
  return {
    throttled: { status: 429, code: "TooManyRequests", message: "Too many requests." },
    quota: {
      status: 400,
      code: "RouteTableRoutesLimitReached",
      message: "Cannot have more than 400 routes in a route table.",
    },
    denied: {
      status: 403,
      code: "AuthorizationFailed",
      message:
        `The client 'c' with object id 'o' does not have authorization to perform action '${
          actions[call]
        }' over ` +
        "scope '/s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    },
    conflict: { status: 412, code: "PreconditionFailed", message: "Precondition failed." },
    gone: { status: 404, code: "ResourceNotFound", message: "The Resource 'x' was not found." },
    unavailable: { status: 503, code: "ServiceUnavailable", message: "The service is not available." },
    invalid: { status: 400, code: "InvalidRequestFormat", message: "Cannot parse the request." },
  };
}
