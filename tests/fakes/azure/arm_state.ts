/**
 * What Azure Resource Manager keeps, and the rules of its network provider: whole resources replaced by PUT, an ETag that
 * changes with each change, at most one change of a resource under way.
 */

/** A resource's JSON. */
export type Json = Record<string, unknown>;

/** A refusal: status, code, message and headers. */
export class ArmRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly details: readonly Json[] = [],
  ) {
    super(message);
  }
}

/** Limits and abilities that tests turn. */
export interface ArmRules {
  routeLimit: number;
  /** Whether the refusal of a full table names the limit. */
  namesRouteLimit: boolean;
  /** Whether routes may have several next hops in the region. */
  ecmp: boolean;
  /** Refuses a route for whatever reason, as Azure Policy does; null: none. */
  refuseRoute: ((route: Json) => ArmRefusal | null) | null;
}

/** `CanNotDelete` refuses DELETE, `ReadOnly` every change, of a resource and of all below it. */
export type LockLevel = "CanNotDelete" | "ReadOnly";

const defaultRules: ArmRules = { routeLimit: 1_000, namesRouteLimit: true, ecmp: true, refuseRoute: null };

interface Kept {
  body: Json;
  etag: string;
  state: string;
  /** Number of changes under way: 0 or 1. */
  busy: number;
}

/** All resources by their ids in lower case. */
export class ArmState {
  readonly rules: ArmRules = { ...defaultRules };
  readonly #kept = new Map<string, Kept>();
  /** By scope in lower case. */
  readonly #locks = new Map<string, LockLevel>();
  #etags = 0;

  /** Puts a resource there without any rule: how tests set the stage. Read-only properties are Azure's own. */
  place(id: string, body: Json): void {
    this.#kept.set(id.toLowerCase(), {
      body: { ...body, id },
      etag: this.#nextEtag(),
      state: "Succeeded",
      busy: 0,
    });
  }

  /** Forgets everything. */
  clear(): void {
    this.#kept.clear();
    this.#locks.clear();
    Object.assign(this.rules, defaultRules);
  }

  /** Locks a resource, or a resource group and all in it. */
  lock(scope: string, level: LockLevel): void {
    this.#locks.set(scope.toLowerCase(), level);
  }

  /** Lets a resource's last change count as failed, though all that it has stands. */
  fail(id: string): void {
    this.#get(id).state = "Failed";
  }

  /** Refuses a change that a lock forbids (Azure/azure-cli#16958 for the words). */
  checkLocks(method: string, id: string): void {
    for (const [scope, level] of this.#locks) {
      if (id.toLowerCase() !== scope && !id.toLowerCase().startsWith(`${scope}/`)) continue;
      if (level === "CanNotDelete" && method !== "DELETE") continue;
      throw new ArmRefusal(
        409,
        "ScopeLocked",
        `The scope '${id}' cannot perform ${
          method === "DELETE" ? "delete" : "write"
        } operation because following ` +
          `scope(s) are locked: '${scope}'. Please remove the lock and try again.`,
      );
    }
  }

  /** The routes of a table as their own list shows them: it leaves out `nextHop` (Azure/azure-cli#33493). */
  listRoutes(tableId: string): Json[] {
    return this.#shownRoutes(tableId).map((route) => ({
      ...route,
      properties: without(propertiesOf(route), ["nextHop"]),
    }));
  }

  has(id: string): boolean {
    return this.#kept.has(id.toLowerCase());
  }

  /** A resource as GET shows it. */
  show(id: string): Json {
    const kept = this.#get(id);
    const properties = { ...propertiesOf(kept.body), provisioningState: kept.state };
    const shown: Json = {
      name: id.slice(id.lastIndexOf("/") + 1),
      ...kept.body,
      etag: kept.etag,
      properties,
    };
    if (isTable(id)) {
      const subnets = this.#subnetsUsing(id);
      shown.properties = {
        ...properties,
        ...(subnets.length > 0 ? { subnets } : {}),
        routes: this.#shownRoutes(id),
      };
    }
    if (isNetwork(id)) shown.properties = { ...properties, subnets: this.list(`${id}/subnets`) };
    return shown;
  }

  /**
   * All resources of a type directly under a scope: `…/routeTables`. Of a subscription all groups' ("Route Tables - List All",
   * https://learn.microsoft.com/rest/api/virtualnetwork/route-tables/list-all).
   */
  list(collection: string): Json[] {
    const [, subscription = "", type = ""] =
      /^(\/subscriptions\/[^/]+)(\/providers\/.+)$/i.exec(collection) ?? [];
    const isUnder = (id: string, prefix: string): boolean =>
      id.startsWith(prefix) && !id.slice(prefix.length).includes("/");
    const ids = [...this.#kept.keys()].filter((id) =>
      type === "" ? isUnder(id, `${collection.toLowerCase()}/`) : isUnder(
        id.replace(/^(\/subscriptions\/[^/]+)\/resourcegroups\/[^/]+/, "$1"),
        `${subscription}${type}/`.toLowerCase(),
      ) && id.includes("/resourcegroups/")
    );
    return ids.map((id) => this.show(this.#idOf(id)));
  }

  etagOf(id: string): string | null {
    return this.#kept.get(id.toLowerCase())?.etag ?? null;
  }

  /** Refuses a change that comes while another is under way, or on a condition that does not hold. */
  admit(id: string, ifMatch: string | null): void {
    const parent = this.#kept.get(parentOf(id).toLowerCase());
    const kept = this.#kept.get(id.toLowerCase());
    if ((kept?.busy ?? 0) > 0 || (isRoute(id) && (parent?.busy ?? 0) > 0)) {
      throw new ArmRefusal(
        429,
        "RetryableError",
        "A retryable error occurred.",
        {},
        [{
          code: "RetryableErrorDueToAnotherOperation",
          message:
            `Operation on resource ${id} cannot start as another operation is in progress and can be retried in 11 seconds.`,
        }],
      );
    }
    if (ifMatch === null || ifMatch === kept?.etag) return;
    const message =
      `Etag provided in if-match header ${ifMatch} does not match etag ${kept?.etag ?? "none"} of resource ` +
      `${id} in NRP data store.`;
    throw new ArmRefusal(412, "PreconditionFailed", "Precondition failed.", {}, [
      { code: "PreconditionFailedEtagMismatch", message },
    ]);
  }

  /**
   * Begins to replace a resource.
   *
   * @returns how to end it: with success, or half-way.
   */
  replace(id: string, body: Json): { readonly created: boolean; readonly finish: (failed: boolean) => void } {
    this.#check(id, body);
    const key = id.toLowerCase();
    const before = this.#kept.get(key);
    const ownWords = isTable(id) ? ["provisioningState", "subnets"] : ["provisioningState"];
    const properties = without(propertiesOf(body), ownWords);
    const kept: Kept = {
      body: { ...without(body, ["etag"]), id: before?.body.id ?? id, properties },
      etag: this.#nextEtag(),
      state: "Updating",
      busy: 1,
    };
    this.#kept.set(key, kept);
    return {
      created: before === undefined,
      finish: (failed) => {
        if (failed) kept.body = halfDone(kept.body, before?.body);
        kept.state = failed ? "Failed" : "Succeeded";
        kept.etag = this.#nextEtag();
        kept.busy = 0;
      },
    };
  }

  /** Begins to replace one route of a table; the table is busy until it ends. */
  replaceRoute(
    id: string,
    body: Json,
  ): { readonly created: boolean; readonly finish: (failed: boolean) => void } {
    const tableId = parentOf(id);
    const table = this.#get(tableId);
    const name = id.slice(id.lastIndexOf("/") + 1);
    const routes = routesOf(table.body);
    const others = routes.filter((route) => String(route.name).toLowerCase() !== name.toLowerCase());
    const changed = {
      ...table.body,
      properties: { ...propertiesOf(table.body), routes: [...others, { ...body, name }] },
    };
    const { finish } = this.replace(tableId, changed);
    return { created: others.length === routes.length, finish };
  }

  /** Begins to delete a route; null if it is not there. */
  removeRoute(id: string): ((failed: boolean) => void) | null {
    const tableId = parentOf(id);
    const table = this.#get(tableId);
    const name = id.slice(id.lastIndexOf("/") + 1).toLowerCase();
    const routes = routesOf(table.body);
    const others = routes.filter((route) => String(route.name).toLowerCase() !== name);
    if (others.length === routes.length) return null;
    return this.replace(tableId, {
      ...table.body,
      properties: { ...propertiesOf(table.body), routes: others },
    }).finish;
  }

  /** Deletes a resource; whether it was there. */
  remove(id: string): boolean {
    if (isTable(id) && this.has(id) && this.#subnetsUsing(id).length > 0) {
      throw new ArmRefusal(
        400,
        "InUseRouteTableCannotBeDeleted",
        `Route table ${id} is in use and cannot be deleted.`,
      );
    }
    return this.#kept.delete(id.toLowerCase());
  }

  /** The table's routes by prefix, for assertions: `198.51.100.0/24` → `10.0.1.4`. */
  routes(tableId: string): Record<string, string> {
    return Object.fromEntries(
      routesOf(this.#get(tableId).body).map((route) => {
        const { addressPrefix, nextHopIpAddress, nextHopType, nextHop } = propertiesOf(route);
        const several = (nextHop as { nextHopIpAddresses?: string[] } | undefined)?.nextHopIpAddresses; // as it was PUT
        return [String(addressPrefix), String(several?.join(",") ?? nextHopIpAddress ?? nextHopType)];
      }),
    );
  }

  #check(id: string, body: Json): void {
    if (isTable(id)) this.#checkTable(body);
    const table = (propertiesOf(body).routeTable as { id?: string } | null | undefined)?.id; // as it was PUT
    if (isSubnet(id) && table !== undefined && !this.has(table)) {
      throw new ArmRefusal(
        400,
        "InvalidResourceReference",
        `Resource ${table} referenced by resource ${id} was not found.`,
      );
    }
  }

  #checkTable(body: Json): void {
    if (typeof body.location !== "string") {
      throw new ArmRefusal(400, "LocationRequired", "The location property is required for this definition.");
    }
    const routes = routesOf(body);
    if (routes.length > this.rules.routeLimit) {
      const most = this.rules.namesRouteLimit
        ? `more than ${this.rules.routeLimit} routes`
        : "so many routes";
      throw new ArmRefusal(400, "RouteTableRoutesLimitReached", `Cannot have ${most} in a route table.`);
    }
    const seen = new Set<unknown>();
    for (const route of routes) {
      this.#checkRoute(route);
      const { addressPrefix } = propertiesOf(route);
      if (seen.has(addressPrefix)) {
        throw new ArmRefusal(
          400,
          "RouteConflict",
          `Routes cannot have the same AddressPrefix ${addressPrefix}.`,
        );
      }
      seen.add(addressPrefix);
    }
  }

  #checkRoute(route: Json): void {
    const refusal = this.rules.refuseRoute?.(route) ?? null;
    if (refusal !== null) throw refusal;
    const { nextHopType, nextHopIpAddress, nextHop } = propertiesOf(route);
    const name = String(route.name);
    if (!/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/.test(name)) {
      throw new ArmRefusal(400, "InvalidResourceName", `Resource name ${name} is invalid.`);
    }
    if (nextHopType === "VirtualAppliance" && typeof nextHopIpAddress !== "string") {
      throw new ArmRefusal(
        400,
        "RouteNextHopIpAddressRequired",
        `Route ${name} needs a next hop IP address.`,
      );
    }
    const several = (nextHop as { nextHopIpAddresses?: string[] } | undefined)?.nextHopIpAddresses; // as it was PUT
    if (nextHopType !== "VirtualApplianceEcmp") return;
    if (!this.rules.ecmp) {
      throw new ArmRefusal(
        400,
        "RegionNotEnabledForFeature",
        "Region westeurope is not enabled for EcmpNextHop feature.",
      );
    }
    if (several === undefined || several.length < 2 || several.length > 64) {
      throw new ArmRefusal(400, "InvalidRequestFormat", `Route ${name} needs 2 to 64 next hop IP addresses.`);
    }
  }

  #shownRoutes(tableId: string): Json[] {
    const kept = this.#get(tableId);
    return routesOf(kept.body).map((route) => ({
      type: "Microsoft.Network/routeTables/routes",
      ...route,
      id: `${kept.body.id}/routes/${route.name}`,
      etag: kept.etag,
      properties: { ...propertiesOf(route), provisioningState: kept.state, hasBgpOverride: false },
    }));
  }

  #subnetsUsing(tableId: string): Json[] {
    return [...this.#kept.values()].flatMap(({ body }) => {
      const table = (propertiesOf(body).routeTable as { id?: string } | null | undefined)?.id; // as it was PUT
      return table?.toLowerCase() === tableId.toLowerCase() ? [{ id: body.id }] : [];
    });
  }

  #get(id: string): Kept {
    const kept = this.#kept.get(id.toLowerCase());
    if (kept !== undefined) return kept;
    const what = id.replace(/^.*\/providers\//, "");
    throw new ArmRefusal(
      404,
      "ResourceNotFound",
      `The Resource '${what}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
  }

  #idOf(key: string): string {
    return String(this.#kept.get(key)?.body.id ?? key);
  }

  #nextEtag(): string {
    return `W/"00000000-0000-4000-8000-${String(++this.#etags).padStart(12, "0")}"`;
  }
}

/** What a change that fails on the way leaves: of the routes that are new, the first half. */
function halfDone(after: Json, before: Json | undefined): Json {
  const old = new Set(routesOf(before ?? {}).map((route) => route.name));
  const fresh = routesOf(after).filter((route) => !old.has(route.name));
  const lost = new Set(fresh.slice(Math.ceil(fresh.length / 2)));
  return {
    ...after,
    properties: { ...propertiesOf(after), routes: routesOf(after).filter((route) => !lost.has(route)) },
  };
}

export function propertiesOf(body: Json): Json {
  return typeof body.properties === "object" && body.properties !== null ? body.properties as Json : {}; // JSON object
}

function routesOf(body: Json): Json[] {
  const { routes } = propertiesOf(body);
  return Array.isArray(routes) ? routes as Json[] : []; // JSON objects
}

function without(source: Json, keys: readonly string[]): Json {
  return Object.fromEntries(Object.entries(source).filter(([key]) => !keys.includes(key)));
}

function parentOf(id: string): string {
  return id.split("/").slice(0, -2).join("/");
}

export function isTable(id: string): boolean {
  return /\/routeTables\/[^/]+$/i.test(id);
}

export function isRoute(id: string): boolean {
  return /\/routeTables\/[^/]+\/routes\/[^/]+$/i.test(id);
}

/** Whether a path is the list of a table's routes. */
export function isRouteList(path: string): boolean {
  return /\/routeTables\/[^/]+\/routes$/i.test(path);
}

function isNetwork(id: string): boolean {
  return /\/virtualNetworks\/[^/]+$/i.test(id);
}

function isSubnet(id: string): boolean {
  return /\/subnets\/[^/]+$/i.test(id);
}
