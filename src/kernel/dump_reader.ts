/** Reads dumps in slices: a table of a million routes takes half a second, and the event loop must not stand still. */

import { setImmediate } from "node:timers/promises";
import { nothingWaiting, overrun } from "../../ffi/netlink_socket.ts";
import { type MessageBuffer, messageBuffer } from "./attribute_cursor.ts";
import { decodeStatus } from "./netlink_error.ts";
import { MessageWalk, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP } from "./netlink_message.ts";
import type { NetlinkPort } from "./netlink_port.ts";

/** Longest stretch of work between two looks at the event loop, milliseconds. */
const sliceMs = 4;

/** A dump that stays silent for so long has failed, milliseconds. */
const silenceMs = 5_000;

/** How often a dump is begun anew before it is given up. */
const attempts = 10;

/** One dump. */
export interface DumpRequest {
  /** What is asked, for errors: `dump links`. */
  readonly operation: string;
  /** Makes the request. */
  readonly message: (sequence: number) => Uint8Array<ArrayBuffer>;
  /** Forgets what an interrupted attempt has brought. */
  readonly clear: () => void;
  /** Takes the message that the walk stands on; it may take those behind it too, and move the walk there. */
  readonly take: (walk: MessageWalk) => void;
}

/** A dump that was given up because the monitor is being closed. */
export class DumpAbandoned extends Error {
  override readonly name = "DumpAbandoned";
}

/** Reads one dump after the other from a port of its own. */
export class DumpReader {
  readonly #port: NetlinkPort;
  readonly #signal: AbortSignal;
  readonly #walk: MessageWalk;
  #buffer: MessageBuffer;
  #sequence = 0;
  #whole = true;
  #sliceEnd = 0;

  /** @param signal aborted, the reader stops at the next slice. */
  constructor(port: NetlinkPort, signal: AbortSignal) {
    this.#port = port;
    this.#signal = signal;
    // A datagram of a dump is at most 32,400 bytes, however large the buffer (netlink_dump in af_netlink.c).
    this.#buffer = messageBuffer(64 * 1024);
    this.#walk = new MessageWalk(this.#buffer);
  }

  /**
   * Reads one dump to its end; begins anew when it was interrupted, cut off or overrun.
   *
   * @throws {NetlinkError} if the kernel refuses it.
   * @throws {DecodeError} if an answer is not as it must be.
   * @throws {DumpAbandoned} if the signal was aborted.
   */
  async read(request: DumpRequest): Promise<void> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      request.clear();
      this.#sequence++;
      this.#port.send(request.message(this.#sequence));
      if (await this.#readAnswer(request)) return;
    }
    throw new Error(`Cannot ${request.operation}: it was interrupted ${attempts} times`);
  }

  /** Reads to the end of the answer; whether the dump was whole. */
  async #readAnswer(request: DumpRequest): Promise<boolean> {
    this.#whole = true;
    for (;;) {
      await this.#pause();
      const length = this.#port.receive(this.#buffer.bytes);
      if (length === nothingWaiting) await this.#waitForMore(request.operation);
      else if (length === overrun) this.#whole = false;
      else if (length > this.#buffer.bytes.length) {
        this.#buffer = messageBuffer(length);
        this.#whole = false;
      } else if (this.#takeDatagram(request, length)) return this.#whole;
    }
  }

  /** Whether it was the last one. */
  #takeDatagram(request: DumpRequest, length: number): boolean {
    const walk = this.#walk;
    walk.enter(this.#buffer, length);
    while (walk.next()) {
      if (walk.sequence !== this.#sequence) continue;
      if ((walk.flags & NLM_F_DUMP_INTR) !== 0) this.#whole = false;
      if (walk.type === NLMSG_DONE || walk.type === NLMSG_ERROR) {
        const error = decodeStatus(request.operation, walk);
        if (error !== null) throw error;
        if (walk.type === NLMSG_DONE) return true;
      } else if (walk.type !== NLMSG_NOOP && this.#whole) request.take(walk);
    }
    return false;
  }

  /** Lets the event loop turn once the slice is over. */
  async #pause(): Promise<void> {
    if (performance.now() >= this.#sliceEnd) {
      await setImmediate();
      this.#sliceEnd = performance.now() + sliceMs;
    }
    if (this.#signal.aborted) throw new DumpAbandoned("Cannot finish a dump: the monitor is closed");
  }

  /** The kernel fills a dump while it is read, so this hardly ever happens. */
  async #waitForMore(operation: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`Cannot ${operation}: no answer in ${silenceMs} ms`)),
        silenceMs,
      );
    });
    try {
      await Promise.race([this.#port.wait(), silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}
