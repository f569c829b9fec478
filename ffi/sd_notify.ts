/** Tells systemd how the service is doing (sd_notify(3)): one datagram per message to the socket `$NOTIFY_SOCKET`. */

import type { Libc } from "./libc.ts";
import { SystemError } from "./system_error.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sizeof(sun_path)` (linux/un.h). */
const pathBytes = 108;

/**
 * The service manager's ear; does nothing when there is none.
 *
 * A message that cannot be delivered is dropped: no state of systemd's may stop the service.
 */
export class SdNotify implements Disposable {
  readonly #libc: Libc;
  readonly #address: Uint8Array<ArrayBuffer>;
  #fd: number;

  private constructor(libc: Libc, fd: number, address: Uint8Array<ArrayBuffer>) {
    this.#libc = libc;
    this.#fd = fd;
    this.#address = address;
  }

  /**
   * @param libc the opened C library.
   * @param socket the value of `NOTIFY_SOCKET`: a full path, or `@` and an abstract name. Undefined, empty or of another shape: there is
   * nobody to tell, as systemd's own library has it (EINVAL, which services ignore).
   * @throws {SystemError} if no socket can be opened.
   */
  static open(libc: Libc, socket: string | undefined): SdNotify {
    const address = unixAddress(socket ?? "");
    if (address === null) return new SdNotify(libc, -1, new Uint8Array());
    const fd = libc.symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new SystemError("open a socket to systemd", libc.errno());
    return new SdNotify(libc, fd, address);
  }

  /** Whether a service manager listens. */
  get active(): boolean {
    return this.#fd >= 0;
  }

  /** The service is up: what waits for it may start. */
  ready(status: string): boolean {
    return this.#send(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  /** One line for `systemctl status`. */
  status(status: string): boolean {
    return this.#send(`STATUS=${oneLine(status)}`);
  }

  /** Proof of life, due at half of `WATCHDOG_USEC`. */
  watchdog(): boolean {
    return this.#send("WATCHDOG=1");
  }

  /** The service is on its way down. */
  stopping(): boolean {
    return this.#send("STOPPING=1");
  }

  /** Whether the message was handed over. */
  #send(text: string): boolean {
    if (this.#fd < 0) return false;
    const bytes = new TextEncoder().encode(text);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const { sendto } = this.#libc.symbols;
    return sendto(this.#fd, bytes, BigInt(bytes.length), flags, this.#address, this.#address.length) >= 0;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) this.#libc.symbols.close(this.#fd);
    this.#fd = -1;
  }
}

/**
 * `struct sockaddr_un` (unix(7)): the family, then the path with its final zero, or for an abstract name a zero in
 * place of the `@` and no final one. Null for what is neither, or too long.
 */
function unixAddress(socket: string): Uint8Array<ArrayBuffer> | null {
  const abstract = socket.startsWith("@");
  if (!abstract && !socket.startsWith("/")) return null;
  const path = new TextEncoder().encode(abstract ? `\0${socket.slice(1)}` : `${socket}\0`);
  if (path.length > pathBytes) return null;
  const address = new Uint8Array(2 + path.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(path, 2);
  return address;
}

/** A newline would begin another assignment. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}
