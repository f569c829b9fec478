/** A supervisor with a small cloud in memory, a kernel and time, all in the hands of the test. */

import { alone } from "../../fakes/groups.ts";
import { nothingToPrepare } from "../../../src/clouds/kit/plain_connection.ts";
import type {
  Change,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudRoute,
  CloudTable,
  CloudTraits,
  CopiesWhen,
  Finding,
  Neighbour,
  PreparedTable,
  TableState,
  WriteResult,
} from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { Supervisor } from "../../../src/sync/supervisor.ts";
import { owner } from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallKernel, smallVm } from "../../fakes/policies.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

/** How long each call of the cloud takes, in milliseconds. */
const callMs = 20;

/** A cloud with marks that does what it is told, slowly; a test may put a failure in any call's way. */
export class RigCloud implements Cloud {
  readonly name = "local" as const;
  readonly traits: CloudTraits = plainTraits;
  /** Routes by table id and prefix. */
  readonly routes = new Map<string, Map<string, CloudRoute>>();
  tables: readonly CloudTable[] = [{ id: "rtb-1", name: "rtb-1", ours: false }];
  identity: CloudIdentity = { ...smallVm, instance: "vm" };
  /** Throws what a call is to fail with; the detail is the table's id. */
  fail: (call: "identify" | "prepare" | "read" | "write" | "forwarding", table: string) => void = () => {};
  /** What a table has room for; null: any number. */
  limit: number | null = null;
  /** The changes of all writes, in their order. */
  readonly written: Change[] = [];
  reads = 0;
  /** Whether preparing tells what it has read of the tables, and how often that was used. */
  readsAhead = false;
  readAhead = 0;
  /** Whether preparing leaves copies for later where it may, and when it was told to look after them, by the clock. */
  hasCopies = false;
  readonly copied: number[] = [];
  /** What is said of forwarding, and how often it was asked for. */
  findings: readonly Finding[] = [];
  forwardingLooks = 0;
  identifyMs = callMs;
  identified = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** The prefixes that stand in a table. */
  prefixes(table = "rtb-1"): readonly string[] {
    return [...this.#routesOf(table).keys()];
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    this.identified++;
    const { identity } = this;
    await this.#clock.sleep(this.identifyMs, signal);
    this.fail("identify", "");
    return { ...this.#connection(), identity };
  }

  #connection(): CloudConnection {
    return {
      identity: this.identity,
      locate: () => this.locate(),
      foresee: async (signal) => nothingToPrepare(await this.prepare(signal)),
      prepare: (signal, copies) => this.prepare(signal, copies),
      resolve: (neighbours) => this.resolve(neighbours),
      forget: () => this.forget(),
      read: (table, signal) => this.read(table, signal),
      write: (table, changes, state, signal) => this.write(table, changes, state, signal),
      forwarding: () => this.forwarding(),
      remove: () => this.remove(),
      check: () => this.check(),
    };
  }

  locate(): Promise<readonly CloudTable[]> {
    return Promise.resolve(this.tables);
  }

  async prepare(signal: AbortSignal, copies: CopiesWhen = "now"): Promise<readonly PreparedTable[]> {
    const at = this.#clock.now();
    await this.#clock.sleep(callMs, signal);
    this.fail("prepare", "");
    if (copies === "now") this.copied.push(at);
    else if (this.hasCopies) return this.tables.map((table) => ({ ...table, copiesLater: true }));
    if (!this.readsAhead) return this.tables;
    return this.tables.map((table) => {
      const shown = this.#stateOf(table);
      const state = (): Promise<TableState> => {
        this.readAhead++;
        return Promise.resolve(shown);
      };
      return { ...table, reading: { at, state } };
    });
  }

  resolve(neighbours: readonly Neighbour[]): Promise<readonly (string | null)[]> {
    return Promise.resolve(neighbours.map(({ gateway }) => gateway.text));
  }

  forget(): void {}

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    await this.#clock.sleep(callMs, signal);
    this.reads++;
    this.fail("read", table.id);
    return this.#stateOf(table);
  }

  #stateOf(table: CloudTable): TableState {
    const routes = [...this.#routesOf(table.id).values()];
    const quotas = this.limit === null ? [] : [{
      families: [4 as const],
      used: routes.length,
      limit: this.limit,
    }];
    return { table, routes, quotas, version: null };
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    _state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    await this.#clock.sleep(10 * callMs, signal);
    this.fail("write", table.id);
    this.written.push(...changes);
    const routes = this.#routesOf(table.id);
    for (const { action, prefix, to } of changes) {
      if (action === "delete") routes.delete(prefix.text);
      else routes.set(prefix.text, { prefix, nextHops: to, owner });
    }
    return { outcomes: changes.map((change) => ({ change, error: null })) };
  }

  async forwarding(): Promise<readonly Finding[]> {
    this.forwardingLooks++;
    await Promise.resolve();
    this.fail("forwarding", "");
    return this.findings;
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  check(): Promise<readonly Finding[]> {
    return Promise.resolve([]);
  }

  policy(): string {
    return "";
  }

  describe(nextHop: string): string {
    return nextHop;
  }

  #routesOf(table: string): Map<string, CloudRoute> {
    const routes = this.routes.get(table) ?? new Map<string, CloudRoute>();
    this.routes.set(table, routes);
    return routes;
  }
}

/** See the head of this file. */
export class Rig {
  readonly clock = new VirtualClock(() => 0.5);
  readonly cloud = new RigCloud(this.clock);
  readonly kernel = smallKernel();
  readonly stop = new AbortController();
  /** What the supervisor reported as a defect. */
  readonly unexpected: string[] = [];
  /** Throws what is to keep a table from being opened. */
  openTable: () => void = () => {};
  readonly supervisor = new Supervisor({
    cloud: this.cloud,
    kernel: this.kernel,
    policy: defaultPolicy,
    owner,
    settings: {
      coalesceMs: 10,
      withdrawDelayMs: 250,
      auditMs: 300_000,
      guard: { maxWithdraw: 0.3, holdMs: 120_000 },
      adopt: false,
      group: alone,
    },
    clock: this.clock,
    peekTable: () => Promise.resolve(null),
    openTable: () => {
      this.openTable();
      return Promise.resolve(null);
    },
    unexpected: (where, error) => this.unexpected.push(`${where}: ${error}`),
  });
  /** The run; it rejects as {@linkcode Supervisor.run} does. */
  ended: Promise<void> = Promise.resolve();

  /** Starts a run and lets it get in step. */
  async start(): Promise<void> {
    this.ended = this.supervisor.run(this.stop.signal, this.stop.signal);
    // Who awaits it hears of its failure; it may come while time passes here.
    this.ended.catch(() => {});
    await this.clock.advance(10_000);
  }

  /** Ends the run, as SIGTERM does. */
  async end(): Promise<void> {
    this.stop.abort(new Error("told to stop"));
    await this.clock.advance(1_000);
    await this.ended;
  }

  /** The kernel has these routes by way of a gateway, and says so. */
  announce(prefixes: readonly string[], via = "192.0.2.1"): void {
    for (const prefix of prefixes) this.kernel.set(prefix, kernelRoute(prefix, { via }));
    this.supervisor.kernelChanged({
      prefixes: prefixes.map(parsePrefix),
      receivedAt: this.clock.now(),
      interfacesChanged: false,
    });
  }

  /** The kernel says that a link or an address changed. */
  interfacesChanged(): void {
    this.supervisor.kernelChanged({ prefixes: [], receivedAt: this.clock.now(), interfacesChanged: true });
  }

  /** Withdraws all; the answer is there once time has passed. */
  withdrawAll(): { gone: boolean | null } {
    const answer: { gone: boolean | null } = { gone: null };
    const giveUpAt = this.clock.now() + 60_000;
    void this.supervisor.withdrawAll(new AbortController().signal, giveUpAt).then((gone) => {
      answer.gone = gone;
    });
    return answer;
  }
}

/** A failure of a kind. */
export function failure(kind: CloudError["kind"], message: string): CloudError {
  return new CloudError(kind, message);
}
