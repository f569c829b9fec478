import { longestTimeoutMs } from "../async/clock.ts";

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
    void this.during(this.#task);
  }

  /** Runs other work in the place of the task; what is asked for meanwhile waits for its end. */
  async during(work: () => Promise<void>): Promise<void> {
    clearTimeout(this.#timer);
    // It counts as running before its first line runs: that line may ask for another run.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running = promise;
    try {
      await work();
    } finally {
      this.#running = null;
      resolve();
      if (!this.#closed) this.#arm();
    }
  }

  /** Takes back what was asked for; resolves when a task under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
