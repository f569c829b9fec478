/** Timers take 2^31 - 1 milliseconds at most and fire at once beyond that. */
const longestTimeoutMs = 2 ** 31 - 1;

/** Runs one task at the earliest time that anyone has asked for, never twice at once. */
export class Alarm {
  readonly #task: () => Promise<void>;
  #due = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | null = null;
  #closed = false;

  /** @param task must not reject. */
  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Whether the task is due at some time or running. */
  get pending(): boolean {
    return this.#running !== null || this.#due < Infinity;
  }

  /**
   * Runs the task in `ms` milliseconds or sooner. Asked for while the task runs, it runs once more after it.
   */
  within(ms: number): void {
    const due = performance.now() + ms;
    if (this.#closed || due >= this.#due) return;
    this.#due = due;
    if (this.#running === null) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#due === Infinity) return;
    const wait = Math.max(0, this.#due - performance.now());
    this.#timer = wait > longestTimeoutMs
      ? setTimeout(() => this.#arm(), longestTimeoutMs)
      : setTimeout(() => this.#ring(), wait);
  }

  #ring(): void {
    this.#due = Infinity;
    this.#running = this.#task().finally(() => {
      this.#running = null;
      if (!this.#closed) this.#arm();
    });
  }

  /** Takes back what was asked for; resolves when a task under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
