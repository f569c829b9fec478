/** Where a ledger is kept: a file of the state folder, or this process' memory. */

/** What was read or written before is not there any more: somebody deleted or replaced it, perhaps with its folder. */
export class LedgerGoneError extends Error {
  override readonly name = "LedgerGoneError";
}

/** Where a ledger is kept. Implementations make every write durable before they resolve. */
export interface LedgerStore {
  /** Where that is, for people: a path. Left out where it is this process' memory. */
  readonly place?: string;
  /** The whole content, or null if there is none. */
  read(): Promise<string | null>;
  /** Appends, and syncs to disk. @throws {LedgerGoneError} if what it would append to is gone; nothing is written then. */
  append(text: string): Promise<void>;
  /** Replaces the content as one step: after a crash either the old or the new is there, whole. */
  replace(text: string): Promise<void>;
  /** Keeps content that cannot be trusted, for people to look at. @returns where it went. */
  setAside(text: string): Promise<string>;
  /**
   * Leaves a sign that a ledger was begun here, which stays when the content is lost. Left out where the content is a copy, of which
   * nothing outlives the run.
   */
  leaveSign?(): Promise<void>;
}

/**
 * Makes a store in memory, which starts with some content and forgets everything at the end: for a copy to plan with.
 *
 * @param content what {@linkcode LedgerStore.read} yields at first; null for a lost ledger.
 */
export function memoryStore(content: string | null): LedgerStore {
  let text = content;
  return {
    read: () => Promise.resolve(text),
    append: (more) => {
      text = (text ?? "") + more;
      return Promise.resolve();
    },
    replace: (whole) => {
      text = whole;
      return Promise.resolve();
    },
    setAside: () => Promise.resolve("nothing, since this is a copy"),
  };
}
