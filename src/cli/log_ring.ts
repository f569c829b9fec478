/** The last lines of the log, kept in memory: a service cannot read its own journal, and a report of a fault needs them. */

/** Lines that are kept, and characters of them all: whatever is reached first drops the oldest. */
const mostLines = 1_000;
const mostCharacters = 200_000;

/** See the head of this file. */
export class LogRing {
  readonly #lines: string[] = [];
  #characters = 0;

  /** The oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Takes a line of the log, with or without its end. */
  add(text: string): void {
    const line = text.trimEnd();
    this.#lines.push(line);
    this.#characters += line.length;
    while (this.#lines.length > mostLines || (this.#characters > mostCharacters && this.#lines.length > 1)) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
  }
}
