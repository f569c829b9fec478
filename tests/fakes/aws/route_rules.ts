/**
 * Where moto takes what EC2 refuses: the rules of CreateRoute, ReplaceRoute and DeleteRoute, over a memory of what each table
 * holds. Documentation: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and
 * https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html.
 */

import { parsePrefix, type Prefix, prefixContains } from "../../../src/routes/prefix.ts";
import { itemsOf, textOf } from "./xml.ts";

/** A refusal as EC2 gives it. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** A gateway endpoint's route: only ModifyVpcEndpoint makes or ends it. */
export interface EndpointRoute {
  readonly prefixListId: string;
  readonly endpointId: string;
}

const reserved = ["169.254.168.0/22", "fd00:ec2::/32"].map(parsePrefix);

/** What the tables hold, as far as the rules need it. */
export class RouteRules {
  /** Most routes of a family in one table. */
  limit = 500;
  readonly #destinations = new Map<string, Set<string>>();
  readonly #locals = new Map<string, Prefix[]>();
  #changes = 0;

  /** Counts the calls that changed routes: a reading that began before one of them may be stale. */
  get changes(): number {
    return this.#changes;
  }

  /** Takes note of a table as moto shows it. @param since {@linkcode changes} when the reading began. */
  learn(tableXml: string, since: number): void {
    const id = textOf(tableXml, "routeTableId");
    if (id === null || (since !== this.#changes && this.knows(id))) return;
    const routes = itemsOf(tableXml, "routeSet");
    this.#destinations.set(id, new Set(routes.flatMap((route) => destinationOfXml(route) ?? [])));
    const locals = routes.filter((route) => textOf(route, "gatewayId") === "local");
    this.#locals.set(
      id,
      locals.flatMap((route) => {
        const text = destinationOfXml(route);
        return text === null ? [] : [parsePrefix(text)];
      }),
    );
  }

  knows(tableId: string): boolean {
    return this.#destinations.has(tableId);
  }

  /** Why EC2 would refuse, or null. */
  judge(action: string, fields: URLSearchParams, subnets: readonly string[]): Refusal | null {
    const tableId = fields.get("RouteTableId") ?? "";
    const routes = this.#destinations.get(tableId);
    if (routes === undefined) return noTable(tableId);
    const destination = destinationField(fields);
    if (action !== "CreateRoute") {
      return routes.has(destination) ? null : noRoute(action, destination, tableId);
    }
    return this.#judgeNew(fields, destination, routes, this.#locals.get(tableId) ?? [], subnets);
  }

  /** Takes note of a call that moto carried out. */
  done(action: string, fields: URLSearchParams): void {
    this.#changes++;
    const routes = this.#destinations.get(fields.get("RouteTableId") ?? "");
    if (action === "CreateRoute") routes?.add(destinationField(fields));
    if (action === "DeleteRoute") routes?.delete(destinationField(fields));
  }

  #judgeNew(
    fields: URLSearchParams,
    destination: string,
    routes: ReadonlySet<string>,
    locals: readonly Prefix[],
    subnets: readonly string[],
  ): Refusal | null {
    if (
      destination.startsWith("pl-") &&
      (fields.get("GatewayId") ?? fields.get("VpcEndpointId"))?.startsWith("vpce-")
    ) {
      return invalid("Cannot create or replace a prefix list route targeting a VPC Endpoint.");
    }
    if (!destination.startsWith("pl-")) {
      const wrong = misfit(fields, destination, locals, subnets);
      if (wrong !== null) return wrong;
    }
    if (routes.has(destination)) {
      return refuse("RouteAlreadyExists", `The route identified by ${destination} already exists.`);
    }
    const isV6 = destination.includes(":");
    const used = [...routes].filter((route) => route.includes(":") === isV6).length;
    if (used >= this.limit) {
      return refuse("RouteLimitExceeded", "The maximum number of routes has been reached.");
    }
    return null;
  }
}

function misfit(
  fields: URLSearchParams,
  destination: string,
  locals: readonly Prefix[],
  subnets: readonly string[],
): Refusal | null {
  let prefix: Prefix;
  try {
    prefix = parsePrefix(destination);
  } catch {
    return invalid(`The destination CIDR block ${destination} is not a valid CIDR.`);
  }
  if ((prefix.family === 4) !== fields.has("DestinationCidrBlock")) {
    return invalid(`Value (${destination}) for parameter destinationCidrBlock is invalid.`);
  }
  if (reserved.some((range) => prefixContains(range, prefix))) {
    return invalid(`The destination CIDR block ${destination} is reserved.`);
  }
  const inside = locals.some((local) => prefixContains(local, prefix) && local.text !== prefix.text);
  if (inside && !subnets.includes(prefix.text)) {
    return invalid(
      `The destination CIDR block ${destination} is more specific than a local route and no subnet.`,
    );
  }
  return null;
}

/** The destination of a route that XML shows. */
export function destinationOfXml(route: string): string | null {
  return textOf(route, "destinationCidrBlock") ?? textOf(route, "destinationIpv6CidrBlock") ??
    textOf(route, "destinationPrefixListId");
}

function destinationField(fields: URLSearchParams): string {
  return fields.get("DestinationCidrBlock") ?? fields.get("DestinationIpv6CidrBlock") ??
    fields.get("DestinationPrefixListId") ?? "";
}

/** What EC2 answers about a table that it does not know (yet). */
export function noTable(tableId: string): Refusal {
  return refuse("InvalidRouteTableID.NotFound", `The routeTable ID '${tableId}' does not exist`);
}

/** EC2 has two answers about a route that it does not know: https://github.com/getmoto/moto/issues/6425 shows them. */
function noRoute(action: string, destination: string, tableId: string): Refusal {
  return action === "ReplaceRoute"
    ? invalid(`There is no route defined for '${destination}' in the route table. Use CreateRoute instead.`)
    : refuse(
      "InvalidRoute.NotFound",
      `no route with destination-cidr-block ${destination} in route table ${tableId}`,
    );
}

function invalid(message: string): Refusal {
  return refuse("InvalidParameterValue", message);
}

function refuse(code: string, message: string): Refusal {
  return { status: 400, code, message };
}
