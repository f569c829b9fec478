/** Failed system calls as errors, and the names of the `errno` values that netlink and sockets yield. */

/** `errno` values that the code tests for (asm-generic/errno-base.h, errno.h; the same on x86-64 and aarch64). */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ELOOP: 40,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EDQUOT: 122,
} as const;

/**
 * The symbolic name of an `errno` value.
 *
 * @returns for example `EAGAIN`, or `errno 512` for one that is not in the list above.
 */
export function errnoName(value: number): string {
  return Object.entries(errno).find(([, number]) => number === value)?.[0] ?? `errno ${value}`;
}

/** A system call that failed. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  /** The `errno` value, 1 to 4095. */
  readonly errno: number;

  /**
   * @param action what was being done, as in `open a netlink socket`.
   * @param value the `errno` value.
   * @param remedy what a person can do about it, where anything is known that helps.
   */
  constructor(action: string, value: number, remedy?: string) {
    super(`Cannot ${action}: ${errnoName(value)}${remedy === undefined ? "" : `; ${remedy}`}`);
    this.errno = value;
  }
}
