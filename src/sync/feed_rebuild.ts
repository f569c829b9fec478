/** Judges the kernel's whole table again in slices, so that the event loop goes on to handle events and calls. */

import type { Clock } from "../async/clock.ts";
import type { KernelTable } from "../kernel/kernel_table.ts";
import type { PolicyIdentity } from "../routes/policy.ts";
import type { RouteFeed } from "./route_feed.ts";

/** The event loop is held no longer than this at a time, in milliseconds, but for one step of the feed. */
const sliceMs = 8;

/** What a rebuild works with. */
export interface FeedRebuildOptions {
  readonly feed: Pick<RouteFeed, "rebuilding">;
  readonly kernel: KernelTable;
  readonly clock: Clock;
  /**
   * Called when a rebuild has ended.
   *
   * @param changed canonical prefixes of which the outcome changed.
   * @param at when the kernel said what made it necessary, in milliseconds of the clock; null: it was not the kernel.
   */
  readonly onDone: (changed: readonly string[], at: number | null) => void;
  /** Takes note of a defect of this program: what was wanted before stays wanted. */
  readonly unexpected: (where: string, error: unknown) => void;
}

/** What a rebuild was asked for by. */
interface Request {
  readonly identity: PolicyIdentity;
  readonly at: number | null;
}

/** See the head of this file. */
export class FeedRebuild {
  readonly #options: FeedRebuildOptions;
  readonly #end = new AbortController();
  /** What was asked for while another rebuild was under way: it ends first, so that a busy kernel puts off none for ever. */
  #next: Request | null = null;
  #running: Promise<void> | null = null;
  /** The rebuild that a defect ended. */
  #failed: { readonly request: Request; readonly error: unknown } | null = null;

  constructor(options: FeedRebuildOptions) {
    this.#options = options;
  }

  /** Asks for a rebuild. A small table's is done at once. */
  start(identity: PolicyIdentity, at: number | null): void {
    if (this.#end.signal.aborted) return;
    this.#next = { identity, at: this.#next?.at ?? at };
    this.#running ??= this.#run();
  }

  /**
   * Resolves once no rebuild is under way. One that failed is begun again: without it nobody knows what is wanted.
   *
   * @throws what ended the last rebuild.
   */
  async done(): Promise<void> {
    if (this.#failed !== null) this.start(this.#failed.request.identity, this.#failed.request.at);
    while (this.#running !== null) await this.#running;
    if (this.#failed !== null) throw this.#failed.error;
  }

  /** Ends what is under way, and begins no other. */
  end(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    for (let request = this.#next; request !== null; request = this.#next) {
      this.#next = null;
      try {
        await this.#rebuild(request);
        this.#failed = null;
      } catch (error) {
        this.#failed = { request, error };
        this.#options.unexpected("while the kernel's routes were judged", error);
      }
    }
    this.#running = null;
  }

  async #rebuild({ identity, at }: Request): Promise<void> {
    const { feed, kernel, clock, onDone } = this.#options;
    const steps = feed.rebuilding(kernel, identity);
    let startedAt = clock.now();
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      if (clock.now() - startedAt < sliceMs) continue;
      await clock.sleep(0, this.#end.signal);
      if (this.#end.signal.aborted) return;
      startedAt = clock.now();
    }
    onDone(step.value, at);
  }
}
