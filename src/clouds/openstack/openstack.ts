/**
 * OpenStack: extra routes of a Neutron router.
 *
 * The table is the router of the VM's subnet, which exists already and is never this program's own; routes carry no mark, so
 * the ledger says whose they are. Next hops are addresses on a subnet of the router.
 */

import type { IpAddress } from "../../routes/prefix.ts";
import type {
  Change,
  Cloud,
  CloudIdentity,
  CloudTable,
  CloudTraits,
  Finding,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { checkOpenstack } from "./check.ts";
import { routesOfPairs } from "./extra_routes.ts";
import { Neighbours } from "./neighbours.ts";
import { Neutron, type Router, type RouterName } from "./neutron.ts";
import { findPlace, identityOf, type Place } from "./place.ts";
import { policyText } from "./policy.ts";
import { countFitting, roomAfter } from "./room.ts";
import { RouteLimits } from "./route_limits.ts";
import { RouteWriter, type Written } from "./route_writer.ts";
import { Session } from "./session.ts";
import { readSettings } from "./settings.ts";

const defaultMetadataEndpoint = "http://169.254.169.254";

/**
 * Opens OpenStack. Reads clouds.yaml, secure.yaml and the certificate file, if there are, and all variables at once; afterwards
 * neither files nor environment are needed. Makes no call. Settings that are missing or wrong are told by the first call: what
 * {@linkcode Cloud.policy} says is needed before there are any.
 */
export function openOpenstack(options: CloudOptions): Cloud {
  return new OpenstackCloud(openNeutron(options), options);
}

function openNeutron(options: CloudOptions): Neutron | CloudError {
  try {
    const settings = readSettings(options.osCloud, { environment: options.environment, readFile });
    return new Neutron(new Session(settings));
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
}

class OpenstackCloud implements Cloud {
  readonly name = "openstack";
  readonly traits: CloudTraits;
  readonly #opened: Neutron | CloudError;
  readonly #options: CloudOptions;
  readonly #metadataEndpoint: string;
  readonly #limits = new RouteLimits();
  readonly #neighbours = new Neighbours();
  #place: Place | null = null;
  #extensions: ReadonlySet<string> | null = null;

  /** @param opened Neutron, or why it cannot be spoken to. */
  constructor(opened: Neutron | CloudError, options: CloudOptions) {
    this.#opened = opened;
    this.#options = options;
    this.#metadataEndpoint = options.imdsEndpoint ?? defaultMetadataEndpoint;
    this.traits = {
      changesPerWrite: 1000,
      concurrentWrites: 1,
      pace: null,
      nextHopsPerRoute: options.noEcmp ? 1 : 16,
      ownership: "ledger",
      uniquePrefix: false,
    };
  }

  async identify(signal: AbortSignal): Promise<CloudIdentity> {
    this.#place = await this.#findPlace(signal);
    return identityOf(this.#place);
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const { routers } = await this.#knownPlace(signal);
    return routers.map((router) => tableOf(router, routers));
  }

  prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return this.locate(signal);
  }

  async resolve(
    gateways: readonly IpAddress[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const { ports } = await this.#knownPlace(signal);
    const networks = [...new Set(ports.map((port) => port.network_id))];
    return await this.#neighbours.resolve(gateways, networks, this.#neutron, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const router = await this.#neutron.router(table.id, signal);
    return stateOf(table, router, await this.#limits.of(router, this.#neutron, signal));
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    this.#extensions ??= await this.#neutron.extensions(signal);
    const writer = new RouteWriter(this.#neutron, state, this.#extensions, signal);
    try {
      return this.#result(table, await writer.write(changes));
    } catch (cause) {
      const error = await this.#withLimit(cause, table, signal);
      const count = countFitting(changes, roomAfter(error, state));
      if (error.kind !== "quota" || count === 0) throw error;
      // Neutron adds a list whole or not at all; up to the limit the order given decides, as if each had been a call.
      const { outcomes, router } = await writer.write(changes.slice(0, count));
      const refused = changes.slice(count).map(() => error);
      return this.#result(table, { outcomes: [...outcomes, ...refused], router });
    }
  }

  #result(table: CloudTable, { outcomes, router }: Written): WriteResult {
    if (router === null) return { outcomes };
    return { outcomes, state: stateOf(table, router, this.#limits.known(router)) };
  }

  /** Nothing to remove: the router was there before. */
  async remove(_signal: AbortSignal): Promise<void> {}

  async check(options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    if (this.#opened instanceof CloudError) {
      const remedy = "set the OS_* variables, or name an entry of clouds.yaml with -os-cloud";
      return [{ name: "settings", status: "bad", detail: this.#opened.message, remedy }];
    }
    return await checkOpenstack({
      neutron: this.#opened,
      metadataEndpoint: this.#metadataEndpoint,
      choice: this.#options,
      families: this.#options.families,
      fix: options.fix,
    }, signal);
  }

  policy(): string {
    return policyText();
  }

  describe(nextHop: string): string {
    return nextHop;
  }

  get #neutron(): Neutron {
    if (this.#opened instanceof CloudError) throw this.#opened;
    return this.#opened;
  }

  async #findPlace(signal: AbortSignal): Promise<Place> {
    return await findPlace(this.#neutron, this.#metadataEndpoint, this.#options, signal);
  }

  async #knownPlace(signal: AbortSignal): Promise<Place> {
    this.#place ??= await this.#findPlace(signal);
    return this.#place;
  }

  /** Since Neutron 29 the error does not tell the limit that was reached, but the quota does. */
  async #withLimit(error: unknown, table: CloudTable, signal: AbortSignal): Promise<CloudError> {
    if (!(error instanceof CloudError)) throw error;
    if (error.kind !== "quota") return error;
    if (error.limit !== undefined) {
      this.#limits.tell(table.id, error.limit);
      return error;
    }
    const router = await this.#neutron.router(table.id, signal);
    const limit = await this.#limits.refresh(router, this.#neutron, signal);
    if (limit === null) return error;
    const { message, status, code, requestId, cause } = error;
    return new CloudError("quota", `${message} The limit is ${limit}.`, {
      status,
      code,
      requestId,
      limit,
      cause,
    });
  }
}

function tableOf(router: RouterName, routers: readonly RouterName[]): CloudTable {
  const unique = routers.filter(({ name }) => name === router.name).length === 1;
  return { id: router.id, name: unique && router.name !== "" ? router.name : router.id, ours: false };
}

/** Neutron counts pairs, whatever their family. */
function stateOf(table: CloudTable, router: Router, limit: number | null): TableState {
  return {
    table,
    routes: routesOfPairs(router.routes),
    quotas: [{ families: [4, 6], used: router.routes.length, limit, perNextHop: true }],
    version: router.revision_number === undefined ? null : String(router.revision_number),
  };
}

function readFile(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw new CloudError("invalid", `Cannot read ${path}: ${error}`, { cause: error });
  }
}
