/** A routing netlink socket (netlink(7), rtnetlink(7)) that never blocks the event loop. */

import type { Libc } from "./libc.ts";
import { errno, SystemError } from "./system_error.ts";

/** What {@linkcode NetlinkSocket.receive} returns when nothing is waiting. */
export const nothingWaiting = 0;

/** What {@linkcode NetlinkSocket.receive} returns once when the kernel has thrown messages away (ENOBUFS). */
export const overrun = -1;

/** How a socket is opened. */
export interface NetlinkSocketOptions {
  /** Receive buffer asked for, bytes; the kernel doubles it. Without CAP_NET_ADMIN `net.core.rmem_max` caps it. */
  readonly receiveBuffer?: number;
}

// Address families, socket types and options (linux/socket.h, asm-generic/socket.h, linux/netlink.h). They are the
// same on x86-64 and aarch64.
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const EFD_CLOEXEC = 0x80000;
const POLLIN = 1;

/**
 * A bound NETLINK_ROUTE socket with extended ACKs and strict checking of requests.
 *
 * Waiting is a `poll` on another thread over the socket and an eventfd; a blocked `recv` could be woken by neither
 * `close` nor `shutdown`, a write to the eventfd wakes the poll at once.
 *
 * @example
 * ```ts ignore
 * using socket = NetlinkSocket.open(libc);
 * socket.join(7); // RTNLGRP_IPV4_ROUTE
 * while (await socket.wait()) console.log(socket.receive(buffer));
 * ```
 */
export class NetlinkSocket implements Disposable {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #stopFd: number;
  /** `struct pollfd { int fd; short events; short revents; }`, twice: the socket, then the eventfd. */
  readonly #pollFds: Uint8Array<ArrayBuffer>;
  /** Whether another thread uses the descriptors. */
  #inUse = false;
  #stopped = false;

  private constructor(libc: Libc, fd: number, stopFd: number) {
    this.#libc = libc;
    this.#fd = fd;
    this.#stopFd = stopFd;
    this.#pollFds = new Uint8Array(16);
    const view = new DataView(this.#pollFds.buffer);
    view.setInt32(0, fd, true);
    view.setInt16(4, POLLIN, true);
    view.setInt32(8, stopFd, true);
    view.setInt16(12, POLLIN, true);
  }

  /**
   * Opens and binds a socket.
   *
   * @throws {SystemError} if the kernel gives none.
   */
  static open(libc: Libc, options: NetlinkSocketOptions = {}): NetlinkSocket {
    const fd = libc.symbols.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) throw notOpened(libc.errno());
    const stopFd = libc.symbols.eventfd(0, EFD_CLOEXEC);
    if (stopFd < 0) {
      const value = libc.errno();
      libc.symbols.close(fd);
      throw new SystemError("open an eventfd", value);
    }
    const socket = new NetlinkSocket(libc, fd, stopFd);
    try {
      socket.#prepare(options);
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }

  #prepare(options: NetlinkSocketOptions): void {
    // Both are refinements that kernels before 4.12 and 4.20 lack: then errors have no text, dumps no filter.
    this.#setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    this.#setOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    if (options.receiveBuffer !== undefined) this.#setReceiveBuffer(options.receiveBuffer);
    const address = new Uint8Array(12); // struct sockaddr_nl; port 0 lets the kernel choose, no groups yet
    new DataView(address.buffer).setUint16(0, AF_NETLINK, true);
    if (this.#libc.symbols.bind(this.#fd, address, address.length) < 0) {
      throw new SystemError("bind a routing netlink socket", this.#libc.errno());
    }
  }

  #setReceiveBuffer(bytes: number): void {
    if (this.#setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes) === 0) return;
    const failed = this.#setOption(SOL_SOCKET, SO_RCVBUF, bytes);
    if (failed !== 0) throw new SystemError(`set a receive buffer of ${bytes} bytes`, failed);
  }

  /** Sets an `int` option; returns 0 or the `errno` value. */
  #setOption(level: number, option: number, value: number): number {
    const bytes = new Int32Array([value]);
    return this.#libc.symbols.setsockopt(this.#fd, level, option, bytes, 4) < 0 ? this.#libc.errno() : 0;
  }

  /** The receive buffer in force, bytes, as the kernel counts it (twice what was asked for). */
  get receiveBuffer(): number {
    const value = new Int32Array(1);
    const length = new Uint32Array([4]);
    if (this.#libc.symbols.getsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, value, length) < 0) {
      throw new SystemError("read the receive buffer's size", this.#libc.errno());
    }
    return value[0] ?? 0;
  }

  /**
   * Subscribes to a multicast group (`RTNLGRP_*`). Needs no privilege.
   *
   * @throws {SystemError} for a group that the kernel does not know.
   */
  join(group: number): void {
    const failed = this.#setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    if (failed !== 0) throw new SystemError(`join netlink group ${group}`, failed);
  }

  /**
   * Sends one request to the kernel.
   *
   * @throws {SystemError} if it is not taken; the kernel's own answer comes by {@linkcode receive}.
   */
  send(message: Uint8Array<ArrayBuffer>): void {
    for (;;) {
      if (this.#libc.symbols.send(this.#fd, message, BigInt(message.length), 0) >= 0) return;
      const value = this.#libc.errno();
      if (value !== errno.EINTR) throw new SystemError("send a netlink request", value);
    }
  }

  /**
   * Sends one request on another thread: the kernel begins a dump while it takes the request, and may go through a million routes for it.
   *
   * @throws {SystemError} as {@linkcode send}.
   */
  async sendAside(message: Uint8Array<ArrayBuffer>): Promise<void> {
    const { sendAside } = this.#libc.symbols;
    if (await this.#aside(() => sendAside(this.#fd, message, BigInt(message.length), 0)) >= 0) return;
    // Why it failed is known on the other thread only.
    if (!this.#stopped) this.send(message);
  }

  /**
   * Takes one datagram without waiting.
   *
   * @returns its length in bytes: over `buffer.length` when it was cut off there (the rest is lost);
   * {@linkcode nothingWaiting} or {@linkcode overrun}.
   * @throws {SystemError} for any other failure.
   */
  receive(buffer: Uint8Array<ArrayBuffer>): number {
    for (;;) {
      const { recv } = this.#libc.symbols;
      const length = recv(this.#fd, buffer, BigInt(buffer.length), MSG_DONTWAIT | MSG_TRUNC);
      if (length > 0) return length;
      if (length === 0) return nothingWaiting;
      const value = this.#libc.errno();
      if (value === errno.EAGAIN) return nothingWaiting;
      if (value === errno.ENOBUFS) return overrun;
      if (value !== errno.EINTR) throw new SystemError("receive from a netlink socket", value);
    }
  }

  /**
   * Waits until something can be received.
   *
   * A failed poll (EINTR, out of memory) also counts as "look again": its errno belongs to another thread, and
   * {@linkcode receive} finds out what there is to know.
   *
   * @returns false once the socket has been closed.
   */
  async wait(): Promise<boolean> {
    if (this.#stopped) return false;
    await this.#aside(() => this.#libc.symbols.poll(this.#pollFds, 2n, -1));
    return !this.#stopped;
  }

  /** Calls on another thread; what is closed meanwhile is released after it. */
  async #aside<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#inUse) throw new Error("Cannot wait for a netlink socket twice at once");
    this.#inUse = true;
    try {
      return await call();
    } finally {
      this.#inUse = false;
      if (this.#stopped) this.#release();
    }
  }

  /** Closes the socket; a pending {@linkcode wait} ends with false within a millisecond. Closing twice is harmless. */
  close(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    // While another thread uses them the descriptors stay open: closed, their numbers could be another file's.
    if (this.#inUse) this.#libc.symbols.write(this.#stopFd, new BigUint64Array([1n]), 8n);
    else this.#release();
  }

  #release(): void {
    this.#libc.symbols.close(this.#fd);
    this.#libc.symbols.close(this.#stopFd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What sandboxes answer where they keep a process from netlink: systemd EAFNOSUPPORT, seccomp profiles mostly EPERM or EACCES. */
const forbidden: readonly number[] = [
  errno.EPERM,
  errno.EACCES,
  errno.EPROTONOSUPPORT,
  errno.EAFNOSUPPORT,
];

function notOpened(value: number): SystemError {
  const remedy = forbidden.includes(value)
    ? "a sandbox keeps this process from it: allow AF_NETLINK (RestrictAddressFamilies= in a systemd unit, the seccomp profile of a " +
      "container)"
    : undefined;
  return new SystemError("open a routing netlink socket", value, remedy);
}
