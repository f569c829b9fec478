/**
 * The embedded cloud: a JSON table on disk with a quota and foreign routes. It is what a newcomer runs first and what the model
 * tests run against; `-local-latency` and `-local-faults` make it behave like a cloud on a bad day.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { parsePrefix } from "../../routes/prefix.ts";
import type {
  Change,
  Cloud,
  CloudIdentity,
  CloudRoute,
  CloudTable,
  CloudTraits,
  Finding,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { drawFault } from "./fault.ts";
import { type LocalDocument, LocalFile, type LocalRoute } from "./local_file.ts";
import { localIdentity } from "./local_identity.ts";

const traits: CloudTraits = {
  changesPerWrite: 1000,
  concurrentWrites: 1,
  pace: null,
  nextHopsPerRoute: 1,
  ownership: "mark",
  uniquePrefix: true,
};

/** Opens the embedded cloud. Nothing is read or created before the first call. */
export function openLocal(options: CloudOptions): Cloud {
  return new LocalCloud(options);
}

class LocalCloud implements Cloud {
  readonly name = "local";
  readonly traits = traits;
  readonly #options: CloudOptions;
  readonly #file: LocalFile;
  readonly #table: CloudTable;

  constructor(options: CloudOptions) {
    this.#options = options;
    this.#file = new LocalFile(options.localFile);
    this.#table = { id: options.localFile, name: options.localFile, ours: false };
  }

  async identify(signal: AbortSignal): Promise<CloudIdentity> {
    await this.#latency(signal);
    const own = [this.#options.ownAddress(4), this.#options.ownAddress(6)];
    const known = own.filter((address) => address !== null);
    if (known.length === 0) {
      throw new CloudError(
        "unavailable",
        "Cannot tell which address is this VM: no interface that is up has a global address (-self names one)",
      );
    }
    return localIdentity(known);
  }

  locate(): Promise<readonly CloudTable[]> {
    return Promise.resolve([this.#table]);
  }

  async prepare(): Promise<readonly CloudTable[]> {
    await this.#file.checkWritable();
    return [this.#table];
  }

  resolve(gateways: readonly { readonly text: string }[]): Promise<ReadonlyMap<string, string | null>> {
    return Promise.resolve(new Map(gateways.map(({ text }) => [text, text])));
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
    if (fault !== null) throw fault.error;
    return { outcomes: result.outcomes, state: this.#stateOf(result.document) };
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  async check(): Promise<readonly Finding[]> {
    const name = "local file";
    try {
      await this.#file.checkWritable();
      const document = await this.#file.read();
      const { length } = document.routes;
      const detail = `${this.#file.path} holds ${length === 1 ? "1 route" : `${length} routes`}`;
      return [{ name, status: "ok", detail }];
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      return [{ name, status: "bad", detail: error.message, remedy: "name another file with -local-file" }];
    }
  }

  policy(): string {
    return "The embedded cloud needs no permission but to write its file.\n";
  }

  describe(nextHop: string): string {
    return nextHop;
  }

  #apply(
    document: LocalDocument,
    changes: readonly Change[],
  ): { document: LocalDocument | null; outcomes: (CloudError | null)[] } {
    const routes = new Map(document.routes.map((route) => [route.prefix, route]));
    const outcomes = changes.map((change) => this.#applyOne(routes, change, document.quota));
    if (outcomes.every((outcome) => outcome !== null)) return { document: null, outcomes };
    return {
      document: { ...document, version: document.version + 1, routes: [...routes.values()] },
      outcomes,
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
        : `a route of ${standing.owner} to ${standing.nextHop}`;
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
    const routes = document.routes.map((route): CloudRoute => ({
      prefix: parsePrefix(route.prefix),
      nextHops: [route.nextHop],
      // Every route of the file names an owner, an operator's too: only ours is a mark of this program, and -adopt may take the rest.
      owner: route.owner === this.#options.owner ? route.owner : null,
    }));
    return {
      table: this.#table,
      routes,
      quotas: [{ families: [4, 6], used: routes.length, limit: document.quota }],
      version: String(document.version),
    };
  }

  async #latency(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { localLatencyMs } = this.#options;
    if (localLatencyMs > 0) await sleep(localLatencyMs, undefined, { signal });
  }
}
