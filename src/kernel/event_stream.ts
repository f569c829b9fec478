/** Takes events off a subscribed port and hands them over batch by batch. */

import { setImmediate } from "node:timers/promises";
import { nothingWaiting, overrun } from "../../ffi/netlink_socket.ts";
import type { Family } from "../routes/prefix.ts";
import { type MessageBuffer, messageBuffer } from "./attribute_cursor.ts";
import type { NetlinkPort, OpenPort } from "./netlink_port.ts";

/** Multicast groups (`enum rtnetlink_groups`, linux/rtnetlink.h). */
const RTNLGRP_LINK = 1;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV4_ROUTE = 7;
const RTNLGRP_IPV6_IFADDR = 9;
const RTNLGRP_IPV6_ROUTE = 11;
const RTNLGRP_NEXTHOP = 32;

/** Receive buffer asked for, bytes: room for some 20,000 IPv4 route events. */
const receiveBuffer = 8 * 1024 * 1024;

/** More events than this within {@linkcode burstWindowMs} are a burst, in which waiting a little saves much work. */
const burstEvents = 50;
const burstWindowMs = 10;
const burstPauseMs = 5;

/** Datagrams taken before the event loop gets its turn. */
const batchDatagrams = 1_000;

/** Who takes the events. */
export interface EventSink {
  /** One datagram of `length` bytes. */
  readonly datagram: (buffer: MessageBuffer, length: number) => void;
  /** The kernel has thrown events away, or one was cut off. */
  readonly lost: (why: string) => void;
  /** The first, or all that was waiting, has been handed over; `receivedAt` is when the first was taken (`performance.now`). */
  readonly batch: (receivedAt: number) => void;
}

/** The stream: {@linkcode run} reads until {@linkcode close}. */
export class EventStream {
  readonly #port: NetlinkPort;
  readonly #sink: EventSink;
  #buffer = messageBuffer(64 * 1024);
  #closed = false;

  /** Opens a port and subscribes to what concerns these families. */
  constructor(open: OpenPort, families: readonly Family[], sink: EventSink) {
    this.#port = open({ receiveBuffer });
    this.#sink = sink;
    try {
      for (const group of groupsOf(families)) this.#port.join(group);
      this.#joinNextHops();
    } catch (error) {
      this.#port.close();
      throw error;
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
      windowEvents += await this.#drainInTurns();
      if (windowEvents > burstEvents && !this.#closed) {
        await new Promise((resolve) => setTimeout(resolve, burstPauseMs));
      }
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
      // Mostly there is no second one, and to find that out takes as long as telling of the first.
      if (taken === 1) this.#sink.batch(receivedAt);
    }
    if (taken > 1) this.#sink.batch(receivedAt);
    return taken;
  }

  /** Ends {@linkcode run}. */
  close(): void {
    this.#closed = true;
    this.#port.close();
  }
}

function groupsOf(families: readonly Family[]): number[] {
  return [
    RTNLGRP_LINK,
    ...(families.includes(4) ? [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE] : []),
    ...(families.includes(6) ? [RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE] : []),
  ];
}
