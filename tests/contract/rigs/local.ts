/** The embedded cloud's row: a file. */

import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { localOptions } from "../../fakes/cloud_options.ts";
import { add } from "../helpers.ts";
import type {
  ContractRig,
  ContractRow,
  Damage,
  ExpectedError,
  FaultCall,
  Held,
  MetadataControl,
  Neighbours,
  Refusal,
  Traffic,
} from "../rig.ts";
import { localExceptions } from "./local_exceptions.ts";

interface FileRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly owner: string;
}
interface FileDocument {
  readonly version: number;
  readonly quota: number;
  readonly dead?: readonly string[];
  readonly routes: readonly FileRoute[];
}

const self = { 4: "10.0.0.4", 6: "fd00::4" } as const;
const taken: FileRoute = { prefix: "198.51.99.0/24", nextHop: "10.0.0.77", owner: "operator" };
const empty: FileDocument = { version: 0, quota: 500, routes: [taken] };

class LocalContractRig implements ContractRig {
  readonly self = self;
  readonly refused = { change: add(taken.prefix, self[4]), kind: "conflict" } as const;
  readonly manyRoutes = 30;
  readonly neighbours: Neighbours = {
    standing: { 4: { address: "10.0.0.9", id: "10.0.0.9" }, 6: { address: "fd00::9", id: "fd00::9" } },
    absent: "10.0.0.99",
    add: () => Promise.resolve("10.0.0.99"),
    remove: () => Promise.resolve(),
    stop: () => {
      this.#write({ ...this.#read(), dead: ["10.0.0.9"] });
      return Promise.resolve(`${this.#path} names it among the dead`);
    },
    start: () => Promise.resolve(this.#write({ ...this.#read(), dead: [] })),
    obscure: () => Promise.resolve(),
    goneCause: null,
    addOdd: () => Promise.resolve(),
    pageByOne: () => {},
    ofOtherFamily: () => ({ gateway: "fd00::9", id: null }),
  };
  readonly traffic: Traffic;
  readonly metadata: MetadataControl = {
    shut: () => Promise.resolve(this.#setAddressed(false)),
    open: () => this.#setAddressed(true),
    answer: () => {
      throw new Error("The embedded cloud has no metadata service");
    },
  };
  readonly #folder: string;
  readonly #path: string;
  readonly #random = Math.random;
  #latencyMs = 0;
  #faults = 0;
  #hasAddress = true;
  /** The file as it was before a fault. */
  #intact: string | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/cloud.json`;
    const version = (): number => this.#read().version;
    this.traffic = {
      count: 0,
      get writes(): number {
        return version();
      },
      logins: 0,
      secrets: new Set(),
      settled: () => Promise.resolve(),
      holdNth: (index) => this.#holdNth(index),
      holdLogin: noLogin,
      loseNth: () => {
        throw new Error("A file's answer cannot be lost");
      },
      record: () => {},
      rewind: () => {},
      beforeEachAnswer: () => {},
    };
  }

  async reset(): Promise<void> {
    await this.heal();
    this.#write(empty);
  }

  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    const has = (): boolean => this.#hasAddress;
    const latencyMs = (): number => this.#latencyMs;
    const faults = (): number => this.#faults;
    return {
      ...localOptions(this.#path, {
        families: [4, 6],
        ownAddress: (family) =>
          has() ? parseInterfaceAddress(family === 4 ? `${self[4]}/24` : `${self[6]}/64`) : null,
        ...changed,
      }),
      get localLatencyMs(): number {
        return latencyMs();
      },
      get localFaults(): number {
        return faults();
      },
    };
  }

  snapshot(): Promise<unknown> {
    return Promise.resolve(this.#read());
  }

  routes(): Promise<readonly string[]> {
    return Promise.resolve(this.#read().routes.map(({ prefix, nextHop }) => `${prefix} > ${nextHop}`).sort());
  }

  addForeign(_tableId: string, ...prefixes: readonly string[]): Promise<string> {
    const document = this.#read();
    const added = prefixes.map((prefix) => ({ ...taken, prefix }));
    this.#write({ ...document, version: document.version + 1, routes: [...document.routes, ...added] });
    return Promise.resolve(`${prefixes[0]} > ${taken.nextHop}`);
  }

  addOddRoute(): Promise<void> {
    throw new Error("The embedded cloud's file is refused whole");
  }

  handOver(): ReturnType<ContractRig["handOver"]> {
    throw new Error("The embedded cloud has one table");
  }

  setLimit(limit: number, _isPublished: boolean): Promise<void> {
    this.#write({ ...this.#read(), quota: limit });
    return Promise.resolve();
  }

  async fail(kind: Refusal, _call: FaultCall): Promise<ExpectedError> {
    this.#intact = await Deno.readTextFile(this.#path);
    switch (kind) {
      case "unavailable":
        this.#faults = 1;
        Math.random = () => 0;
        return {};
      case "quota":
        this.#write({ ...this.#read(), quota: 0 });
        return { limit: 0 };
      case "conflict":
        await this.addForeign("", "198.51.100.0/24");
        return {};
      default:
        await Deno.remove(this.#path);
        await Deno.mkdir(this.#path);
        return {};
    }
  }

  async damage(damage: Damage, _call: FaultCall): Promise<void> {
    const text = await Deno.readTextFile(this.#path);
    this.#intact = text;
    const damaged: Readonly<Record<Damage, string>> = {
      empty: "",
      truncated: text.slice(0, text.length / 2),
      "cut off": text.slice(0, text.length / 3),
      foreign: "<!doctype html><html></html>",
      incomplete: "{}",
    };
    await Deno.writeTextFile(this.#path, damaged[damage]);
  }

  async heal(): Promise<void> {
    Math.random = this.#random;
    this.#faults = 0;
    this.#latencyMs = 0;
    this.#hasAddress = true;
    if (this.#intact !== null) await this.#restore(this.#intact);
    this.#intact = null;
  }

  revokeTokens(): Promise<void> {
    return Promise.resolve(noLogin());
  }

  shortenTokens(): void {
    noLogin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Puts the file back, also where a folder has taken its place. */
  async #restore(text: string): Promise<void> {
    await Deno.remove(this.#path, { recursive: true });
    await Deno.writeTextFile(this.#path, text);
  }

  /** The embedded cloud waits once a call: for `-local-latency`. */
  #holdNth(index: number): Held {
    if (index > 0) return { reached: new Promise(() => {}), release: () => {} };
    this.#latencyMs = 600_000;
    return { reached: new Promise((resolve) => setTimeout(resolve, 20)), release: () => {} };
  }

  #setAddressed(has: boolean): void {
    this.#hasAddress = has;
  }

  #read(): FileDocument {
    return JSON.parse(Deno.readTextFileSync(this.#path));
  }

  #write(document: FileDocument): void {
    Deno.writeTextFileSync(this.#path, JSON.stringify(document));
  }
}

function noLogin(): never {
  throw new Error("The embedded cloud has no login");
}

export const local: ContractRow = {
  cloud: "local",
  missing: () => null,
  start: async () => new LocalContractRig(await Deno.makeTempDir({ prefix: "contract-local-" })),
  deletedAlready: "conflict",
  parsePolicy: (text) => {
    if (!/^The embedded cloud .*\.\n$/.test(text)) throw new Error("the policy is no sentence");
  },
  notApplicable: localExceptions,
};
