/** What the contract suite needs of a cloud's test servers. Each cloud has one such rig, in `rigs/`. */

import type { Change, CloudName } from "../../src/clouds/cloud.ts";
import type { CloudErrorKind } from "../../src/clouds/cloud_error.ts";
import type { AnyCloudOptions } from "../fakes/cloud_options.ts";
import type { OwnAddress } from "../../src/routes/own_address.ts";
import type { Family } from "../../src/routes/prefix.ts";
import type { CaseName } from "./cases.ts";
import type { Subject } from "./subject.ts";

/** What the cloud itself can answer; an answer that makes no sense is a {@linkcode Damage}. */
export type Refusal = Exclude<CloudErrorKind, "malformed">;

/** Calls whose one essential request the rig can make fail. */
export const faultCalls = ["read", "write", "prepare", "resolve", "findDead", "check"] as const;
export type FaultCall = (typeof faultCalls)[number];

/** Ways in which an answer is not what it should be. */
export const damages = ["empty", "truncated", "cut off", "foreign", "incomplete"] as const;
export type Damage = (typeof damages)[number];

/** What the error of a failed call must carry besides its kind; what is absent is not looked at. */
export interface ExpectedError {
  readonly action?: string;
  readonly limit?: number;
}

/** The requests that the program makes of the cloud and its metadata service, in the order of their coming. */
export interface Traffic {
  /** How many there were so far. */
  readonly count: number;
  /** Those that may change something. */
  readonly writes: number;
  /** Those that log in or fetch credentials. */
  readonly logins: number;
  /** The tokens, passwords and signatures that they carried. */
  readonly secrets: ReadonlySet<string>;
  /** Resolves when requests that are on their way have come, and what they began in the fake has been done. */
  settled(): Promise<void>;
  /** Holds the n-th request from now on, counted from 0. */
  holdNth(index: number): Held;
  /** Holds the next request that logs in. */
  holdLogin(): Held;
  /** Has the n-th request from now on take effect while its answer is lost, counted from 0. */
  loseNth(index: number): void;
  /**
   * Records the answers from now on, until {@linkcode ContractRig.reset}: the same requests then have the same answers, and
   * the servers are not asked.
   */
  record(): void;
  /** Gives the recorded answers again from the first on. */
  rewind(): void;
  /** Runs something before each answer is sent, until {@linkcode ContractRig.heal}. */
  beforeEachAnswer(look: () => Promise<void>): void;
}

/** A request that is held. */
export interface Held {
  /** Resolves when it has come. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  readonly release: () => void;
}

/** The VMs beside this one. */
export interface Neighbours {
  /** One that is there from the start: its address and the id that routes to it have. */
  readonly standing: {
    readonly 4: { readonly address: string; readonly id: string };
    /** The address is null where the rig gives its VMs none. */
    readonly 6: { readonly address: string | null; readonly id: string };
  };
  /** An IPv4 address of the subnet that nobody has. */
  readonly absent: string;
  /** A VM gets the absent address. @returns its id. */
  add(): Promise<string>;
  /** The VM with the absent address goes. */
  remove(): Promise<void>;
  /** The machine of the standing VM is stopped, by hand. @returns what the cloud says of it, as `findDead` puts it. */
  stop(): Promise<string>;
  /** It runs again. */
  start(): Promise<void>;
  /** The cloud does not say what becomes of the standing VM: its state is one that the program does not know. */
  obscure(): Promise<void>;
  /** Whether a VM that has gone is known to be gone, as `remove` leaves it: what the cloud then says of it; null: it says nothing. */
  readonly goneCause: ((id: string) => string) | null;
  /** Puts a VM into the list whose addresses make no sense. */
  addOdd(): Promise<void>;
  /** Lets lists come in pages of one entry. */
  pageByOne(): void;
  /** An IPv6 gateway, and what an IPv4 route by it points at; null: this VM. */
  ofOtherFamily(): { readonly gateway: string; readonly id: string | null };
}

/** Another interface of this VM, and what `-self` with its address comes to. */
export interface SecondInterface {
  readonly address: OwnAddress;
  readonly ids: Readonly<Record<Family, string | null>>;
}

/** The subnets and the tables that they use, in a cloud where the program makes a table of its own. */
export interface SubnetControl {
  /** The table that this VM's subnet was given; null: it has what a new subnet has. */
  tableOf(): Promise<string | null>;
  /** Operators make a table with a route to each prefix, and give it to this VM's subnet. */
  useOperatorsTable(...prefixes: readonly string[]): Promise<OperatorsTable>;
  /** Another subnet comes to use a table. @returns the subnet's name. */
  shareTable(tableId: string): Promise<string>;
}

/** A table that operators made. */
export interface OperatorsTable {
  readonly id: string;
  /** Has it a route to each of these prefixes, and no other. */
  setPrefixes(...prefixes: readonly string[]): Promise<void>;
  /** Gives it the tag of a controller that writes to tables. */
  keep(): Promise<void>;
  /** Takes this VM's subnet back to it. */
  takeSubnet(): Promise<void>;
  /** Deletes it, which no subnet uses any more. */
  remove(): Promise<void>;
}

/** A cloud's test servers while they run. */
export interface ContractRig extends AsyncDisposable {
  /** Sets the stage anew: one VM, no table of ours, no fault. */
  reset(): Promise<void>;
  /** Options to open the cloud with. */
  options(changed?: Partial<AnyCloudOptions>): AnyCloudOptions;
  readonly traffic: Traffic;
  readonly neighbours: Neighbours;
  /** Id of this VM in routes, by family. */
  readonly self: Readonly<Record<Family, string>>;

  /** All that the program may change, and no more: equal snapshots mean that nothing was changed. */
  snapshot(): Promise<unknown>;
  /** The routes of a table as the cloud has them, sorted: `10.1.0.0/16 > NEXT HOP`, in the program's ids. */
  routes(tableId: string): Promise<readonly string[]>;
  /** An operator's tool adds routes. @returns the first as {@linkcode routes} shows it. */
  addForeign(tableId: string, ...prefixes: readonly string[]): Promise<string>;
  /** Puts an entry into the table that the program cannot know: of a kind that the cloud may have in future. */
  addOddRoute(tableId: string): Promise<void>;
  /** Makes a table for `-route-table`. */
  handOver(): Promise<HandedOver>;
  /** How many routes a table takes, and whether the cloud publishes it, or names it in a refusal alone. */
  setLimit(limit: number, isPublished: boolean): Promise<void>;
  /** A change that the cloud refuses, and as what. */
  readonly refused: { readonly change: Change; readonly kind: CloudErrorKind };
  /** Most changes of one call that make sense to ask for: what two rounds of a test may add at most. */
  readonly manyRoutes: number;

  /** Has the call's essential request answered with the cloud's own error until {@linkcode heal}. */
  fail(kind: Refusal, call: FaultCall, retryAfter?: string): Promise<ExpectedError>;
  /** Damages the answers to the call's essential request, which takes effect, until {@linkcode heal}. */
  damage(damage: Damage, call: FaultCall): Promise<void>;
  /** Ends all faults, and what is held. */
  heal(): Promise<void>;

  /** Makes all tokens handed out so far worthless, though they say that they last. */
  revokeTokens(): Promise<void>;
  /** Has tokens from now on end in so short a time that they must be renewed before the next call. */
  shortenTokens(): void;
  /** The metadata service. */
  readonly metadata: MetadataControl;

  /** Gives this VM a second interface. Left out: this cloud's VM has none that `-self` could pick. */
  addInterface?(): Promise<SecondInterface>;
  /** Takes the role, identity or service account from this VM. Left out: it logs in otherwise. */
  dropIdentity?(): void;
  /** Options for a cloud whose API nobody serves. Left out: it has no API. */
  unreachable?(): Partial<AnyCloudOptions>;
  /** What `-route-table` calls a table that is there, but of a network that this VM is not in. Left out: there is no such table. */
  strangeTable?(): Promise<string>;
  /** What `-route-table` calls a table that is not there. Left out: each table is found, or stands for itself. */
  readonly missingTable?: string;
  /** Left out: the program makes no table of its own. */
  readonly subnets?: SubnetControl;
}

/** A table that was made for `-route-table`. */
export interface HandedOver {
  readonly options: Partial<AnyCloudOptions>;
  readonly remove: () => Promise<void>;
  /** Gives it the tag `crs=yes`, or takes it away. Left out: this cloud's tables have no tags. */
  readonly tag?: (given: boolean) => Promise<void>;
}

/** The metadata service as tests control it. */
export interface MetadataControl {
  /** Refuses connections until {@linkcode open}. */
  shut(): Promise<void>;
  open(): void;
  /** Answers each request with this until {@linkcode ContractRig.heal}. */
  answer(make: () => Response): void;
}

/** One cloud's row of the suite. */
export interface ContractRow {
  readonly cloud: CloudName;
  /** Why it cannot run here, or null. With `CI` set it is always null: there it must run. */
  readonly missing: () => string | null;
  readonly start: () => Promise<ContractRig>;
  /** Whether a route that is to be deleted and is gone already counts as done, or as a conflict. */
  readonly deletedAlready: "done" | "conflict";
  /** Reads the text of `policy()`; throws if it is not in its form. */
  readonly parsePolicy: (text: string) => unknown;
  /** Cases that cannot be had on this cloud, and why. */
  readonly notApplicable: Partial<Readonly<Record<CaseName, string>>>;
}

/** What a case works with. */
export interface Bench {
  readonly row: ContractRow;
  readonly rig: ContractRig;
  /** Opens the cloud as a new run of the program does. */
  open(changed?: Partial<AnyCloudOptions>): Promise<Subject>;
}

/** A case of the suite. */
export type ContractCase = (bench: Bench) => Promise<void>;

/** Cases that a cloud cannot have, all for one reason. */
export function because(reason: string, ...names: readonly CaseName[]): ContractRow["notApplicable"] {
  return Object.fromEntries(names.map((name) => [name, reason]));
}
