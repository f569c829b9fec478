/** Reading a network's routes. */

import { getLogger } from "@logtape/logtape";
import { parseInterfaceAddress, type Prefix } from "../../routes/prefix.ts";
import type { CloudRoute, Sign } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type RouteAnswer, routeFields, routePage } from "./schemas.ts";
import type { ComputeApi } from "./api.ts";
import { isElsewhere, nextHopId, type SelfHop } from "./next_hop.ts";
import { resourceName, shortUrl } from "./resource_url.ts";
import { neighbourOf, ownerOf, wantersOf, writerOf } from "./route_mark.ts";
import { partsOf, sharedPriorities, type SharedRoute, type SharedRoutes } from "./shared_routes.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** What our routes of one network have in common. */
export interface RouteSettings {
  readonly owner: string;
  /** Name of this VM, for the routes' descriptions. */
  readonly instance: string;
  /** How marks name this VM; null: not at all, since nobody else has this owner. */
  readonly sign: Sign | null;
  /** Short URL of the network, and the project that it names. */
  readonly network: string;
  readonly project: string;
  readonly self: SelfHop;
  readonly priority: number;
  readonly tags: readonly string[];
}

/** A network's routes as read. */
export interface NetworkRoutes {
  readonly routes: readonly CloudRoute[];
  /** Those of ours that routers behind a load balancer share: in `routes` each stands for every router that wants it. */
  readonly shared: SharedRoutes;
  /** How many are static, which a quota may count; the others are the cloud's own, of subnets and peerings. */
  readonly staticCount: number;
}

/** Reads all routes of a network, of whatever kind: a route for each of Google's, and for each router that shares one. */
export async function readRoutes(
  api: ComputeApi,
  settings: RouteSettings,
  signal: AbortSignal,
): Promise<NetworkRoutes> {
  const pages = await api.pages({
    action: `list the routes of ${settings.network}`,
    permission: "compute.routes.list",
    path: `projects/${settings.project}/global/routes`,
    query: {
      // Spares other networks' routes where it works; what decides is the comparison below.
      filter: `network eq .*/${resourceName(settings.network)}`,
      fields: `nextPageToken,items(${routeFields})`,
    },
    answer: routePage,
  }, signal);
  const answers = pages.flatMap(({ items }) => items).filter(({ network }) =>
    shortUrl(network) === settings.network
  );
  const shared = new Map<string, SharedRoute>();
  const routes = answers.filter(hasPrefix).flatMap((answer) => {
    const route = cloudRoute(answer, settings);
    if (settings.sign === null || route.owner !== settings.owner || !isShared(answer, settings)) {
      return [route];
    }
    const known = sharedRoute(answer, settings);
    shared.set(answer.name, known);
    return partsOf(route, known, settings.sign);
  });
  return { routes, shared, staticCount: answers.filter(isStatic).length };
}

/**
 * A route in the program's words.
 *
 * A route of ours that has another priority, or is limited to other tags, than is set now does not do what is
 * wanted though its next hop is right; its next hop then carries the difference (`10.0.0.3 priority=900`), so
 * that it is replaced.
 */
export function cloudRoute(answer: RouteAnswer, settings: RouteSettings): CloudRoute {
  const prefix = destination(answer);
  const owner = ownerOf(answer.name, answer.description, prefix.text);
  const writer = owner === null ? null : writerOf(answer.description, settings);
  const nextHop = owner === settings.owner
    ? `${ownNextHop(answer, settings.self)}${deviation(answer, settings)}`
    : nextHopId(answer, settings.self);
  const isDropped = answer.warnings.some(({ code }) => droppedCodes.has(code ?? ""));
  return {
    prefix,
    nextHops: [nextHop],
    owner,
    id: answer.name,
    ...(writer === null ? {} : { writer }),
    ...(isDropped ? { blackhole: true } : {}),
  };
}

/** Warnings that say that a route's next hop forwards nothing (compute v1, discovery revision 20261106, `Route.warnings`). */
const droppedCodes: ReadonlySet<string> = new Set([
  "NEXT_HOP_ADDRESS_NOT_ASSIGNED",
  "NEXT_HOP_INSTANCE_NOT_FOUND",
  "NEXT_HOP_INSTANCE_NOT_ON_NETWORK",
  "NEXT_HOP_NOT_RUNNING",
]);

/** What a route of ours was made for. If it names an address of another network, it points at somebody else here. */
function ownNextHop(answer: RouteAnswer, self: SelfHop): string {
  const hop = nextHopId(answer, self);
  if (isElsewhere(hop, self)) return `${hop} of another network`;
  const neighbour = hop === self.id ? neighbourOf(answer.description) : null;
  return neighbour !== null && isElsewhere(neighbour, self) ? neighbour : hop;
}

/** Whether the routers of its owner share a route of ours: one to a load balancer, which stands for all of them. */
function isShared({ nextHopIlb }: RouteAnswer, { sign }: RouteSettings): boolean {
  return sign !== null && nextHopIlb !== undefined;
}

function sharedRoute(answer: RouteAnswer, { self }: RouteSettings): SharedRoute {
  const { description, priority, tags } = answer;
  return { hop: nextHopId(answer, self), priority, tags, wanters: wantersOf(description) };
}

function deviation(answer: RouteAnswer, settings: RouteSettings): string {
  const tags = [...answer.tags].sort().join(",");
  const right = isShared(answer, settings) ? sharedPriorities(settings.priority) : [settings.priority];
  const priority = right.includes(answer.priority) ? "" : ` priority=${answer.priority}`;
  return tags === [...settings.tags].sort().join(",") ? priority : `${priority} tags=${tags}`;
}

function isStatic(answer: RouteAnswer): boolean {
  return answer.nextHopNetwork === undefined && answer.nextHopPeering === undefined &&
    answer.nextHopHub === undefined;
}

/** Whether a route's destination is a prefix; one of another kind is foreign, and passed over. */
function hasPrefix(answer: RouteAnswer): boolean {
  try {
    destination(answer);
    return true;
  } catch (error) {
    logger.warn("Ignoring a foreign route: {error}", { error: String(error) });
    return false;
  }
}

function destination(answer: RouteAnswer): Prefix {
  try {
    return parseInterfaceAddress(answer.destRange).subnet;
  } catch (cause) {
    throw new CloudError(
      "malformed",
      `Cannot read route ${answer.name}: "${answer.destRange}" is not a prefix`,
      {
        cause,
      },
    );
  }
}
