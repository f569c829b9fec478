/** A service manager's ear: the socket that `NOTIFY_SOCKET` names (sd_notify(3)). */

import { openLibc } from "../../../ffi/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** See the head of this file. */
export class NotifySocket implements Disposable {
  readonly #libc = openLibc();
  readonly #fd: number;
  readonly #messages: string[] = [];

  /** @param path full path of a socket that does not exist yet; under 108 bytes. */
  constructor(path: string) {
    const { symbols } = this.#libc;
    this.#fd = symbols.socket(AF_UNIX, SOCK_DGRAM, 0);
    // struct sockaddr_un: the family in the machine's byte order, then the path with its final zero.
    const address = new Uint8Array([AF_UNIX, 0, ...new TextEncoder().encode(`${path}\0`)]);
    if (this.#fd < 0 || symbols.bind(this.#fd, address, address.length) !== 0) {
      throw new Error(`Cannot listen at ${path}: errno ${this.#libc.errno()}`);
    }
  }

  /** Every line of every message so far, such as `READY=1`. */
  get lines(): readonly string[] {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const length = this.#libc.symbols.recv(this.#fd, buffer, BigInt(buffer.length), MSG_DONTWAIT);
      if (length < 0) return this.#messages;
      this.#messages.push(...new TextDecoder().decode(buffer.subarray(0, length)).split("\n"));
    }
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#fd);
  }
}
