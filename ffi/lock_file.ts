/** A lock that one process holds at a time and that the kernel frees when the process dies, however it dies. */

import type { Libc } from "./libc.ts";
import { errno, SystemError } from "./system_error.ts";

/** Flags of open(2) (asm-generic/fcntl.h) and operations of flock(2) (linux/fcntl.h). */
const O_RDWR = 0o2;
const O_CREAT = 0o100;
const O_CLOEXEC = 0o2000000;
const LOCK_EX = 2;
const LOCK_NB = 4;
const mostDigits = 32;

/** A held lock. It is freed by `dispose`, or by the end of the process. */
export class LockFile implements Disposable {
  readonly #libc: Libc;
  #fd: number;

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /**
   * Takes the lock and writes this process's number into the file.
   *
   * @param path the lock file; created if it is not there.
   * @param pid number of this process.
   * @returns the lock, or the number of the process that holds it (0 if it does not say).
   * @throws {SystemError} if the file cannot be opened or locked.
   */
  static take(libc: Libc, path: string, pid: number): LockFile | number {
    const { symbols } = libc;
    const fd = symbols.open(new TextEncoder().encode(`${path}\0`), O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
    if (fd < 0) throw new SystemError(`open lock file ${path}`, libc.errno());
    const locked = symbols.flock(fd, LOCK_EX | LOCK_NB) === 0;
    const problem = locked ? 0 : libc.errno();
    if (!locked) {
      const holder = Number(readDigits(libc, fd));
      symbols.close(fd);
      if (problem !== errno.EAGAIN) throw new SystemError(`lock ${path}`, problem);
      return holder;
    }
    symbols.ftruncate(fd, 0n);
    const text = new TextEncoder().encode(`${pid}\n`);
    symbols.pwrite(fd, text, BigInt(text.length), 0n);
    return new LockFile(libc, fd);
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) this.#libc.symbols.close(this.#fd);
    this.#fd = -1;
  }
}

function readDigits(libc: Libc, fd: number): string {
  const bytes = new Uint8Array(mostDigits);
  const length = libc.symbols.read(fd, bytes, BigInt(mostDigits));
  return length <= 0 ? "" : new TextDecoder().decode(bytes.subarray(0, length)).trim();
}
