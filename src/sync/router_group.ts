/** What one router remembers of the group that it shares a table with. */

import { getLogger } from "@logtape/logtape";
import { eachOf, type Steps } from "../async/steps.ts";
import type { CloudConnection, CloudIdentity, CloudTraits } from "../clouds/cloud.ts";
import { CloudError, errorFacts } from "../clouds/cloud_error.ts";
import { noMemory, type PrefixMemory, rememberTake } from "./group.ts";
import type { GroupInput } from "./group_comparison.ts";
import { findMembers, type GroupSettings, type Members } from "./group_members.ts";
import { PeerEvidence } from "./peer_evidence.ts";
import type { PlannedChange } from "./planned_change.ts";
import type { SeenPeer } from "./peer_status.ts";
import type { TableView } from "./table_view.ts";

const log = getLogger(["cloudroutesync", "group"]);

/** See the head of this file. One for each table. */
export class RouterGroup {
  /** What the cloud says of the peers. */
  readonly evidence = new PeerEvidence();
  readonly #settings: GroupSettings;
  readonly #isActive: () => boolean;
  readonly #isClaimed: (prefix: string) => boolean;
  readonly #table: () => Pick<TableView, "peers" | "index">;
  readonly #memories = new Map<string, PrefixMemory>();
  /** Since when the routes of a peer are all dropped, in milliseconds since the epoch, by address. */
  readonly #droppedSince = new Map<string, number>();
  #members: Members | null = null;
  #stale = true;
  #leaving = false;

  /**
   * @param isActive whether the active address is on this router.
   * @param isClaimed whether a canonical prefix stood at this router before the program was started.
   * @param table what it is asked of: whom its marks name, and what belongs to whom.
   */
  constructor(
    settings: GroupSettings,
    isActive: () => boolean,
    isClaimed: (prefix: string) => boolean,
    table: () => Pick<TableView, "peers" | "index">,
  ) {
    this.#table = table;
    this.#settings = settings;
    this.#isActive = isActive;
    this.#isClaimed = isClaimed;
  }

  /** Says that what routes to the members point at may have changed. */
  forget(): void {
    this.#stale = true;
  }

  /**
   * Finds the members, unless they are known. Where the cloud does not answer what was known before stays.
   *
   * @throws {CloudError} if nothing is known yet: without the peers their routes would be taken for this router's own.
   */
  async find(
    identity: CloudIdentity,
    connection: Pick<CloudConnection, "resolve" | "forget">,
    traits: Pick<CloudTraits, "routesNameAddresses">,
    signal: AbortSignal,
  ): Promise<Members> {
    if (this.#members !== null && !this.#stale) return this.#members;
    try {
      this.#members = await findMembers(
        this.#settings,
        identity,
        connection,
        traits,
        this.#members,
        signal,
      );
      this.#stale = this.#members.peers.some(({ nextHops }) => nextHops.length === 0);
      return this.#members;
    } catch (error) {
      if (!(error instanceof CloudError) || this.#members === null) throw error;
      log.warn("Cannot look up the peers: {message}", { event: "failure", ...errorFacts(error) });
      return this.#members;
    }
  }

  /**
   * Addresses that `-peer` names and that no other router has: this router's own, or one that nobody has any more. A router was there
   * before, says who named it, and it is not known what routes to it pointed at.
   */
  get predecessors(): readonly string[] {
    const known = new Set(
      this.#members?.peers.flatMap(({ address, nextHops }) => nextHops.length > 0 ? [address.text] : []),
    );
    return this.#settings.peers.map(({ address }) => address.text).filter((text) => !known.has(text));
  }

  /** Says that this router withdraws all that is its own, also while the active address is on another one. */
  leave(): void {
    this.#leaving = true;
  }

  /** Whether there are other routers, or may be. */
  get isShared(): boolean {
    const { peers, index } = this.#table();
    return peers.length > 0 || index.peers.size > 0 || this.#settings.activeAddress !== null;
  }

  /** The other routers, and which of them the cloud says are dead. */
  get seen(): readonly SeenPeer[] {
    return this.#table().peers.map(({ address: { text: address } }) => {
      const since = this.#droppedSince.get(address);
      const dropped = since === undefined ? null : { cause: "packets for its routes are dropped", since };
      return { address, dead: this.evidence.of(address) ?? dropped };
    });
  }

  /** Takes in which peers a reading of the table shows to be dead. */
  read(dead: ReadonlySet<string>): void {
    for (const peer of this.#droppedSince.keys()) if (!dead.has(peer)) this.#droppedSince.delete(peer);
    for (const peer of dead) if (!this.#droppedSince.has(peer)) this.#droppedSince.set(peer, Date.now());
  }

  /** What the comparison is to know; null: this router is alone. */
  get input(): GroupInput | null {
    if (this.#members === null || !this.isShared) return null;
    return {
      members: { ...this.#members, peers: this.#table().peers },
      passive: !this.#leaving && !this.#isActive(),
      oneActive: this.#settings.activeAddress !== null,
      memoryOf: (prefix) => this.#memories.get(prefix) ?? { ...noMemory, held: this.#isClaimed(prefix) },
    };
  }

  /** Takes in what a comparison saw. */
  comparing(memories: ReadonlyMap<string, PrefixMemory>): Steps<void> {
    return eachOf(memories, ([prefix, memory]) => this.#memories.set(prefix, memory));
  }

  /** Forgets prefixes that are wanted no more and not claimed either: of them nothing is known that would not be known without. */
  pruning(): Steps<void> {
    return eachOf(this.#memories, ([prefix, { wanted }]) => {
      if (wanted === "nothing" && !this.#isClaimed(prefix)) this.#memories.delete(prefix);
    });
  }

  /** Takes in a change that was written. */
  wrote({ prefix: { text }, to, takesFrom }: PlannedChange): void {
    const memory = this.#memories.get(text);
    if (takesFrom === undefined || to === null || memory === undefined) return;
    this.#memories.set(text, rememberTake(memory, takesFrom));
  }
}
