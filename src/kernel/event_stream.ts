/** Takes events off a subscribed port and hands them over batch by batch. */

import { setImmediate } from "node:timers/promises";
import { nothingWaiting, overrun } from "../../ffi/netlink_socket.ts";
import type { Family } from "../routes/prefix.ts";
import { type MessageBuffer, messageBuffer } from "./wire/attribute_cursor.ts";
import type { EventLog } from "./dump/event_log.ts";
import type { NetlinkPort, OpenPort } from "./wire/netlink_port.ts";

/** Multicast groups (`enum rtnetlink_groups`, linux/rtnetlink.h). */
const RTNLGRP_LINK = 1;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV4_ROUTE = 7;
const RTNLGRP_IPV6_IFADDR = 9;
const RTNLGRP_IPV6_ROUTE = 11;
const RTNLGRP_NEXTHOP = 32;

/** Receive buffer asked for, bytes: holds some 20,000 IPv4 route events. */
const receiveBuffer = 8 * 1024 * 1024;

/** More events than this within {@linkcode burstWindowMs} are a burst, in which waiting a little saves much work. */
const burstEvents = 50;
const burstWindowMs = 10;
const burstPauseMs = 5;

/**
 * After news that concern nobody it reads no more for so long: on a node that runs containers they come all the time, and to wake up
 * costs more than to read.
 */
const restMs = 20;

/** Datagrams taken before the event loop gets its turn. */
const batchDatagrams = 1_000;

/** Who takes the events. */
export interface EventSink {
  /** One datagram of `length` bytes. */
  readonly datagram: (buffer: MessageBuffer, length: number) => void;
  /** The kernel has thrown events away, or one was cut off. */
  readonly lost: (why: string) => void;
  /**
   * The first, or all that was waiting, has been handed over; `receivedAt` is when the first was taken (`performance.now`).
   *
   * @returns whether there was news in it that concerns anybody.
   */
  readonly batch: (receivedAt: number) => boolean;
}

/** The kernel has no such events for us: some sandboxes (gVisor) know few groups or none (ENOPROTOOPT). Trying again is of no use. */
export class EventsRefused extends Error {
  override readonly name = "EventsRefused";
}

/** The stream: {@linkcode run} reads until {@linkcode close}. */
export class EventStream {
  readonly #port: NetlinkPort;
  readonly #sink: EventSink;
  #buffer = messageBuffer(64 * 1024);
  #closed = false;
  /** Whether anything concerned anybody since {@linkcode run} has looked. */
  #hadNews = false;

  /**
   * Opens a port and subscribes to what concerns these families.
   *
   * @throws {EventsRefused} if the kernel lets us join a group that is needed not.
   * @throws {SystemError} if no socket can be opened.
   */
  constructor(open: OpenPort, families: readonly Family[], sink: EventSink) {
    this.#port = open({ receiveBuffer });
    this.#sink = sink;
    try {
      for (const group of groupsOf(families)) this.#join(group);
      this.#joinNextHops();
    } catch (error) {
      this.#port.close();
      throw error;
    }
  }

  #join(group: number): void {
    try {
      this.#port.join(group);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new EventsRefused(`Cannot follow the kernel's events: ${why}`, { cause });
    }
  }

  /** Kernels before 5.3 have no next-hop objects, so there is nothing to miss. */
  #joinNextHops(): void {
    try {
      this.#port.join(RTNLGRP_NEXTHOP);
    } catch {
      // Whatever the reason, dumps show next-hop objects if there are any.
    }
  }

  /** Hands over events as they come, until the stream is closed. */
  async run(): Promise<void> {
    let windowStart = 0, windowEvents = 0;
    while (await this.#port.wait()) {
      const now = performance.now();
      if (now - windowStart > burstWindowMs) {
        windowStart = now;
        windowEvents = 0;
      }
      this.#hadNews = false;
      windowEvents += await this.#drainInTurns();
      const pauseMs = !this.#hadNews ? restMs : windowEvents > burstEvents ? burstPauseMs : 0;
      if (pauseMs > 0 && !this.#closed) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #drainInTurns(): Promise<number> {
    let events = 0;
    for (;;) {
      const taken = this.drain(batchDatagrams);
      events += taken;
      if (taken < batchDatagrams || this.#closed) return events;
      await setImmediate();
    }
  }

  /**
   * Hands over what is waiting now.
   *
   * @param most datagrams to take at most.
   * @returns how many datagrams there were.
   */
  drain(most = Infinity): number {
    let taken = 0;
    const receivedAt = performance.now();
    while (taken < most && !this.#closed) {
      const length = this.#port.receive(this.#buffer.bytes);
      if (length === nothingWaiting) break;
      taken++;
      if (length === overrun) this.#sink.lost("the receive buffer overran");
      else if (length > this.#buffer.bytes.length) {
        this.#buffer = messageBuffer(length);
        this.#sink.lost(`an event of ${length} bytes was cut off`);
      } else this.#sink.datagram(this.#buffer, length);
      // Mostly there is no second one, and to find that out takes as long as reporting the first.
      if (taken === 1) this.#report(receivedAt);
    }
    if (taken > 1) this.#report(receivedAt);
    return taken;
  }

  #report(receivedAt: number): void {
    if (this.#sink.batch(receivedAt)) this.#hadNews = true;
  }

  /** Ends {@linkcode run}. */
  close(): void {
    this.#closed = true;
    this.#port.close();
  }
}

/**
 * A stream that nobody runs: its events wait until it is drained into a log.
 *
 * @returns null if there is none to be had.
 */
export function openWitness(open: OpenPort, families: readonly Family[], log: EventLog): EventStream | null {
  try {
    return new EventStream(open, families, {
      datagram: (buffer, length) => log.add(buffer.bytes, length),
      lost: () => log.lose(),
      batch: () => true,
    });
  } catch {
    // Whatever the reason, a dump alone must do then.
    return null;
  }
}

function groupsOf(families: readonly Family[]): number[] {
  return [
    RTNLGRP_LINK,
    ...(families.includes(4) ? [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE] : []),
    ...(families.includes(6) ? [RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE] : []),
  ];
}
