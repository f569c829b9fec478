/**
 * Three routers that share a table, each with the real loop, on a cloud that writes without a condition and shows stale readings: their
 * uplinks come and go, the session between them breaks, they crash and restart. What must hold is said at each assertion.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  Change,
  CloudRoute,
  DeadPeer,
  PeerRouter,
  Sign,
  TableState,
  WriteResult,
} from "../../src/clouds/cloud.ts";
import { CloudError } from "../../src/clouds/cloud_error.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";
import { ApiBudget } from "../../src/sync/api_budget.ts";
import { Ledger } from "../../src/sync/ledger.ts";
import { memoryStore } from "../../src/sync/ledger_store.ts";
import { Reconciler } from "../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../src/sync/wanted_routes.ts";
import { captureLog } from "../fakes/captured_log.ts";
import { owner, someTable, tableState } from "../fakes/cloud_routes.ts";
import { plainTraits } from "../fakes/comparisons.ts";
import { smallVm } from "../fakes/policies.ts";
import { VirtualClock } from "./virtual_clock.ts";

const addresses = ["10.0.0.4", "10.0.0.5", "10.0.0.6"].map(parseAddress);
const prefixes = ["198.51.100.0/24", "203.0.113.0/24"];

/** A reading lacks what was written at most this long before it, in milliseconds. */
const stalestMs = 2_000;
/** What a stale reading hides is seen at the next audit, five minutes later; several in a row may hide several things. */
const settledAfterMs = 1_600_000;

/** What happens, and how long before it, in milliseconds. */
interface Event {
  readonly afterMs: number;
  readonly what: "uplink" | "session" | "power";
  readonly router: number;
}

interface Story {
  /** Whether all kernels prefer the first router's uplink, or each its own. */
  readonly prefersFirst: boolean;
  /** Whether ranks are given; without them the addresses decide. */
  readonly ranked: boolean;
  readonly marks: boolean;
  /** Whether the cloud says who is dead in a reading, as EC2 does with `blackhole`, or only when it is asked. */
  readonly readingShowsDead: boolean;
  /** Whether the routers know each other by `-peer`, or by the marks of the table alone. */
  readonly named: boolean;
  readonly writeMs: number;
  readonly staleEvery: number;
  readonly events: readonly Event[];
}

const stories: fc.Arbitrary<Story> = fc.record({
  prefersFirst: fc.boolean(),
  ranked: fc.boolean(),
  marks: fc.boolean(),
  readingShowsDead: fc.boolean(),
  named: fc.boolean(),
  writeMs: fc.constantFrom(5, 60, 400),
  staleEvery: fc.constantFrom(2, 3, Infinity),
  events: fc.array(
    fc.record({
      afterMs: fc.constantFrom(1, 30, 400, 3_000, 20_000, 400_000),
      what: fc.constantFrom("uplink", "session", "power"),
      router: fc.nat(2),
    }),
    { maxLength: 8 },
  ),
});

/** The third router gets a prefix by a hand-over that it does not see while its kernel wants it: it owns it all the same. */
const handedOverUnseen: Story = {
  prefersFirst: true,
  ranked: false,
  marks: false,
  readingShowsDead: false,
  named: false,
  writeMs: 5,
  staleEvery: 2,
  events: [
    { afterMs: 400_000, what: "uplink", router: 0 },
    { afterMs: 30, what: "uplink", router: 1 },
    { afterMs: 3_000, what: "uplink", router: 2 },
    { afterMs: 30, what: "uplink", router: 0 },
  ],
};

/** The cloud's table, which every router reads and writes. */
class SharedTable {
  readonly routes = new Map<string, CloudRoute>();
  writes = 0;
  #before: TableState = tableState([]);
  #readings = 0;
  #writtenAt = -Infinity;
  /** Whether the cloud sees that the router of this address is dead: it drops packets for its routes. */
  isDead: (address: string) => boolean = () => false;

  /** @param now milliseconds of the clock: a reading lacks what was written just before, not for ever. */
  read(staleEvery: number, now: number): TableState {
    const isStale = ++this.#readings % staleEvery === 0 && now - this.#writtenAt < stalestMs;
    return isStale ? this.#before : this.#now();
  }

  change({ action, prefix, to }: Change, mark: Pick<CloudRoute, "owner" | "writer">, now: number): void {
    this.#writtenAt = now;
    this.#before = this.#now();
    this.writes++;
    if (action === "delete") this.routes.delete(prefix.text);
    else this.routes.set(prefix.text, { prefix, nextHops: to, ...mark });
  }

  #now(): TableState {
    return tableState(
      [...this.routes.values()].map((route) =>
        this.isDead(route.nextHops[0] ?? "") ? { ...route, blackhole: true } : route
      ),
    );
  }
}

/** One router: its kernel, and the loop while it has power. */
class Router {
  alive = true;
  /** When it was switched on, in milliseconds of the clock. */
  poweredAt = -Infinity;
  uplink = true;
  readonly wanted = new WantedRoutes();
  readonly #story: Story;
  readonly #index: number;
  readonly #group: Group;
  readonly #ledger: Ledger | null;
  #reconciler: Reconciler | null = null;
  #off = new AbortController();

  constructor(index: number, group: Group, story: Story, ledger: Ledger | null) {
    this.#index = index;
    this.#group = group;
    this.#story = story;
    this.#ledger = ledger;
  }

  get address(): string {
    return addresses[this.#index]?.text ?? "";
  }

  get #sign(): Sign {
    return { id: `vm-${this.#index}`, address: parseAddress(this.address), nextHops: [this.address] };
  }

  powerOn(): void {
    this.alive = true;
    this.#off = new AbortController();
    const { clock, table } = this.#group;
    const { ranked, marks, named, staleEvery, readingShowsDead } = this.#story;
    // Without marks the routers must be named.
    const isUnknown = marks && !named;
    const self = addresses.slice(this.#index, this.#index + 1);
    const vm = { ...smallVm, attachments: [{ addresses: self, networks: [parsePrefix("10.0.0.0/16")] }] };
    this.#reconciler = new Reconciler({
      cloud: {
        traits: { ...plainTraits, ownership: marks ? "mark" : "ledger", readingShowsDead },
        describe: (hop) => hop,
      },
      connection: () => ({
        read: () => Promise.resolve(table.read(staleEvery, clock.now())),
        write: (_table, changes, _state, signal) => this.#write(changes, signal),
        resolve: (neighbours) => Promise.resolve(neighbours.map(({ gateway }) => gateway.text)),
        forget: () => undefined,
        findDead: (peers) => Promise.resolve(this.#group.deadOf(peers)),
      }),
      table: someTable,
      owner,
      identity: () => ({
        ...vm,
        addresses: self,
        instance: this.address,
        self: { 4: this.address, 6: null },
        ...(marks ? { sign: this.#sign } : {}),
      }),
      isActive: () => true,
      wanted: this.wanted,
      ledger: this.#ledger === null ? null : { ledger: this.#ledger, proven: true },
      clock,
      budget: new ApiBudget({ traits: plainTraits }, clock),
      settings: {
        coalesceMs: 10,
        withdrawDelayMs: 250,
        auditMs: 300_000,
        guard: { maxWithdraw: 1, holdMs: 8_000 },
        adopt: false,
        group: {
          peers: addresses.flatMap((address, index) =>
            index === this.#index || isUnknown ? [] : [{ address, rank: ranked ? 10 - index : null }]
          ),
          rank: ranked && !isUnknown ? 10 - this.#index : null,
          activeAddress: null,
        },
      },
    });
    this.#group.loops.push(this.#reconciler.run(this.#off.signal, this.#off.signal));
  }

  powerOff(): void {
    this.alive = false;
    this.#off.abort();
    this.wanted.clear();
  }

  /** The kernel's best route for all prefixes: by this router (its own address), by a peer, or none. */
  kernel(by: string | null): void {
    for (const text of prefixes) {
      const neighbour = by === null || by === this.address ? null : parseAddress(by);
      const before = this.wanted.get(text);
      if (by === null) this.wanted.delete(text);
      else {
        const nextHops = [{ neighbour, gateway: neighbour }];
        this.wanted.set(text, { prefix: parsePrefix(text), nextHops, metric: 20, protocol: 186 });
      }
      const after = this.wanted.get(text);
      if (
        before?.nextHops[0]?.neighbour?.text !== after?.nextHops[0]?.neighbour?.text || !before !== !after
      ) {
        this.#reconciler?.notify([text]);
      }
    }
  }

  async #write(changes: readonly Change[], signal: AbortSignal): Promise<WriteResult> {
    const { clock, table } = this.#group;
    // The write takes effect though its router lost its power meanwhile.
    await clock.sleep(this.#story.writeMs, new AbortController().signal);
    const outcomes = changes.map((change) => ({ change, error: this.#refusal(change) }));
    for (const { change, error } of outcomes) {
      if (error !== null) continue;
      if (change.action === "delete") this.#group.checkDelete(change, this);
      table.change(change, this.#story.marks ? { owner, writer: this.#sign } : { owner: null }, clock.now());
    }
    signal.throwIfAborted();
    return { outcomes };
  }

  /** Clouds with marks write on condition that a route is as it was read (ETag, a name of its own); EC2 does not. */
  #refusal({ prefix, from }: Change): CloudError | null {
    const standing = this.#group.table.routes.get(prefix.text)?.nextHops.join();
    if (!this.#story.marks || standing === from?.nextHops.join()) return null;
    return new CloudError("conflict", "The table is not as it was read");
  }
}

/** The routers, the session between them, and the table. */
class Group {
  readonly clock = new VirtualClock(() => 0.5);
  readonly table = new SharedTable();
  session = true;
  readonly loops: Promise<unknown>[] = [];
  routers: readonly Router[] = [];
  readonly #story: Story;

  constructor(story: Story) {
    this.#story = story;
  }

  static async begin(story: Story): Promise<Group> {
    const group = new Group(story);
    const ledgers = await Promise.all(
      addresses.map(async () =>
        story.marks
          ? null
          : (await Ledger.open(memoryStore(null), { cloud: "aws", table: someTable.id, owner })).ledger
      ),
    );
    group.routers = addresses.map((_, index) => new Router(index, group, story, ledgers[index] ?? null));
    group.table.isDead = (address) => story.readingShowsDead && group.isDead(address);
    for (const router of group.routers) router.powerOn();
    group.converge();
    return group;
  }

  isDead(address: string): boolean {
    return this.routers.some((router) => router.address === address && !router.alive);
  }

  deadOf(peers: readonly PeerRouter[]): readonly DeadPeer[] {
    return peers.filter(({ address }) => this.isDead(address.text))
      .map(({ address }) => ({ address, cause: "the power is off" }));
  }

  async play({ afterMs, what, router: index }: Event): Promise<void> {
    const router = this.routers[index];
    assert.ok(router !== undefined);
    await this.clock.advance(afterMs);
    if (what === "session") this.session = !this.session;
    else if (what === "uplink") router.uplink = !router.uplink;
    else if (router.alive) router.powerOff();
    else {
      router.poweredAt = this.clock.now();
      router.powerOn();
    }
    this.converge();
  }

  /** What a routing daemon does on each router. */
  converge(): void {
    for (const router of this.routers) if (router.alive) router.kernel(this.#best(router));
  }

  #best(router: Router): string | null {
    const reachable = this.routers.filter((other) => other === router || (this.session && other.alive))
      .filter(({ uplink }) => uplink);
    const own = this.#story.prefersFirst ? undefined : reachable.find((other) => other === router);
    return (own ?? reachable[0])?.address ?? null;
  }

  /** A withdrawal must not hit what a living peer wants and has; one that has just come back was dead when the cloud was asked. */
  checkDelete({ prefix }: Change, by: Router): void {
    const hop = this.table.routes.get(prefix.text)?.nextHops[0];
    const victim = this.routers.find((other) => other !== by && other.address === hop);
    if (victim === undefined || !victim.alive || this.clock.now() - victim.poweredAt < stalestMs) return;
    const wants = victim.wanted.get(prefix.text)?.nextHops[0]?.neighbour === null;
    if (wants) this.lost.push(`${by.address} deleted ${prefix.text} of ${victim.address}`);
  }

  readonly lost: string[] = [];
}

Deno.test("three routers end with each prefix at a living one that wants it, and write nothing more", async () => {
  using _log = captureLog();
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const group = await Group.begin(story);
      for (const event of story.events) await group.play(event);
      await group.clock.advance(settledAfterMs);
      const { writes } = group.table;
      await group.clock.advance(1_300_000);
      assert.equal(group.table.writes, writes, "a write war");
      const living = group.routers.filter(({ alive }) => alive);
      for (const prefix of prefixes) {
        const wanting = living.filter(({ wanted }) => wanted.get(prefix)?.nextHops[0]?.neighbour === null)
          .map(({ address }) => address);
        const at = group.table.routes.get(prefix)?.nextHops[0];
        if (wanting.length > 0) {
          assert.ok(at !== undefined && wanting.includes(at), `${prefix} is at ${at}, wanted by ${wanting}`);
        }
      }
      // Without a condition a delete that is under way may hit a take-over; it is back within seconds, which the end above shows.
      // A router that has written nothing yet, because it stands by, is not known by marks: `-peer` names it.
      if (story.marks && story.named) assert.deepEqual(group.lost, []);
      for (const router of living) router.powerOff();
      await group.clock.advance(1_000);
      await Promise.all(group.loops);
    }),
    { numRuns: Number(Deno.env.get("CLOUDROUTESYNC_TEST_RUNS") ?? 200), examples: [[handedOverUnseen]] },
  );
});
