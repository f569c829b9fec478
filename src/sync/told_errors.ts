/**
 * Errors that were logged while something goes on failing. When a network breaks they take turns (no answer, no route, no answer …): each
 * is told once, not at each turn.
 */

/** So many are remembered: messages that differ each time must not fill the memory. */
const mostTold = 20;

/** See the head of this file. */
export class ToldErrors {
  readonly #told = new Set<string>();

  /** Takes note of an error. @returns whether it was not told yet. */
  isNews({ message }: Error): boolean {
    if (this.#told.has(message)) return false;
    if (this.#told.size >= mostTold) this.#told.clear();
    this.#told.add(message);
    return true;
  }

  /** It works again: the next error is news, whatever it is. */
  forget(): void {
    this.#told.clear();
  }
}
