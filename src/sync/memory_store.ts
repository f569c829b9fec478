/** A ledger that lives in memory: a copy to plan with. */

import type { LedgerStore } from "./ledger.ts";

/**
 * Makes a store that starts with some content and forgets everything at the end.
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
