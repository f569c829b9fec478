/**
 * The whole C surface of the program: which functions of glibc it calls and how.
 *
 * Nothing happens at import. {@linkcode openLibc} is called first thing in the process; the permission for FFI is
 * revoked right after it, and what it returned keeps working.
 */

/**
 * Where glibc lies on the usual distributions, in the order tried; the compile step allows FFI for these alone.
 *
 * Full paths, because `--allow-ffi=libc.so.6` would mean a file of that name in the current folder.
 */
export const libcPaths: readonly string[] = [
  "/lib/x86_64-linux-gnu/libc.so.6", // Debian, Ubuntu
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6", // Red Hat, SUSE, Amazon Linux
  "/usr/lib/x86_64-linux-gnu/libc.so.6",
  "/usr/lib/aarch64-linux-gnu/libc.so.6",
  "/usr/lib64/libc.so.6",
  "/usr/lib/libc.so.6", // Arch
];

/**
 * The functions, with their C declarations.
 *
 * `ssize_t` is declared `i32`: no call here moves 2 GiB, and `isize` would make every result a bigint.
 */
const libcSymbols = {
  /** int socket(...) */
  socket: {
    parameters: [
      "i32", // int domain
      "i32", // int type
      "i32", // int protocol
    ],
    result: "i32",
  },
  /** int bind(...) */
  bind: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const struct sockaddr *addr
      "u32", // socklen_t addrlen
    ],
    result: "i32",
  },
  /** int setsockopt(...) */
  setsockopt: {
    parameters: [
      "i32", // int sockfd
      "i32", // int level
      "i32", // int optname
      "buffer", // const void *optval
      "u32", // socklen_t optlen
    ],
    result: "i32",
  },
  /** int getsockopt(...) */
  getsockopt: {
    parameters: [
      "i32", // int sockfd
      "i32", // int level
      "i32", // int optname
      "buffer", // void *optval
      "buffer", // socklen_t *optlen
    ],
    result: "i32",
  },
  /** ssize_t send(...) */
  send: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    result: "i32",
  },
  /** The same on a thread of its own, for a request that takes the kernel long. Its errno is lost there. */
  sendAside: {
    name: "send",
    parameters: [
      "i32", // int sockfd
      "buffer", // const void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    result: "isize",
    nonblocking: true,
  },
  /** ssize_t sendto(...) */
  sendto: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const void *buf
      "usize", // size_t len
      "i32", // int flags
      "buffer", // const struct sockaddr *dest_addr
      "u32", // socklen_t addrlen
    ],
    result: "i32",
  },
  /** ssize_t recv(...) */
  recv: {
    parameters: [
      "i32", // int sockfd
      "buffer", // void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    result: "i32",
  },
  /** int poll(...), on a thread of its own, since it blocks. Its errno is lost there. */
  poll: {
    parameters: [
      "buffer", // struct pollfd *fds
      "usize", // nfds_t nfds (unsigned long)
      "i32", // int timeout, milliseconds
    ],
    result: "i32",
    nonblocking: true,
  },
  /** int eventfd(...) */
  eventfd: {
    parameters: [
      "u32", // unsigned int initval
      "i32", // int flags
    ],
    result: "i32",
  },
  /** int open(...): for /proc, /sys and lock files, which Deno's own permissions do not cover or cannot lock. */
  open: {
    parameters: [
      "buffer", // const char *pathname
      "i32", // int flags
      "u32", // mode_t mode
    ],
    result: "i32",
  },
  /** int flock(...) */
  flock: {
    parameters: [
      "i32", // int fd
      "i32", // int operation
    ],
    result: "i32",
  },
  /** int ftruncate(...) */
  ftruncate: {
    parameters: [
      "i32", // int fd
      "i64", // off_t length
    ],
    result: "i32",
  },
  /** ssize_t pwrite(...) */
  pwrite: {
    parameters: [
      "i32", // int fd
      "buffer", // const void *buf
      "usize", // size_t count
      "i64", // off_t offset
    ],
    result: "i32",
  },
  /** ssize_t read(...) */
  read: {
    parameters: [
      "i32", // int fd
      "buffer", // void *buf
      "usize", // size_t count
    ],
    result: "i32",
  },
  /** The same on a thread of its own, for a file of /proc that takes the kernel long to write. Its errno is lost there. */
  readAside: {
    name: "read",
    parameters: [
      "i32", // int fd
      "buffer", // void *buf
      "usize", // size_t count
    ],
    result: "isize",
    nonblocking: true,
  },
  /** ssize_t write(...) */
  write: {
    parameters: [
      "i32", // int fd
      "buffer", // const void *buf
      "usize", // size_t count
    ],
    result: "i32",
  },
  /** int close(...) */
  close: {
    parameters: [
      "i32", // int fd
    ],
    result: "i32",
  },
  /** int malloc_trim(...): gives free memory back to the kernel, also from between what is in use. */
  malloc_trim: {
    parameters: [
      "usize", // size_t pad
    ],
    result: "i32",
  },
  /** int madvise(...), with the address as a number: a pointer could not be made under a path-limited permission. */
  madvise: {
    parameters: [
      "usize", // void *addr
      "usize", // size_t length
      "i32", // int advice
    ],
    result: "i32",
  },
  /** int *__errno_location(void), as a number: a pointer could not be read under a path-limited permission. */
  __errno_location: {
    parameters: [],
    result: "usize",
  },
  /** void *memcpy(...): how errno is read at the address above. */
  memcpy: {
    parameters: [
      "buffer", // void *dest
      "usize", // const void *src
      "usize", // size_t n
    ],
    result: "void",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** glibc, opened. */
export interface Libc {
  /** The functions by their C names. */
  readonly symbols: Deno.DynamicLibrary<typeof libcSymbols>["symbols"];
  /** The path that it was opened from. */
  readonly path: string;
  /** `errno` of the last call on this thread that failed; meaningless after `poll`, which runs on another. */
  errno(): number;
}

/**
 * Opens glibc.
 *
 * @param paths full paths to try in turn.
 * @throws {Error} naming every path tried; its cause holds what was wrong with each.
 */
export function openLibc(paths: readonly string[] = libcPaths): Libc {
  const failures: unknown[] = [];
  for (const path of paths) {
    try {
      return libcOf(path, Deno.dlopen(path, libcSymbols).symbols);
    } catch (cause) {
      failures.push(cause);
    }
  }
  const [first] = failures;
  throw new Error(
    `Cannot open the C library at any of ${paths.join(", ")}: ${
      first instanceof Error ? first.message : first
    }`,
    { cause: new AggregateError(failures) },
  );
}

function libcOf(path: string, symbols: Libc["symbols"]): Libc {
  const value = new Int32Array(1);
  return {
    symbols,
    path,
    errno(): number {
      symbols.memcpy(value, symbols.__errno_location(), 4n);
      return value[0] ?? 0;
    },
  };
}
