/** The cloud as one router of the herd sees it: the tables of its account, and calls that the account may refuse. */

import { nothingToPrepare } from "../../src/clouds/kit/plain_connection.ts";
import type {
  Change,
  ChangeOutcome,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudRoute,
  CloudTable,
  CloudTraits,
  CopiesWhen,
  Finding,
  Foresight,
  Neighbour,
  PreparedTable,
  TableState,
  WriteResult,
} from "../../src/clouds/cloud.ts";
import { CloudError } from "../../src/clouds/cloud_error.ts";
import { writeRate as ec2Rate } from "../../src/clouds/aws/write_rate.ts";
import { writeRate as armRate } from "../../src/clouds/azure/write_rate.ts";
import { MutationLimiter } from "../../src/clouds/gcp/mutation_limiter.ts";
import { afterRefusal, writeRate as googleRate } from "../../src/clouds/gcp/write_rate.ts";
import { AdaptiveLimiter } from "../../src/async/adaptive_limiter.ts";
import type { Clock } from "../../src/async/clock.ts";
import { plainTraits } from "../fakes/comparisons.ts";
import { owner } from "../fakes/cloud_routes.ts";
import { smallVm } from "../fakes/policies.ts";
import type { Account, AccountShape, CallName } from "./herd_account.ts";

/** How long each call takes, in milliseconds. */
const callMs = 80;

/** What the real clouds say of themselves, as far as it decides how often they are called. */
const traitsOf: Readonly<Record<AccountShape["name"], CloudTraits>> = {
  EC2: { ...plainTraits, parallel: 4, ownership: "ledger", rate: ec2Rate },
  ARM: { ...plainTraits, batch: 1_000, atomic: true, rate: armRate },
  Google: { ...plainTraits, batch: 100 },
};

/** See the head of this file. */
export class HerdCloud implements Cloud, CloudConnection {
  readonly name = "local";
  readonly traits: CloudTraits;
  readonly identity: CloudIdentity = { ...smallVm, instance: "vm" };
  readonly #account: Account;
  readonly #clock: Clock;
  readonly #table: CloudTable;
  readonly #routes: Map<string, CloudRoute>;
  /** Google's cloud keeps the rate of its writes by itself. */
  readonly #rate: AdaptiveLimiter;
  #wasRead = false;

  /** @param routes what stands in this router's table; it outlives the program. */
  constructor(account: Account, clock: Clock, table: CloudTable, routes: Map<string, CloudRoute>) {
    this.#account = account;
    this.#clock = clock;
    this.#table = table;
    this.#routes = routes;
    this.traits = traitsOf[account.shape.name];
    this.#rate = new AdaptiveLimiter(googleRate, clock, afterRefusal);
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    await this.#callAll(this.#account.shape.identify, signal);
    return this;
  }

  async prepare(signal: AbortSignal, copiesWhen: CopiesWhen = "now"): Promise<readonly PreparedTable[]> {
    const { prepare, copies, readsAhead } = this.#account.shape;
    const at = this.#clock.now();
    await this.#callAll(prepare, signal);
    const isLater = copiesWhen === "later" && copies.length > 0;
    if (!isLater) {
      await this.#callAll(copies, signal).catch((error: unknown) => {
        if (!(error instanceof CloudError)) throw error;
      });
    }
    const table: PreparedTable = { ...this.#table, ...(isLater ? { copiesLater: isLater } : {}) };
    const shown = this.#state(this.#table);
    const state = async (inner: AbortSignal): Promise<TableState> => {
      await this.#besideFirstRead(inner);
      return shown;
    };
    return [readsAhead ? { ...table, reading: { at, state } } : table];
  }

  locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return this.prepare(signal);
  }

  async foresee(signal: AbortSignal): Promise<Foresight> {
    return nothingToPrepare(await this.locate(signal));
  }

  resolve(neighbours: readonly Neighbour[]): Promise<readonly (string | null)[]> {
    return Promise.resolve(neighbours.map(({ gateway }) => gateway.text));
  }

  forget(): void {}

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    await this.#callAll(this.#account.shape.read, signal);
    await this.#besideFirstRead(signal);
    return this.#state(table);
  }

  async #besideFirstRead(signal: AbortSignal): Promise<void> {
    if (this.#wasRead) return;
    await this.#callAll(this.#account.shape.besideFirstRead, signal);
    this.#wasRead = true;
  }

  #state(table: CloudTable): TableState {
    return { table, routes: [...this.#routes.values()], quotas: [], version: null };
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    _state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { shape } = this.#account;
    if (shape.name === "ARM") return await this.#writeTable(table, changes, signal);
    const mutations = new MutationLimiter(this.#rate, this.#clock);
    return {
      outcomes: await Promise.all(changes.map((change) => this.#writeOne(change, mutations, signal))),
    };
  }

  /** One PUT; then its operation is asked for until Azure answers, and the table read back, which may be refused. */
  async #writeTable(
    table: CloudTable,
    changes: readonly Change[],
    signal: AbortSignal,
  ): Promise<WriteResult> {
    await this.#call("PUT", signal);
    for (const change of changes) this.#make(change);
    const outcomes = changes.map((change) => ({ change, error: null }));
    let againMs = await this.#try("GET", signal);
    while (againMs !== null) {
      await this.#clock.sleep(againMs, signal);
      againMs = await this.#try("GET", signal);
    }
    const isReadBack = await this.#try("GET", signal) === null;
    return isReadBack ? { outcomes, state: this.#state(table) } : { outcomes };
  }

  /** Makes a call that may be refused. @returns null: it is taken; else when to call again, in milliseconds from now. */
  async #try(name: CallName, signal: AbortSignal): Promise<number | null> {
    try {
      await this.#call(name, signal);
      return null;
    } catch (error) {
      if (!(error instanceof CloudError) || error.kind !== "throttled") throw error;
      return error.retryAfterMs ?? 0;
    }
  }

  async #writeOne(change: Change, mutations: MutationLimiter, signal: AbortSignal): Promise<ChangeOutcome> {
    const { shape } = this.#account;
    const calls = shape.write[change.action];
    try {
      if (shape.name === "Google") await this.#mutate(calls, change, mutations, signal);
      else await this.#callAll(calls, signal);
    } catch (error) {
      if (error instanceof CloudError) return { change, error };
      throw error;
    }
    this.#make(change);
    return { change, error: null };
  }

  /** Each insert and delete is followed by waiting for its operation. */
  async #mutate(
    calls: readonly CallName[],
    { action }: Change,
    mutations: MutationLimiter,
    signal: AbortSignal,
  ): Promise<void> {
    for (const name of calls) {
      if (name === "read") await this.#call(name, signal);
      else {
        const mutation = action === "delete" ? "delete" : "insert";
        await mutations.send(mutation, () => this.#call(name, signal), signal);
      }
    }
  }

  #make({ action, prefix, to }: Change): void {
    if (action === "delete") this.#routes.delete(prefix.text);
    else {
      const mark = this.traits.ownership === "mark" ? owner : null;
      this.#routes.set(prefix.text, { prefix, nextHops: to, owner: mark });
    }
  }

  async #callAll(names: readonly CallName[], signal: AbortSignal): Promise<void> {
    for (const name of names) await this.#call(name, signal);
  }

  async #call(name: CallName, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(callMs, signal);
    signal.throwIfAborted();
    if (this.#account.isDown) throw new CloudError("unavailable", `Cannot call ${name}: refused`);
    const retryAfterMs = this.#account.call(name);
    if (retryAfterMs === null) return;
    const said = this.#account.shape.tellsWhen ? { retryAfterMs } : {};
    throw new CloudError("throttled", `Cannot call ${name}: too many calls`, said);
  }

  async forwarding(_ownPrefixes: unknown, signal: AbortSignal): Promise<readonly Finding[]> {
    await this.#callAll(this.#account.shape.forwarding, signal);
    return [];
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
}
