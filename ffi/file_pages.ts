/**
 * Takes the pages of the executable that only its start needed out of the process's resident memory.
 *
 * The executable has 94 MB, and its start touches half of them: V8's snapshot, tables, code that runs once. The kernel leaves each page
 * that was touched in the process's page table until something else needs the memory. `madvise(MADV_DONTNEED)` (madvise(2)) takes them out
 * of it: "subsequent accesses of pages in the range will succeed, but will result in [...] repopulating the memory contents from the
 * up-to-date contents of the underlying mapped file". The page cache keeps what it has, so what is in use comes back by a minor fault of
 * microseconds, sixteen pages at a time; what is not is the first that the kernel drops when memory runs short.
 *
 * A page that the process has written has a copy in no file, and would be lost. Hence only mappings that can have none are touched: those
 * of a file, private, never writable, that hold code or the head of the file, and in which the kernel counts no copied page, neither in
 * memory (`Anonymous: 0`) nor in swap (`Swap: 0`). The relocated data of the executable (`.data`, `.data.rel.ro`) is never among them.
 * A debugger's breakpoint is a copied page too: with one set, the code stays as it is.
 */

import { readKernelFileAside } from "./kernel_file.ts";
import type { Libc } from "./libc.ts";

/** `MADV_DONTNEED` (asm-generic/mman-common.h; the same on x86-64 and aarch64). */
const dontNeed = 4;
/** What is smaller is not worth the faults: the C library's own code and the like. */
const leastBytes = 1 << 20;

/** A piece of the process's memory that holds pages of a file as they are on disk. */
export interface FilePages {
  /** Where it begins; below 2^47 on x86-64 and 2^48 on aarch64. */
  readonly address: bigint;
  readonly bytes: bigint;
  /** What of it is in the process's page table. */
  readonly residentBytes: number;
}

/**
 * Takes them out, as the head of this file says. It reads `/proc/self/smaps` on a thread of its own, for some milliseconds.
 *
 * @returns how many bytes were taken out; null where the kernel does not say what is in its page table (without `CONFIG_PROC_PAGE_MONITOR`).
 */
export async function leaveFilePages(libc: Libc): Promise<number | null> {
  const text = await readKernelFileAside(libc, "/proc/self/smaps");
  if (text === null) return null;
  let bytes = 0;
  for (const pages of filePages(text)) {
    // It fails for locked memory, where it changes nothing.
    if (libc.symbols.madvise(pages.address, pages.bytes, dontNeed) === 0) bytes += pages.residentBytes;
  }
  return bytes;
}

/**
 * Finds the pieces that can be taken out of the page table without a loss.
 *
 * @param smaps the text of `/proc/PID/smaps` (proc_pid_smaps(5)).
 */
export function filePages(smaps: string): FilePages[] {
  // A mapping begins with its addresses, each line below with a name.
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((mapping) => {
    const pages = pagesOf(mapping);
    return pages === null ? [] : [pages];
  });
}

/** Addresses, permissions, offset, device and inode; without an inode there is no file. */
const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) [0-9a-f]+:[0-9a-f]+ ([1-9][0-9]*) /;

/** @returns null if the mapping must stay, or is not worth it. */
function pagesOf(mapping: string): FilePages | null {
  const [, start = "", end = "", permissions = "", offset = ""] = head.exec(mapping) ?? [];
  const isCode = permissions === "r-xp";
  const isHead = permissions === "r--p" && /^0+$/.test(offset);
  if (!isCode && !isHead) return null;
  // What is not stated is taken for a copied page.
  if (bytesOf(mapping, "Anonymous") !== 0 || bytesOf(mapping, "Swap") !== 0) return null;
  const residentBytes = bytesOf(mapping, "Rss") ?? 0;
  if (residentBytes < leastBytes) return null;
  const address = BigInt(`0x${start}`);
  return { address, bytes: BigInt(`0x${end}`) - address, residentBytes };
}

/** @returns null if the mapping has no such line. */
function bytesOf(mapping: string, name: string): number | null {
  const kilobytes = new RegExp(`^${name}: +([0-9]+) kB$`, "m").exec(mapping)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
