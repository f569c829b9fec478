/**
 * Reads dumps in slices: a table of a million routes takes half a second, and the event loop must not stand still.
 *
 * The kernel fills a dump while it is read. Where what is dumped changes meanwhile it may leave things out or bring them
 * twice, at the borders of the datagrams, and mostly says so (NLM_F_DUMP_INTR, linux/netlink.h). Such an attempt is made again
 * after a pause that grows, with other borders. On a busy kernel no attempt may ever be whole: then what all of them brought
 * is put together. What went meanwhile is in that too; the events of the time take it away again.
 */

import { setImmediate } from "node:timers/promises";
import { nothingWaiting, overrun } from "../../../ffi/netlink_socket.ts";
import { systemClock } from "../../async/system_clock.ts";
import { type MessageBuffer, messageBuffer } from "../wire/attribute_cursor.ts";
import { decodeStatus } from "../wire/netlink_error.ts";
import {
  MessageWalk,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
} from "../wire/netlink_message.ts";
import type { NetlinkPort, OpenPort } from "../wire/netlink_port.ts";

/** Longest stretch of work between two looks at the event loop, milliseconds. */
const sliceMs = 4;

/** A dump that stays silent for so long has failed, milliseconds. */
const silenceMs = 5_000;

/**
 * How much of the buffer each attempt offers, bytes. The kernel makes its datagrams as large as that, up to 32,400 bytes
 * (netlink_dump in net/netlink/af_netlink.c), so that what falls on a border in one attempt does not in the next.
 */
const attemptBytes = [64 * 1024, 20 * 1024, 26 * 1024, 23 * 1024, 29 * 1024];

/** Before the second attempt; doubled before each further one. Milliseconds. */
const firstPauseMs = 2;

/** One dump. */
export interface DumpRequest {
  /** What is asked, for errors: `dump links`. */
  readonly operation: string;
  /** Makes the request. */
  readonly message: (sequence: number) => Uint8Array<ArrayBuffer>;
  /** Whether the kernel goes through much before it answers: then another thread asks. */
  readonly aside?: boolean;
  /** Begins an attempt: what an earlier one brought is laid aside. */
  readonly begin: () => void;
  /** Adds to what the last attempt brought what earlier ones brought beyond it. */
  readonly merge: () => void;
  /** Takes the message that the walk stands on; it may take those behind it too, and move the walk there. */
  readonly take: (walk: MessageWalk) => void;
  /** Whether an attempt that has just ended cannot be trusted though the kernel did not say so. */
  readonly isDisturbed?: () => boolean;
}

/** A dump that was given up because the monitor is being closed. */
export class DumpAbandoned extends Error {
  override readonly name = "DumpAbandoned";
}

/** Reads one dump after the other over ports of its own. */
export class DumpReader implements Disposable {
  readonly #open: OpenPort;
  readonly #signal: AbortSignal;
  readonly #walk: MessageWalk;
  #port: NetlinkPort | null = null;
  #buffer: MessageBuffer;
  /** What is offered of the buffer. */
  #offered: Uint8Array<ArrayBuffer>;
  /** Datagrams cannot be kept below this: one of so many bytes was cut off. */
  #leastBytes = 0;
  #sequence = 0;
  #whole = true;
  #sliceEnd = 0;

  /** @param signal aborted, the reader stops at the next slice. */
  constructor(open: OpenPort, signal: AbortSignal) {
    this.#open = open;
    this.#signal = signal;
    // Made with the first port: a reader may have nothing to do.
    this.#buffer = messageBuffer(0);
    this.#offered = this.#buffer.bytes;
    this.#walk = new MessageWalk(this.#buffer);
  }

  /**
   * Reads one dump to its end, again where it was interrupted, cut off or overrun.
   *
   * @returns whether one attempt was whole; false: what all attempts brought is put together.
   * @throws {SystemError} if no socket can be opened.
   * @throws {NetlinkError} if the kernel refuses it.
   * @throws {DecodeError} if an answer is not as it must be.
   * @throws {DumpAbandoned} if the signal was aborted.
   */
  async read(request: DumpRequest): Promise<boolean> {
    for (let attempt = 0; attempt < attemptBytes.length; attempt++) {
      if (attempt > 0) await systemClock.sleep(firstPauseMs * 2 ** (attempt - 1), this.#signal);
      const port = this.#portOf(attempt);
      request.begin();
      this.#sequence++;
      const message = request.message(this.#sequence);
      if (request.aside === true) await port.sendAside(message);
      else port.send(message);
      if (await this.#readAnswer(port, request) && request.isDisturbed?.() !== true) {
        // The next dump gets large datagrams again.
        if (attempt > 0) this[Symbol.dispose]();
        return true;
      }
    }
    this[Symbol.dispose]();
    request.merge();
    return false;
  }

  /** Closes the port. The reader can still be used. */
  [Symbol.dispose](): void {
    this.#port?.close();
    this.#port = null;
  }

  /** The kernel remembers the most that was ever offered on a port, so that a further attempt needs another. */
  #portOf(attempt: number): NetlinkPort {
    if (attempt > 0) this[Symbol.dispose]();
    if (this.#port !== null) return this.#port;
    const bytes = Math.max(attemptBytes[attempt] ?? 0, this.#leastBytes);
    if (bytes > this.#buffer.bytes.length) this.#buffer = messageBuffer(bytes);
    this.#offered = this.#buffer.bytes.subarray(0, bytes);
    return this.#port = this.#open({});
  }

  /** Reads to the end of the answer; whether the dump was whole. */
  async #readAnswer(port: NetlinkPort, request: DumpRequest): Promise<boolean> {
    this.#whole = true;
    for (;;) {
      await this.#pause();
      const length = port.receive(this.#offered);
      if (length === nothingWaiting) await this.#waitForMore(port, request.operation);
      else if (length === overrun) this.#whole = false;
      else if (length > this.#offered.length) {
        this.#leastBytes = Math.max(this.#leastBytes, length);
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
      } else if (walk.type !== NLMSG_NOOP) request.take(walk);
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
  async #waitForMore(port: NetlinkPort, operation: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`Cannot ${operation}: no answer in ${silenceMs} ms`)),
        silenceMs,
      );
    });
    try {
      await Promise.race([port.wait(), silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}
