/** Remembers who has an address, for the clouds whose routes name interfaces or ports. */

import type { IpAddress } from "../../routes/prefix.ts";

/** How long an answer is good in milliseconds: for an address that somebody has, and for one that a new machine may take any moment. */
const keptMs = 300_000;
const nobodyKeptMs = 30_000;
/** An answer this young outlasts {@linkcode AddressCache.forget}: a burst of changes by way of one gateway asks once. */
const youngMs = 1_000;

/** Asks the cloud. @returns by an address's text who has it; an address that nobody has is missing. A failure throws. */
export type AskHolders<Holder> = (addresses: readonly IpAddress[]) => Promise<ReadonlyMap<string, Holder>>;

/** The addresses that were looked up, and who has each; `Holder` is what a cloud must know of that machine. */
export class AddressCache<Holder> {
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly holder: Holder | null; readonly askedAt: number }>();

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Finds who has each address; what is not known is asked for in one go.
   *
   * @returns one entry an address, in their order; null where nobody has it.
   * @throws whatever `ask` throws; nothing is remembered then.
   */
  async find(
    addresses: readonly IpAddress[],
    ask: AskHolders<Holder>,
  ): Promise<readonly (Holder | null)[]> {
    this.#dropOld();
    const unknown = new Map(addresses.map((address) => [address.text, address]));
    for (const text of this.#known.keys()) unknown.delete(text);
    if (unknown.size > 0) {
      const holders = await ask([...unknown.values()]);
      const askedAt = this.#now();
      for (const text of unknown.keys()) {
        this.#known.set(text, { holder: holders.get(text) ?? null, askedAt });
      }
    }
    return addresses.map(({ text }) => this.#known.get(text)?.holder ?? null);
  }

  /** Says that addresses may have moved: the next question for them goes to the cloud. */
  forget(addresses: readonly IpAddress[]): void {
    const now = this.#now();
    for (const { text } of addresses) {
      const known = this.#known.get(text);
      if (known !== undefined && now - known.askedAt >= youngMs) this.#known.delete(text);
    }
  }

  /** Says that a machine is gone: what was remembered of it is not true any more. */
  forgetHolder(isGone: (holder: Holder) => boolean): void {
    for (const [text, { holder }] of this.#known) {
      if (holder !== null && isGone(holder)) this.#known.delete(text);
    }
  }

  #dropOld(): void {
    const now = this.#now();
    for (const [text, { holder, askedAt }] of this.#known) {
      if (now - askedAt >= (holder === null ? nobodyKeptMs : keptMs)) this.#known.delete(text);
    }
  }
}
