/**
 * The embedded cloud: a JSON table on disk with a quota and foreign routes. It is what a newcomer runs first and what the model
 * tests run against; `-local-latency` and `-local-faults` make it behave like a cloud on a bad day.
 */

import type { Clock } from "../../async/clock.ts";
import { delay } from "../../async/delay.ts";
import { systemClock } from "../../async/system_clock.ts";
import { parsePrefix } from "../../routes/prefix.ts";
import type {
  Change,
  ChangeOutcome,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudRoute,
  CloudTable,
  CloudTraits,
  DeadPeer,
  Finding,
  PeerRouter,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { LocalOptions } from "./flags.ts";
import { deadPeersOf } from "../kit/dead_peers.ts";
import { PlainConnection } from "../kit/plain_connection.ts";
import { findingsOf } from "../kit/doctor.ts";
import { quotaFindings } from "../kit/quota_finding.ts";
import { drawFault } from "./faults.ts";
import { type LocalDocument, LocalFile, type LocalRoute } from "./local_file.ts";
import { localIdentity } from "./identity.ts";

const traits: CloudTraits = {
  batch: 1000,
  atomic: true,
  parallel: 1,
  rate: null,
  nextHopsPerRoute: 1,
  ownership: "mark",
  uniquePrefix: true,
};

/** Opens the embedded cloud. Nothing is read or created before the first call. */
export function openLocal(options: LocalOptions, clock: Clock = systemClock): Cloud {
  return new LocalCloud(options, clock);
}

class LocalCloud implements Cloud {
  readonly name = "local";
  readonly traits = traits;
  readonly #options: LocalOptions;
  readonly #clock: Clock;

  constructor(options: LocalOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    await delay(this.#options.localLatencyMs, signal, this.#clock);
    const own = [this.#options.ownAddress(4), this.#options.ownAddress(6)];
    const known = own.filter((address) => address !== null);
    if (known.length === 0) {
      throw new CloudError(
        "unavailable",
        "Cannot tell which address is this VM: no interface that is up has a global address (-self names one)",
      );
    }
    return new LocalConnection(this.#options, this.#clock, localIdentity(known));
  }

  policy(): string {
    return "The embedded cloud needs no permission but to write its file.\n";
  }

  describe(nextHop: string): string {
    return nextHop;
  }
}

/** A document and its routes by prefix. */
interface SortedDocument {
  readonly document: LocalDocument;
  readonly routes: Map<string, LocalRoute>;
}

/** The embedded cloud with this VM known. */
class LocalConnection extends PlainConnection {
  readonly identity: CloudIdentity;
  readonly #options: LocalOptions;
  readonly #clock: Clock;
  readonly #file: LocalFile;
  readonly #table: CloudTable;
  /** What each route of the file comes to; a route that is not changed stays the same object. */
  readonly #routes = new WeakMap<LocalRoute, CloudRoute>();
  /** The routes by prefix of the document that was written last; they need not be sorted anew while the file stays as it was. */
  #sorted: SortedDocument | null = null;

  constructor(options: LocalOptions, clock: Clock, identity: CloudIdentity) {
    super();
    this.identity = identity;
    this.#options = options;
    this.#clock = clock;
    this.#file = new LocalFile(options.localFile);
    this.#table = { id: options.localFile, name: options.localFile, ours: false };
  }

  locate(): Promise<readonly CloudTable[]> {
    return Promise.resolve([this.#table]);
  }

  override async prepare(): Promise<readonly CloudTable[]> {
    await this.#file.checkWritable();
    return [this.#table];
  }

  async findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]> {
    await this.#latency(signal);
    const { dead = [] } = await this.#file.read();
    const cause = `${this.#file.path} names it among the dead`;
    return deadPeersOf(peers, (hop) => dead.includes(hop) ? cause : undefined);
  }

  async read(_table: CloudTable, signal: AbortSignal): Promise<TableState> {
    await this.#latency(signal);
    const fault = drawFault(this.#options.localFaults);
    if (fault !== null) throw fault.error;
    return this.#stateOf(await this.#file.read());
  }

  async write(
    _table: CloudTable,
    changes: readonly Change[],
    _state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    await this.#latency(signal);
    const fault = drawFault(this.#options.localFaults);
    if (fault?.when === "before") throw fault.error;
    const result = await this.#file.update((document) => this.#apply(document, changes));
    this.#sorted = { document: result.document, routes: result.routes };
    if (fault !== null) throw fault.error;
    return { outcomes: result.outcomes, state: this.#stateOf(result.document) };
  }

  /** A file forwards nothing, and keeps nothing from being forwarded. */
  forwarding(): Promise<readonly Finding[]> {
    return Promise.resolve([]);
  }

  async check(_options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    const name = "local file";
    const { path } = this.#file;
    const look = async (): Promise<readonly Finding[]> => {
      await this.#file.checkWritable();
      const { quotas } = this.#stateOf(await this.#file.read());
      const words = {
        table: path,
        raise: `raise "quota" in ${path}`,
        unknownLimit: "the file names no limit",
      };
      return [{ name, status: "ok", detail: `${path} may be written` }, ...quotaFindings(quotas, words)];
    };
    return await findingsOf(name, signal, look, () => "name another file with -local-file");
  }

  #apply(
    document: LocalDocument,
    changes: readonly Change[],
  ): { document: LocalDocument | null; outcomes: ChangeOutcome[]; routes: Map<string, LocalRoute> } {
    const routes = this.#sorted?.document === document
      ? this.#sorted.routes
      : new Map(document.routes.map((route) => [route.prefix, route]));
    // They are changed before the file is.
    this.#sorted = null;
    const outcomes = changes.map((change) => ({
      change,
      error: this.#applyOne(routes, change, document.quota),
    }));
    if (outcomes.every(({ error }) => error !== null)) return { document: null, outcomes, routes };
    return {
      document: { ...document, version: document.version + 1, routes: [...routes.values()] },
      outcomes,
      routes,
    };
  }

  #applyOne(routes: Map<string, LocalRoute>, change: Change, quota: number): CloudError | null {
    const key = change.prefix.text;
    const standing = routes.get(key);
    const expected = change.from?.nextHops[0];
    const ours = change.from === null || change.from.owner !== this.#options.owner ||
      standing === undefined ||
      standing.owner === this.#options.owner;
    if (standing?.nextHop !== expected || !ours) {
      const what = standing === undefined
        ? "no route"
        : `a route of ${standing.owner ?? "an operator"} to ${standing.nextHop}`;
      return new CloudError("conflict", `Cannot ${change.action} ${key}: the file has ${what} there`);
    }
    if (change.action === "delete") {
      routes.delete(key);
      return null;
    }
    if (change.action === "add" && routes.size >= quota) {
      return new CloudError("quota", `Cannot add ${key}: the quota of ${quota} routes is used up`, {
        limit: quota,
      });
    }
    routes.set(key, { ...standing, prefix: key, nextHop: change.to[0] ?? "", owner: this.#options.owner });
    return null;
  }

  #stateOf(document: LocalDocument): TableState {
    const routes = document.routes.map((route) => this.#routeOf(route));
    return {
      table: this.#table,
      routes,
      quotas: [{ families: [4, 6], used: routes.length, limit: document.quota }],
      version: String(document.version),
    };
  }

  #routeOf(route: LocalRoute): CloudRoute {
    let known = this.#routes.get(route);
    if (known === undefined) {
      known = {
        prefix: parsePrefix(route.prefix),
        nextHops: [route.nextHop],
        // An operator's route names another owner or none: only ours is a mark of this program, and -adopt may take the rest.
        owner: route.owner === this.#options.owner ? route.owner : null,
      };
      this.#routes.set(route, known);
    }
    return known;
  }

  async #latency(signal: AbortSignal): Promise<void> {
    await delay(this.#options.localLatencyMs, signal, this.#clock);
  }
}
