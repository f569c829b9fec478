/** What the attempts of a dump bring of things that have a key: links, addresses, next-hop objects. */

/** Fills a map attempt by attempt; see {@linkcode DumpRequest}. */
export class KeyedDump<Key, Value> {
  readonly #map: Map<Key, Value>;
  readonly #isDumped: (value: Value) => boolean;
  /** What attempts before the present one brought. */
  readonly #earlier: (readonly [Key, Value])[] = [];

  /**
   * @param map what the dump fills.
   * @param isDumped which of the map's values come from this dump; the others stay untouched.
   */
  constructor(map: Map<Key, Value>, isDumped: (value: Value) => boolean = () => true) {
    this.#map = map;
    this.#isDumped = isDumped;
  }

  /** Lays aside what the attempt before has brought. */
  begin(): void {
    for (const [key, value] of this.#map) {
      if (!this.#isDumped(value)) continue;
      this.#earlier.push([key, value]);
      this.#map.delete(key);
    }
  }

  /** Adds what earlier attempts brought and the last did not, each as it was brought last. */
  merge(): void {
    for (const [key, value] of this.#earlier.toReversed()) if (!this.#map.has(key)) this.#map.set(key, value);
  }
}
