/** Small files of /proc and /sys. Deno reads those only with all permissions, libc with none. */

import type { Libc } from "./libc.ts";
import { errno, SystemError } from "./system_error.ts";

/** `O_RDONLY | O_CLOEXEC` (asm-generic/fcntl.h; the same on x86-64 and aarch64). */
const readOnly = 0o2000000;
/** A value in /proc/sys or /sys is one page at most; only /proc/self/environ is longer. */
const pageBytes = 4096;
/** More than the kernel lets a process have of arguments and environment (a quarter of the 8 MiB of a usual stack, execve(2)). */
const mostBytes = 2 << 20;

/**
 * Reads a file that the kernel takes long to write, such as one that counts a million routes, while the event loop goes on.
 *
 * @returns as {@linkcode readKernelFile}; null too if it cannot be read.
 */
export async function readKernelFileAside(libc: Libc, path: string): Promise<string | null> {
  const fd = libc.symbols.open(new TextEncoder().encode(`${path}\0`), readOnly, 0);
  if (fd < 0) return null;
  try {
    const text = new PagedText();
    for (;;) {
      const length = Number(await libc.symbols.readAside(fd, text.page, BigInt(pageBytes)));
      if (length < 0) return null;
      if (!text.take(length)) return text.trimmed;
    }
  } finally {
    libc.symbols.close(fd);
  }
}

/**
 * Reads a small file.
 *
 * @returns its text without white space at the ends, or null if there is no such file or it may not be read.
 * @throws {SystemError} if it is there but cannot be read.
 */
export function readKernelFile(libc: Libc, path: string): string | null {
  const fd = libc.symbols.open(new TextEncoder().encode(`${path}\0`), readOnly, 0);
  if (fd < 0) {
    const value = libc.errno();
    if (value === errno.ENOENT || value === errno.EACCES) return null;
    throw new SystemError(`open ${path}`, value);
  }
  try {
    const text = new PagedText();
    for (;;) {
      const length = libc.symbols.read(fd, text.page, BigInt(pageBytes));
      if (length < 0) throw new SystemError(`read ${path}`, libc.errno());
      if (!text.take(length)) return text.trimmed;
    }
  } finally {
    libc.symbols.close(fd);
  }
}

/** The text of a file that is read page by page. */
class PagedText {
  /** Where the next page is read to. */
  readonly page = new Uint8Array(pageBytes);
  readonly #decoder = new TextDecoder();
  #bytes = 0;
  #text = "";

  /** Takes in what was read. @param length bytes of the page; 0 at the end. @returns whether more is to be read. */
  take(length: number): boolean {
    this.#bytes += length;
    this.#text += this.#decoder.decode(this.page.subarray(0, length), { stream: true });
    return length > 0 && this.#bytes < mostBytes;
  }

  /** Without white space at the ends. */
  get trimmed(): string {
    return this.#text.trim();
  }
}
