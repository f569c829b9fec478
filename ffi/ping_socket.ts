/** A ping socket (icmp(7), "ICMP echo sockets"): echo requests without any capability, where `net.ipv4.ping_group_range` allows them. */

import type { Libc } from "./libc.ts";
import { SystemError } from "./system_error.ts";

/** Address families (bits/socket.h), and what their echo messages are called (icmp.h, icmp6.h). */
const families = {
  4: { domain: 2, protocol: 1, request: 8, reply: 0 },
  6: { domain: 10, protocol: 58, request: 128, reply: 129 },
} as const;

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;

/** Bytes that an answer carries back, after the eight of its head. */
const tokenBytes = 8;

/** Whom to ask: a family and an address as its bytes, 4 or 16, in network order. */
export interface PingTarget {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
}

/**
 * Opens a ping socket and closes it.
 *
 * @throws {SystemError} `EACCES` if the process' groups are outside of `net.ipv4.ping_group_range`.
 */
export function tryPingSocket(libc: Libc, family: 4 | 6): void {
  libc.symbols.close(openSocket(libc, family));
}

/**
 * Sends one echo request and waits for its answer, on a thread of its own.
 *
 * @param timeoutMs how long, in whole milliseconds.
 * @returns whether it was answered; false too where there is no way to the target.
 * @throws {SystemError} if there is no socket.
 */
export async function ping(libc: Libc, target: PingTarget, timeoutMs: number): Promise<boolean> {
  const { request, reply } = families[target.family];
  const fd = openSocket(libc, target.family);
  try {
    const token = crypto.getRandomValues(new Uint8Array(tokenBytes));
    // Type, code, checksum, identifier, sequence: the kernel fills in checksum and identifier.
    const message = new Uint8Array([request, 0, 0, 0, 0, 0, 0, 1, ...token]);
    const address = socketAddress(target);
    if (libc.symbols.sendto(fd, message, BigInt(message.length), 0, address, address.length) < 0) {
      return false;
    }
    const endsAt = performance.now() + timeoutMs;
    for (;;) {
      const left = Math.ceil(endsAt - performance.now());
      if (left <= 0) return false;
      const wait = new Uint8Array(8);
      new DataView(wait.buffer).setInt32(0, fd, true);
      new DataView(wait.buffer).setInt16(4, POLLIN, true);
      if (await libc.symbols.poll(wait, 1n, left) <= 0) return false;
      const answer = new Uint8Array(64);
      const length = libc.symbols.recv(fd, answer, BigInt(answer.length), MSG_DONTWAIT);
      const isAnswer = length === message.length && answer[0] === reply &&
        token.every((byte, index) => answer[8 + index] === byte);
      if (isAnswer) return true;
      // What is no answer may be an error of the way (EHOSTUNREACH), which ends the wait, or another's message.
      if (length < 0) return false;
    }
  } finally {
    libc.symbols.close(fd);
  }
}

function openSocket(libc: Libc, family: 4 | 6): number {
  const { domain, protocol } = families[family];
  const fd = libc.symbols.socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
  if (fd < 0) throw new SystemError("open a ping socket", libc.errno());
  return fd;
}

/** `struct sockaddr_in` or `struct sockaddr_in6`, with neither port nor zone. */
function socketAddress({ family, bytes }: PingTarget): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(family === 4 ? 16 : 28);
  new DataView(address.buffer).setUint16(0, families[family].domain, true);
  address.set(bytes, family === 4 ? 4 : 8);
  return address;
}
