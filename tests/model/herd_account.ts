/** What the APIs of the clouds take of one account, whoever calls: buckets that refill, as the clouds document them. */

/** One limit: so many calls at once, refilled as time goes on, or all at once at each full minute. */
export type Limit =
  | { readonly kind: "bucket"; readonly burst: number; readonly perSecond: number }
  | { readonly kind: "minute"; readonly perMinute: number };

/** A call's name in the cloud, such as `CreateRoute`. */
export type CallName = string;

/** How a cloud limits its calls, and which calls each thing that a router does comes to. */
export interface AccountShape {
  readonly name: "EC2" | "ARM" | "Google";
  /** By call. */
  readonly limits: Readonly<Record<CallName, Limit>>;
  /** Whether a refusal says when to call again. */
  readonly tellsWhen: boolean;
  /**
   * Calls of `identify`, `prepare`, `read` and `forwarding` where nothing is to be prepared, so that the first reading goes on from what
   * `prepare` has read; metadata services have no limit that is shared. `tests/contract/herd_calls_test.ts` holds the real clouds to them.
   */
  readonly identify: readonly CallName[];
  readonly prepare: readonly CallName[];
  /** Calls of `prepare` that look after copies: a start leaves them for later, and their refusal fails nothing. */
  readonly copies: readonly CallName[];
  /** Whether `prepare` reads the table. */
  readonly readsAhead: boolean;
  readonly read: readonly CallName[];
  /** What the first reading asks for besides the table. */
  readonly besideFirstRead: readonly CallName[];
  readonly forwarding: readonly CallName[];
  /** Calls of a write of one batch; the first makes the change. */
  readonly write: Readonly<Record<"add" | "replace" | "delete", readonly CallName[]>>;
}

const minuteMs = 60_000;

const bucket = (burst: number, perSecond: number): Limit => ({ kind: "bucket", burst, perSecond });
const minute = (perMinute: number): Limit => ({ kind: "minute", perMinute });

/**
 * - EC2: each action of an account and region has a bucket: 100 and 20 a second for what only reads, 50 and 5 for what writes
 *   (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). No Retry-After.
 * - ARM: 250 and 25 for reads, 200 and 10 for writes, of a subscription, region and principal
 *   (https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling).
 * - Google: reads and writes of global things, and reads of a region's, each have a quota of a project, refilled at the full minute
 *   (https://cloud.google.com/compute/api-quota); 1,500 is what each group had by default before they became few and larger.
 */
export const accountShapes: readonly AccountShape[] = [
  {
    name: "EC2",
    limits: {
      DescribeRouteTables: bucket(100, 20),
      DescribeNetworkInterfaces: bucket(100, 20),
      CreateRoute: bucket(50, 5),
      ReplaceRoute: bucket(50, 5),
      DeleteRoute: bucket(50, 5),
    },
    tellsWhen: false,
    identify: [],
    prepare: ["DescribeRouteTables"],
    copies: ["DescribeRouteTables"],
    readsAhead: true,
    read: ["DescribeRouteTables"],
    besideFirstRead: [],
    forwarding: ["DescribeNetworkInterfaces"],
    write: { add: ["CreateRoute"], replace: ["ReplaceRoute"], delete: ["DeleteRoute"] },
  },
  {
    name: "ARM",
    limits: { GET: bucket(250, 25), PUT: bucket(200, 10) },
    tellsWhen: true,
    identify: ["GET", "GET"],
    prepare: ["GET"],
    copies: [],
    readsAhead: true,
    read: ["GET"],
    besideFirstRead: ["GET"],
    forwarding: ["GET"],
    write: { add: ["PUT", "GET", "GET"], replace: ["PUT", "GET", "GET"], delete: ["PUT", "GET", "GET"] },
  },
  {
    name: "Google",
    limits: { read: minute(1_500), write: minute(1_500), regional: minute(1_500) },
    tellsWhen: true,
    identify: ["regional", "read", "read"],
    prepare: [],
    copies: [],
    readsAhead: false,
    read: ["read"],
    besideFirstRead: [],
    forwarding: ["regional"],
    write: { add: ["write", "read"], replace: ["write", "read", "write", "read"], delete: ["write", "read"] },
  },
];

/** Within this time, in milliseconds, a router that nobody refuses has made all its calls. */
const loneMs = 1_000;

/** How a limit stands at a time. */
class LimitUse {
  readonly limit: Limit;
  #left: number;
  #at = 0;

  constructor(limit: Limit) {
    this.limit = limit;
    this.#left = limit.kind === "bucket" ? limit.burst : limit.perMinute;
  }

  /** @param now milliseconds. @returns whether there is a place for one more call. */
  take(now: number): boolean {
    this.#refill(now);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** Whether there is a place at a time. */
  has(now: number): boolean {
    this.#refill(now);
    return this.#left >= 1;
  }

  /** When there will be a place, in milliseconds from `now`. */
  untilRefillMs(now: number): number {
    return this.limit.kind === "bucket"
      ? Math.ceil((1 - this.#left) / this.limit.perSecond) * 1000
      : minuteMs - now % minuteMs;
  }

  #refill(now: number): void {
    const { limit } = this;
    if (limit.kind === "minute") {
      if (Math.floor(now / minuteMs) > Math.floor(this.#at / minuteMs)) this.#left = limit.perMinute;
    } else this.#left = Math.min(limit.burst, this.#left + (now - this.#at) / 1000 * limit.perSecond);
    this.#at = now;
  }
}

/** Calls of one kind. */
export interface CallCount {
  made: number;
  refused: number;
}

/** One account: what was called, by the herd and by another client of the same account. */
export class Account {
  readonly shape: AccountShape;
  readonly calls = new Map<CallName, CallCount>();
  /** What became, or would have become, of calls of another client, which are so few that they change nothing. */
  readonly others = new Map<CallName, CallCount>();
  /** Whether the API is out of reach: such calls reach no limit. */
  isDown = false;
  readonly #uses: ReadonlyMap<CallName, LimitUse>;
  readonly #now: () => number;

  constructor(shape: AccountShape, now: () => number) {
    this.shape = shape;
    this.#now = now;
    this.#uses = new Map(Object.entries(shape.limits).map(([name, limit]) => [name, new LimitUse(limit)]));
  }

  /** Makes a call. @returns null: it is taken; else when the next one will be, in milliseconds from now. */
  call(name: CallName): number | null {
    const use = this.#uses.get(name);
    if (use === undefined) throw new Error(`${this.shape.name} has no call ${name}`);
    const isTaken = use.take(this.#now());
    noteIn(this.calls, name, isTaken);
    return isTaken ? null : use.untilRefillMs(this.#now());
  }

  /** Looks whether each kind of call of another client would be taken now. */
  probe(): void {
    for (const [name, use] of this.#uses) noteIn(this.others, name, use.has(this.#now()));
  }

  /** Begins to count anew. */
  forgetCounts(): void {
    this.calls.clear();
    this.others.clear();
  }

  /**
   * The least time, in milliseconds, in which any client could make so many calls.
   *
   * @param startedAt milliseconds of the clock; each limit is untouched then.
   */
  floorMs(calls: ReadonlyMap<CallName, number>, startedAt: number): number {
    return Math.max(
      0,
      ...[...calls].map(([name, count]) => {
        const limit = this.shape.limits[name];
        if (limit === undefined) return 0;
        if (limit.kind === "bucket") return Math.max(0, (count - limit.burst) / limit.perSecond * 1000);
        const refills = Math.ceil(count / limit.perMinute) - 1;
        return Math.max(0, refills * minuteMs - startedAt % minuteMs);
      }),
    );
  }

  /**
   * The share of the calls of another client that is taken at best, of the kind that fares worst, if the herd has made so many calls
   * within a time. Nobody is told that a limit is used up before a call is refused, and a router alone makes all its calls within a
   * second: where the calls of all exceed a minute's quota, the rest of that minute is lost to everybody. From then on a herd that knew
   * how many it is could always leave a place. A bucket has a place again as soon as the herd holds its calls back.
   *
   * @param startedAt milliseconds of the clock.
   */
  othersBound(calls: ReadonlyMap<CallName, number>, startedAt: number, elapsedMs: number): number {
    if (elapsedMs <= 0) return 1;
    return Math.min(
      1,
      ...[...calls].map(([name, count]) => {
        const limit = this.shape.limits[name];
        if (limit === undefined) return 1;
        const isUsedUp = count > (limit.kind === "bucket" ? limit.burst : limit.perMinute);
        const lostMs = limit.kind === "bucket" ? loneMs : minuteMs - startedAt % minuteMs - loneMs;
        return isUsedUp ? Math.max(0, 1 - lostMs / elapsedMs) : 1;
      }),
    );
  }
}

function noteIn(counts: Map<CallName, CallCount>, name: CallName, isTaken: boolean): void {
  const count = counts.get(name) ?? { made: 0, refused: 0 };
  counts.set(name, count);
  count.made++;
  if (!isTaken) count.refused++;
}
