/** How AWS words its errors on the wire, and which of its requests is which. */

import { isWrite } from "../../fakes/aws/strict_front.ts";
import { refusalXml } from "../../fakes/aws/xml.ts";
import type { Match, Seen } from "../../fakes/tap.ts";
import type { Wire } from "../http_traffic.ts";
import type { FaultCall, Refusal } from "../rig.ts";

const actions: Readonly<Record<FaultCall, string>> = {
  read: "DescribeRouteTables",
  write: "CreateRoute",
  prepare: "CreateRouteTable",
  resolve: "DescribeNetworkInterfaces",
  findDead: "DescribeInstances",
  check: "DescribeRouteTables",
};

/** See the head of this file. */
export const wire: Wire = {
  isWrite: (seen) => isWrite({ action: actionOf(seen), fields: new URLSearchParams(seen.body) }),
  isLogin: ({ url }) => url.pathname.endsWith("/iam/security-credentials/router"),
  request: {
    read: calls("read"),
    write: calls("write"),
    prepare: calls("prepare"),
    resolve: calls("resolve"),
    findDead: calls("findDead"),
    check: calls("check"),
  },
  refusal: (kind, call, headers) => {
    const { status, code, message } = refusals(call)[kind];
    const typed = new Headers(headers);
    typed.set("content-type", "text/xml");
    return new Response(refusalXml(code, message), { status, headers: typed });
  },
  expected: (kind, call) => kind === "denied" ? { action: `ec2:${actions[call]}` } : {},
  incomplete: (call) =>
    `<${actions[call]}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>r</requestId>` +
    `</${actions[call]}Response>`,
};

function refusals(
  call: FaultCall,
): Record<Refusal, { readonly status: number; readonly code: string; readonly message: string }> {
  return {
    throttled: { status: 503, code: "RequestLimitExceeded", message: "Request limit exceeded." },
    quota: {
      status: 400,
      code: "RouteLimitExceeded",
      message: "The maximum number of routes has been reached.",
    },
    denied: {
      status: 403,
      code: "UnauthorizedOperation",
      message:
        "You are not authorized to perform this operation. User: arn:aws:sts::1:assumed-role/router/i-1 is not " +
        `authorized to perform: ec2:${actions[call]} because no identity-based policy allows it.`,
    },
    conflict: {
      status: 400,
      code: "RouteAlreadyExists",
      message: "The route identified by x already exists.",
    },
    gone: {
      status: 400,
      code: "InvalidRouteTableID.NotFound",
      message: "The routeTable ID 'rtb-1' does not exist",
    },
    unavailable: { status: 500, code: "InternalError", message: "An internal error has occurred" },
    invalid: { status: 400, code: "InvalidParameterValue", message: "Value (x) for parameter y is invalid." },
  };
}

function calls(call: FaultCall): Match {
  return (seen) => actionOf(seen) === actions[call];
}

function actionOf({ body }: Seen): string {
  return new URLSearchParams(body).get("Action") ?? "";
}
