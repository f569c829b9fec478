/** Server-sent events (HTML Living Standard, section 9.2) to a bounded number of readers, each with a bounded queue. */

/** A browser has one a page that is open. */
export const mostStreams = 16;
/** What may wait for a reader, in bytes. A reader that falls further behind is dropped; it comes back and starts over. */
const longestQueue = 1_000_000;

/** One event. */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** See the head of this file. */
export class EventStreams {
  readonly #open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #encoder = new TextEncoder();
  readonly #onLast: () => void;

  /** @param onLast called when the last reader has gone. */
  constructor(onLast: () => void = () => {}) {
    this.#onLast = onLast;
  }

  /** Number of readers. */
  get size(): number {
    return this.#open.size;
  }

  /** Opens a stream. @param first what it begins with. @returns null if too many are open. */
  open(first: readonly StreamEvent[]): ReadableStream<Uint8Array> | null {
    if (this.#open.size >= mostStreams) return null;
    let opened: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        opened = controller;
        this.#open.add(controller);
        for (const event of first) this.#put(controller, this.#bytes(event));
      },
      cancel: () => this.#drop(opened),
    }, new ByteLengthQueuingStrategy({ highWaterMark: longestQueue }));
  }

  /** Sends an event to all readers. */
  send(event: StreamEvent): void {
    const bytes = this.#bytes(event);
    for (const controller of [...this.#open]) this.#put(controller, bytes);
  }

  /** Ends all streams. */
  close(): void {
    for (const controller of [...this.#open]) {
      this.#drop(controller);
      // What waits for a reader that does not read would keep the server from its end.
      if (controller.desiredSize === longestQueue) controller.close();
      else controller.error(new Error("The service ends"));
    }
  }

  #put(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
    if (!this.#open.has(controller)) return;
    if ((controller.desiredSize ?? 0) < bytes.length) {
      this.#drop(controller);
      controller.error(new Error("The reader of the event stream is too slow"));
      return;
    }
    controller.enqueue(bytes);
  }

  #drop(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#open.delete(controller) && this.#open.size === 0) this.#onLast();
  }

  #bytes({ event, data }: StreamEvent): Uint8Array {
    return this.#encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
