/** The events that come while a dump is being read, to be applied to what it brings. */

import { align4, type MessageBuffer, messageBuffer } from "./attribute_cursor.ts";
import { MessageWalk } from "./netlink_message.ts";

/** Beyond so many bytes another dump is cheaper. */
const mostBytes = 16 * 1024 * 1024;

/** Copies of datagrams in the order in which they came. */
export class EventLog {
  readonly #datagrams: { readonly buffer: MessageBuffer; readonly length: number }[] = [];
  #bytes = 0;
  #complete = true;

  /** Whether nothing is missing: if something is, the rest must not be applied (a later withdrawal may be lost). */
  get complete(): boolean {
    return this.#complete;
  }

  /** Adds the first `length` bytes of a buffer. */
  add(bytes: Uint8Array, length: number): void {
    if (!this.#complete) return;
    this.#bytes += align4(length);
    if (this.#bytes > mostBytes) return this.lose();
    const buffer = messageBuffer(length);
    buffer.bytes.set(bytes.subarray(0, length));
    this.#datagrams.push({ buffer, length });
  }

  /** Events are missing. */
  lose(): void {
    this.#complete = false;
    this.#datagrams.length = 0;
  }

  /** Goes through the messages; none if some are missing. */
  replay(take: (walk: MessageWalk) => void): void {
    const walk = new MessageWalk(messageBuffer(0));
    for (const { buffer, length } of this.#datagrams) {
      walk.enter(buffer, length);
      while (walk.next()) take(walk);
    }
  }
}
