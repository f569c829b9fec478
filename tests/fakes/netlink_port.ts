/** A kernel made of scripts: what each dump answers, what the event socket says. */

import type { NetlinkPort, OpenPort } from "../../src/kernel/wire/netlink_port.ts";
import { message } from "./netlink_messages.ts";

/** What a port yields: a datagram, a whole one cut to a length, an overrun, or another failure of the socket. */
export type Delivery = Uint8Array<ArrayBuffer> | "overrun" | Error;

/** Answers a request: the datagrams, whose sequence is filled in. */
export type Answer = (type: number, request: Uint8Array<ArrayBuffer>) => readonly Delivery[];

/** An NLMSG_DONE. */
export function done(flags = 0): Uint8Array<ArrayBuffer> {
  return message(3, new Uint8Array(4), { flags });
}

/** The fake kernel. Its last port with a receive buffer is the event stream's. */
export class FakeKernel {
  /** Groups that were joined. */
  readonly groups: number[] = [];
  /** Types of the requests that came. */
  readonly requests: number[] = [];
  /** How requests are answered; by default every dump is empty. */
  answer: Answer = () => [done()];
  events: FakePort | null = null;
  /** Groups that nobody may join. */
  readonly refusedGroups = new Set<number>();
  /** How often no event stream can be opened from now on. */
  refusals = 0;
  /** Ports that are open now. */
  open = 0;

  readonly openPort: OpenPort = ({ receiveBuffer }) => {
    if (receiveBuffer !== undefined && this.refusals > 0) {
      this.refusals--;
      throw new Error("Cannot open a routing netlink socket: EMFILE");
    }
    const port = new FakePort(this);
    this.open++;
    if (receiveBuffer !== undefined) this.events = port;
    return port;
  };
}

/** One of its sockets. */
export class FakePort implements NetlinkPort {
  readonly #kernel: FakeKernel;
  readonly #queue: Delivery[] = [];
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(kernel: FakeKernel) {
    this.#kernel = kernel;
  }

  /** Makes something to be received. */
  deliver(...deliveries: readonly Delivery[]): void {
    this.#queue.push(...deliveries);
    this.#wake?.();
  }

  join(group: number): void {
    if (this.#kernel.refusedGroups.has(group)) {
      throw new Error(`Cannot join netlink group ${group}: ENOPROTOOPT`);
    }
    this.#kernel.groups.push(group);
  }

  send(request: Uint8Array<ArrayBuffer>): void {
    const view = new DataView(request.buffer);
    const type = view.getUint16(4, true);
    this.#kernel.requests.push(type);
    for (const delivery of this.#kernel.answer(type, request)) {
      if (delivery instanceof Uint8Array) setSequence(delivery, view.getUint32(8, true));
      this.deliver(delivery);
    }
  }

  sendAside(request: Uint8Array<ArrayBuffer>): Promise<void> {
    this.send(request);
    return Promise.resolve();
  }

  receive(buffer: Uint8Array<ArrayBuffer>): number {
    const delivery = this.#queue.shift();
    if (delivery === undefined) return 0;
    if (delivery === "overrun") return -1;
    if (delivery instanceof Error) throw delivery;
    buffer.set(delivery.subarray(0, buffer.length));
    return delivery.length;
  }

  async wait(): Promise<boolean> {
    if (this.#queue.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#wake = null;
    return !this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kernel.open--;
    this.#wake?.();
  }
}

function setSequence(datagram: Uint8Array<ArrayBuffer>, sequence: number): void {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  for (let at = 0; at + 16 <= datagram.length;) {
    view.setUint32(at + 8, sequence, true);
    at += Math.max(16, (view.getUint32(at, true) + 3) & ~3);
  }
}
